// SPDX-License-Identifier: Apache-2.0
#include "logio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "dmlog.h"

#define SECTOR 512

static int append(struct logio *l, uint64_t offset, const void *data, size_t len, uint64_t flags)
{
	size_t need = l->len + SECTOR + len;
	uint8_t *p;

	if (need > l->room) {
		size_t room = need * 2;

		p = realloc(l->log, room);
		if (!p)
			return -ENOMEM;
		l->log = p;
		l->room = room;
	}
	if (!l->len) {
		memset(l->log, 0, SECTOR);
		le64_store(l->log, DMLOG_MAGIC);
		le64_store(l->log + 8, DMLOG_VERSION);
		le32_store(l->log + 24, SECTOR);
		l->len = SECTOR;
		return append(l, offset, data, len, flags);
	}
	p = l->log + l->len;
	memset(p, 0, SECTOR);
	le64_store(p, offset / SECTOR);
	le64_store(p + 8, len / SECTOR);
	le64_store(p + 16, flags);
	if (len)
		memcpy(p + SECTOR, data, len);
	l->len += SECTOR + len;
	le64_store(l->log + 16, ++l->entries);
	return 0;
}

static int log_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	struct logio *l = ctx;

	if (offset_bytes > l->io.size_bytes || len > l->io.size_bytes - offset_bytes)
		return -EINVAL;
	memcpy(ret_buf, l->disk + offset_bytes, len);
	return 0;
}

static int log_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	struct logio *l = ctx;

	if (offset_bytes > l->io.size_bytes || len > l->io.size_bytes - offset_bytes)
		return -EINVAL;
	if (offset_bytes % SECTOR || len % SECTOR)
		return -EINVAL;
	memcpy(l->disk + offset_bytes, buf, len);
	return append(l, offset_bytes, buf, len, 0);
}

static int log_flush(void *ctx)
{
	struct logio *l = ctx;

	return l->deaf ? 0 : append(l, 0, NULL, 0, 1);
}

void logio_init(struct logio *l, uint8_t *disk, uint64_t size_bytes)
{
	*l = (struct logio){
		.disk = disk,
		.io = { .ctx = l,
			.size_bytes = size_bytes,
			.sector_bytes = SECTOR,
			.read = log_read,
			.write = log_write,
			.flush = log_flush },
	};
}

void logio_release(struct logio *l)
{
	free(l->log);
	l->log = NULL;
}
