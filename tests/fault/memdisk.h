// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_MEMDISK_H
#define CAIRN_TEST_MEMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"

/*
 * A disk in memory with a write cache, as a real one: what is written is read back at once, but
 * lies on the medium only after a flush. One fault at one call of a kind, and a cut of power that
 * loses any part of what was not flushed, sector by sector.
 */

#define MEMDISK_SECTOR 512u

enum memdisk_fault {
	MEMDISK_NONE,
	MEMDISK_WRITE_FAILS, /* nothing of it is written, -EIO */
	MEMDISK_WRITE_SHORT, /* half of it is written, -EIO */
	MEMDISK_CUT,	     /* power goes during the write: every call from here on is -ENODEV */
	MEMDISK_FULL,	     /* this write and all that follow: -ENOSPC */
	MEMDISK_READ_FAILS,  /* -EIO */
	MEMDISK_READ_ROTS,   /* a byte of what is read is another */
	MEMDISK_FLUSH_FAILS, /* -EIO, nothing is durable */
	MEMDISK_FLUSH_LIES,  /* 0, nothing is durable */
};

struct memdisk_pending {
	uint64_t offset;
	size_t len;
	uint8_t *bytes;
};

struct memdisk {
	uint8_t *medium, *cache;
	uint64_t size;
	struct memdisk_pending *pending;
	size_t pendings, room;
	/* The fault, and the number (from 1) of the write, read or flush that has it. */
	enum memdisk_fault fault;
	unsigned int at;
	unsigned int cut_after_lie; /* power goes at so many writes after the lie; 0 never */
	unsigned int writes, reads, flushes; /* calls so far */
	bool lied;
	unsigned int writes_at_lie;
	bool dead;
	/* Told of each write before it happens, and of what the medium holds then. */
	void (*watch)(void *ctx, const struct memdisk *d, uint64_t offset, size_t len);
	void *watch_ctx;
};

void memdisk_init(struct memdisk *d, uint64_t size);
void memdisk_release(struct memdisk *d);

/* memdisk_io - the disk as code under test sees it. */
struct blockio memdisk_io(struct memdisk *d);

/* memdisk_arm - one fault from here on; counts begin at 0. */
void memdisk_arm(struct memdisk *d, enum memdisk_fault fault, unsigned int at);

enum memdisk_loss { MEMDISK_LOSE_ALL, MEMDISK_LOSE_NONE, MEMDISK_LOSE_SOME };

/*
 * memdisk_power_on - after a cut or instead of one: of what was not flushed each sector is on the
 * medium or not, as `loss` and seed say. No fault is armed any more.
 */
void memdisk_power_on(struct memdisk *d, enum memdisk_loss loss, uint32_t seed);

/* memdisk_copy - the content of from, which has d's size and nothing pending; no fault. */
void memdisk_copy(struct memdisk *d, const struct memdisk *from);

#endif
