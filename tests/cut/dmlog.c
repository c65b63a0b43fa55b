// SPDX-License-Identifier: Apache-2.0
#include "dmlog.h"

#include <errno.h>
#include <inttypes.h>

#include "bytes.h"

#define FLAG_FLUSH 1
#define FLAG_DISCARD 4

int dmlog_open(const uint8_t *buf, size_t len, struct dmlog *ret, struct err *err)
{
	struct dmlog l = { .buf = buf, .len = len };

	if (!len)
		return err_set(err, -ENODATA, "nothing was recorded");
	if (len < DMLOG_HEAD_BYTES || le64_load(buf) != DMLOG_MAGIC)
		return err_set(err, -EINVAL, "this is no log of writes");
	if (le64_load(buf + 8) != DMLOG_VERSION)
		return err_set(err, -EINVAL, "a log of version %" PRIu64, le64_load(buf + 8));
	l.entries = le64_load(buf + 16);
	l.sector_bytes = le32_load(buf + 24);
	if (l.sector_bytes != 512 && l.sector_bytes != 4096)
		return err_set(err, -EINVAL, "a log with sectors of %" PRIu32 " bytes",
			       l.sector_bytes);
	if (l.entries > DMLOG_ENTRIES_MAX)
		return err_set(err, -EFBIG, "a log of %" PRIu64 " entries", l.entries);
	l.pos = l.sector_bytes;
	*ret = l;
	return 0;
}

int dmlog_next(struct dmlog *l, struct dmlog_entry *ret, struct err *err)
{
	uint64_t sectors_max = DMLOG_DISK_MAX_BYTES / l->sector_bytes;
	uint64_t sector, sectors, flags;
	struct dmlog_entry e = { 0 };
	const uint8_t *p;

	if (l->next == l->entries)
		return 0;
	if (l->pos > l->len || l->len - l->pos < l->sector_bytes)
		return err_set(err, -EBADMSG, "entry %" PRIu64 ": the log ends before it", l->next);
	p = l->buf + l->pos;
	sector = le64_load(p);
	sectors = le64_load(p + 8);
	flags = le64_load(p + 16);
	if (sector > sectors_max || sectors > sectors_max - sector)
		return err_set(err, -EBADMSG, "entry %" PRIu64 ": no disk has such a place",
			       l->next);
	if (flags != 0 && flags != FLAG_FLUSH && flags != FLAG_DISCARD)
		return err_set(err, -EBADMSG, "entry %" PRIu64 ": unknown flags %#" PRIx64, l->next,
			       flags);
	if (flags == FLAG_FLUSH && sectors)
		return err_set(err, -EBADMSG, "entry %" PRIu64 ": a flush with data", l->next);
	e.kind = flags == FLAG_FLUSH ? DMLOG_FLUSH : flags ? DMLOG_DISCARD : DMLOG_WRITE;
	e.offset_bytes = sector * l->sector_bytes;
	e.len_bytes = sectors * l->sector_bytes;
	if (e.kind == DMLOG_WRITE) {
		if (l->len - l->pos - l->sector_bytes < e.len_bytes)
			return err_set(err, -EBADMSG, "entry %" PRIu64 ": its data are cut short",
				       l->next);
		e.data = p + l->sector_bytes;
	}
	l->pos += l->sector_bytes + (e.kind == DMLOG_WRITE ? (size_t)e.len_bytes : 0);
	l->next++;
	*ret = e;
	return 1;
}
