// SPDX-License-Identifier: Apache-2.0
#ifndef CUT_DMLOG_H
#define CUT_DMLOG_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * The log of a disk's writes as QEMU's blklogwrites keeps it (QEMU 7.2, block/blklogwrites.c; the
 * form is Linux's, drivers/md/dm-log-writes.c). All integers little-endian; everything is
 * counted in the log's sectors:
 *
 *     sector 0   u64 magic, u64 version 1, u64 number of entries, u32 bytes of a sector, 0...
 *     then, for each entry:
 *       1 sector  u64 sector, u64 number of sectors, u64 flags, u64 0, 0...
 *       n sectors the data: of a write only
 *
 * Flags: 0 a write, 1 a flush (no sectors), 4 a discard (no data). QEMU appends an entry when its
 * request is done on the disk, so what was acknowledged before a flush was sent stands before the
 * flush. A log may end in an entry that its first sector does not count yet: that is not read.
 */

#define DMLOG_MAGIC UINT64_C(0x6a736677736872)
#define DMLOG_VERSION 1
#define DMLOG_HEAD_BYTES 32
#define DMLOG_ENTRIES_MAX (UINT64_C(1) << 24)
#define DMLOG_DISK_MAX_BYTES (UINT64_C(1) << 44)

enum dmlog_kind { DMLOG_WRITE, DMLOG_FLUSH, DMLOG_DISCARD };

struct dmlog {
	const uint8_t *buf; /* the caller's; must outlive this */
	size_t len;
	uint64_t entries;
	uint32_t sector_bytes; /* 512 or 4096 */
	uint64_t next;	       /* number of the entry at pos */
	size_t pos;
};

struct dmlog_entry {
	enum dmlog_kind kind;
	uint64_t offset_bytes, len_bytes;
	const uint8_t *data; /* of a write: len_bytes in the log */
};

/*
 * dmlog_open - look at a log's head and stand before its first entry.
 * Errors: -ENODATA empty, -EINVAL not such a log, an unknown version or sector size, -EFBIG.
 */
int dmlog_open(const uint8_t *buf, size_t len, struct dmlog *ret, struct err *err);

/*
 * dmlog_next - 1 and the next entry, 0 at the end.
 * Errors: -EBADMSG cut short, unknown flags, or a place no disk has.
 */
int dmlog_next(struct dmlog *l, struct dmlog_entry *ret, struct err *err);

#endif
