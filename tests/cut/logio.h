// SPDX-License-Identifier: Apache-2.0
#ifndef CUT_LOGIO_H
#define CUT_LOGIO_H

#include "blockio.h"

/*
 * A disk in memory that records what is written to it, in the form of dmlog.h: for tests of the
 * checker, and for updates that run on the host without a machine.
 */
struct logio {
	struct blockio io; /* its ctx is this struct: do not copy */
	uint8_t *disk;	   /* io.size_bytes; the caller's */
	uint8_t *log;	   /* owned */
	size_t len, room;
	uint64_t entries;
	bool deaf; /* flushes are acknowledged, and not recorded */
};

/* logio_init - size_bytes is a multiple of 512. */
void logio_init(struct logio *l, uint8_t *disk, uint64_t size_bytes);
void logio_release(struct logio *l);

#endif
