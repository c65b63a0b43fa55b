// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DATAHEAD_H
#define CAIRN_DATAHEAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the first bytes of the DATA partition say about it. ext4 leaves its first 1024 bytes to
 * others; sector 0 holds our mark, so that a power cut while the file system is made is told
 * apart from a damaged one that holds someone's data:
 *
 *   offset 0   "CAIRN-DATA\0\0\0\0\0\0"
 *          16  le32 version, 1: the partition is the file system; 2: it is encrypted, the keys'
 *              header (lib/keyhead.h) follows, the encrypted volume begins at DATAHEAD_VOLUME_AT
 *          20  le32 1: being made, 2: made
 *          64  le32 0x82564557 while version 1 is being made (a BSD disk label's magic: mke2fs
 *              would otherwise clear the sector, e2fsprogs 1.47 misc/mke2fs.c zap_sector)
 *
 * Order of the first boot: mark "being made", durable; where it is encrypted a new key and its
 * header, durable; make the file system, durable; mark "made", durable. A cut before the last step
 * finds "being made" or zeros and begins again; nothing was ever stored in there. Only zeros and
 * our own mark lead to making.
 */
#define DATAHEAD_BYTES 65536 /* how much of the head is judged */
#define DATAHEAD_MARK_BYTES 512
#define DATAHEAD_VOLUME_AT (1u << 20) /* bytes; of an encrypted partition */
#define DATAHEAD_LABEL "cairn-data"

enum datahead {
	DATAHEAD_EMPTY,	 /* all zero: never used */
	DATAHEAD_MAKING, /* the making was cut: nothing in there yet */
	DATAHEAD_MADE,	 /* ours, in whatever condition: check, repair, never make again */
	DATAHEAD_MAKING_ENCRYPTED, /* as MAKING; there may be a key of it already */
	DATAHEAD_ENCRYPTED,	   /* as MADE, behind a key */
	DATAHEAD_UNKNOWN,	   /* someone else's, or damaged beyond telling: hands off */
};

enum datahead datahead_judge(const uint8_t head[static DATAHEAD_BYTES]);

/* datahead_mark - the sector for all but DATAHEAD_EMPTY and DATAHEAD_UNKNOWN. */
void datahead_mark(enum datahead what, uint8_t ret_sector[static DATAHEAD_MARK_BYTES]);

const char *datahead_name(enum datahead what);

#endif
