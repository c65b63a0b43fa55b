// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SLOTINSTALL_H
#define CAIRN_SLOTINSTALL_H

#include "blockio.h"
#include "bootstate.h"
#include "bootstateio.h"
#include "err.h"
#include "slotwrite.h"

/*
 * The order in which an update touches the disk, the same for the device, `cairn install` and the
 * fault tests:
 *
 *     1. a delta's base is read and compared: nothing is lost where it does not fit
 *     2. boot state: the slot is not good and has no tries; durable before
 *     3. the first byte of the slot is written; all of it is read back
 *     4. boot state: the slot is primary on trial; the last write of all
 *
 * So GRUB picks the slot at no time between 2 and 4, and at 4 it is complete.
 */

/*
 * slotinstall_event - one event of bootstate.h on the stored state; nothing is written where it
 * changes nothing. Durable on return. *ret (may be NULL) is the state afterwards; `what` is the
 * event in sentences ("activate").
 * Errors: of the event, as bootstateio_load and bootstateio_store.
 */
int slotinstall_event(const struct blockio *state, enum bootstate_slot running,
		      enum bootstate_slot slot,
		      int (*event)(struct bootstate *state, enum bootstate_slot slot),
		      const char *what, struct bootstateio *ret, struct err *err);

/* Where slotinstall_write ended. */
enum slotinstall_step { SLOTINSTALL_BASE, SLOTINSTALL_STATE, SLOTINSTALL_SLOT };

/*
 * slotinstall_write - steps 1 to 3. state: the STATE partition; running: the slot of the running
 * root; slot: the one that job's targets belong to. May be called again after any failure: what
 * is right already is not written again, the boot state included.
 * Errors: -EBUSY slot is the running one, -EAGAIN the running slot is on trial and the other one
 * is the only good one, -ESTALE as slotwrite_check_base; or as bootstateio_store, slotwrite_run.
 */
int slotinstall_write(const struct blockio *state, enum bootstate_slot running,
		      enum bootstate_slot slot, struct slotwrite *w,
		      const struct slotwrite_job *job, struct slotwrite_result *ret_result,
		      enum slotinstall_step *ret_step, struct err *err);

/*
 * slotinstall_activate - step 4, after a slotinstall_write that returned 0.
 * Errors: -EBUSY slot is the running one, or as bootstateio_store.
 */
int slotinstall_activate(const struct blockio *state, enum bootstate_slot running,
			 enum bootstate_slot slot, struct err *err);

#endif
