// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BOOTSTATEIO_H
#define CAIRN_BOOTSTATEIO_H

#include <stdbool.h>
#include <stdint.h>

#include "blockio.h"
#include "bootstate.h"
#include "err.h"

/*
 * The boot state on the STATE partition (io: the partition). Buffers are aligned and transfers
 * whole sectors of 512 bytes, so that io may be open with O_DIRECT.
 */

struct bootstateio {
	struct bootstate state; /* the newest copy's; change it, then store it */
	struct bootstate_copy copies[2];
	bool damaged[2]; /* unreadable, invalid, or not byte for byte what we write */
	bool fs_damaged; /* GRUB may not find the files */
	bool lost;	 /* no copy was valid: state is bootstate_factory of the running slot */
};

/*
 * bootstateio_load - flush what GRUB or we wrote, drop the cache, read both copies.
 * running: the slot of the running root, which counts where no copy is valid. A copy that cannot
 * be read is damaged, not an error. Errors: of the flush.
 */
int bootstateio_load(const struct blockio *io, enum bootstate_slot running, struct bootstateio *ret,
		     struct err *err);

/* bootstateio_needs_repair - something is damaged. */
bool bootstateio_needs_repair(const struct bootstateio *s);

/*
 * bootstateio_store - write s->state to the older copy with the next sequence, flush, read it back
 * from the medium. Where that copy cannot be written, the newest one is written over with its own
 * sequence, so that one bad block does not end all updates. Durable on return 0; after an error
 * the old or the new state is there. Errors: of the I/O, -EILSEQ it does not read back so.
 */
int bootstateio_store(const struct blockio *io, struct bootstateio *s, struct err *err);

/*
 * bootstateio_repair - write anew what is damaged, keeping the state. The file system's head is
 * written before the copies, one copy at a time. Nothing damaged: writes nothing.
 * Errors: as bootstateio_store; what could be repaired is.
 */
int bootstateio_repair(const struct blockio *io, struct bootstateio *s, struct err *err);

#endif
