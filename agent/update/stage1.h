// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_STAGE1_H
#define CAIRN_UPDATE_STAGE1_H

#include "agent/update/efivars.h"
#include "bootstate.h"
#include "slotio.h"
#include "stage1run.h"

/*
 * The writer's hands on the two ESPs (lib/stage1.h has the whole way). A bundle that brings a
 * newer stage 1 writes it to ESP 2 with the slot; the restart that tries the slot, or the next one
 * of any reason, tries it too; what follows is done after each mark-good.
 */
struct writer_stage1 {
	bool usable; /* else why says what is missing, and nothing is ever done */
	struct err why;
	struct slotio esp[2];
	struct efivars efivars;
	struct stage1_machine machine;
	struct stage1_hold hold; /* of ESP 2, while a bundle is written to it */
};

/*
 * stage1_open - the ESPs of a disk ("/dev/nvme0n1") and the firmware's variables, with the
 * service's own rights. state must outlive *s. A machine that cannot replace its stage 1 is none
 * the worse: s->usable is false.
 */
void stage1_open(struct writer_stage1 *s, const char *disk, const struct blockio *state);

/*
 * stage1_from - take from the boot state which ESP GRUB came from. False: that is not known now
 * (no valid copy, or GRUB could not write it), and nothing may be done.
 */
bool stage1_from(struct writer_stage1 *s, enum bootstate_slot running);

/* stage1_has - the generation that a release may rely on; at least 1. */
uint32_t stage1_has(struct writer_stage1 *s, enum bootstate_slot running);

/*
 * stage1_begin - shall a bundle's ESP of this generation be written? Then *ret_dst is where, and
 * its first sector is cleared. stage1_end writes that sector, after all is read back.
 * Errors: of the I/O.
 */
int stage1_begin(struct writer_stage1 *s, enum bootstate_slot running, uint32_t generation,
		 const struct blockio **ret_dst, struct err *err);
int stage1_end(struct writer_stage1 *s, struct err *err);

/* stage1_waits - is there something that stage1_go would do? */
bool stage1_waits(struct writer_stage1 *s, enum bootstate_slot running);

/*
 * stage1_go - do it; the booted slot must be good. *ret_said gets a sentence where something was
 * done. Errors: -EAGAIN the slot is not good in this start; as stage1run_go.
 */
int stage1_go(struct writer_stage1 *s, enum bootstate_slot running, struct err *ret_said);

#endif
