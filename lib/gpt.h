// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GPT_H
#define CAIRN_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "err.h"

/*
 * GUID partition tables (UEFI 2.10, chapter 5) on disks with 512-byte logical sectors.
 *
 *     LBA 0      protective MBR
 *     LBA 1      primary header         offset  size
 *     LBA 2-33   128 entries of 128     0       8     "EFI PART"
 *     ...        partitions             8       4     revision 1.0
 *     end-32     the same entries       12      4     header bytes, 92
 *     end        backup header          16      4     CRC-32 of the header, this field 0
 *                                       24, 32  8, 8  LBA of this header, of the other one
 *     an entry: type GUID, GUID,        40, 48  8, 8  first and last LBA for partitions
 *     first LBA, last LBA, flags,       56      16    disk GUID
 *     36 characters of UTF-16           72      8     LBA of the entries
 *                                       80, 84  4, 4  number and size of the entries
 *                                       88      4     CRC-32 of the entries
 *
 * The size in the protective MBR is written as 0xffffffff, which the specification has for disks
 * it cannot tell, so that a table that moves to a larger disk never rewrites sector 0.
 */

#define GPT_SECTOR_BYTES 512
#define GPT_GUID_BYTES 16 /* as stored: the first three fields little-endian */
#define GPT_GUID_TEXT 36
#define GPT_ENTRIES 128
#define GPT_ENTRY_BYTES 128
#define GPT_ENTRIES_BYTES (GPT_ENTRIES * GPT_ENTRY_BYTES)
#define GPT_FIRST_LBA 34
#define GPT_LAST_GAP 34 /* the last LBA for partitions is the disk's sectors minus this */
#define GPT_NAME_MAX 35 /* characters; ours are ASCII */
#define GPT_ALIGN_SECTORS 2048

/* A table in memory. Entries are kept as stored, so that what we do not know stays. */
struct gpt {
	uint64_t disk_sectors; /* the disk the table is laid out for */
	uint8_t disk_guid[GPT_GUID_BYTES];
	uint8_t entries[GPT_ENTRIES_BYTES];
	/* How gpt_read found it. */
	bool primary_ok, backup_ok;
	uint64_t backup_lba; /* of the backup header that the table names */
};

struct gpt_part {
	uint8_t type[GPT_GUID_BYTES], guid[GPT_GUID_BYTES];
	uint64_t first_lba, last_lba; /* both inside */
	char name[GPT_NAME_MAX + 1];  /* other characters than printable ASCII become ? */
};

/* gpt_guid_parse - from text of either case. Errors: -EINVAL. */
int gpt_guid_parse(const char *text, uint8_t ret[static GPT_GUID_BYTES]);
/* gpt_guid_format - lower-case text with its NUL. */
void gpt_guid_format(const uint8_t guid[static GPT_GUID_BYTES], char ret[static GPT_GUID_TEXT + 1]);

/* gpt_init - an empty table for a disk. Errors: -EINVAL fewer than 100 sectors. */
int gpt_init(struct gpt *g, uint64_t disk_sectors, const uint8_t disk_guid[static GPT_GUID_BYTES]);

/*
 * gpt_set - make partition `number` (from 1).
 * Errors: -EINVAL number or name, -ERANGE outside the disk, -EEXIST over another partition.
 */
int gpt_set(struct gpt *g, unsigned int number, const struct gpt_part *part);

/* gpt_get - partition `number`. Errors: -ENOENT unused or no such number. */
int gpt_get(const struct gpt *g, unsigned int number, struct gpt_part *ret);

/*
 * gpt_read - the table of a disk: the primary one, or the backup where the primary is damaged.
 * The backup is looked for where the primary says, and at the disk's end.
 * Errors: -ENOTSUP sectors are not of 512 bytes, -ENODATA no GPT at all, -EBADMSG damaged beyond
 * use or not of the form above, or of the reading.
 */
int gpt_read(const struct blockio *io, struct gpt *ret, struct err *err);

/*
 * gpt_resize - lay the table out for a disk of another size; changes memory only.
 * Errors: -ENOSPC a partition would lie outside.
 */
int gpt_resize(struct gpt *g, uint64_t disk_sectors);

/*
 * gpt_grow_last - extend partition `number` to the last whole MiB of the disk; memory only.
 * Never shrinks. Errors: -ENOENT no such partition, -EBUSY another one lies after it.
 */
int gpt_grow_last(struct gpt *g, unsigned int number);

/*
 * gpt_write - write both copies to a disk that has a valid copy or none, so that a cut or torn
 * write at any point leaves a valid table, the old or the new one: the copy that is not needed
 * is written and flushed first. Writes the protective MBR only where with_mbr says so (new disks).
 * g must come from gpt_read of this disk, or the disk must be expendable. Durable on return.
 * Errors: -EINVAL the table is laid out for another size, -ENOTSUP sectors, or of the I/O.
 */
int gpt_write(const struct blockio *io, struct gpt *g, bool with_mbr, struct err *err);

/*
 * gpt_fix_backup - after an image was written to a larger disk: move the backup to the disk's
 * end. Does nothing where all is in place already.
 */
int gpt_fix_backup(const struct blockio *io, struct err *err);

#endif
