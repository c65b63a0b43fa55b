// SPDX-License-Identifier: Apache-2.0
#include "memdisk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void memdisk_init(struct memdisk *d, uint64_t size)
{
	memset(d, 0, sizeof(*d));
	d->size = size;
	d->medium = calloc(1, size);
	d->cache = calloc(1, size);
	if (!d->medium || !d->cache)
		abort();
}

static void forget_pending(struct memdisk *d)
{
	while (d->pendings)
		free(d->pending[--d->pendings].bytes);
}

void memdisk_release(struct memdisk *d)
{
	forget_pending(d);
	free(d->pending);
	free(d->medium);
	free(d->cache);
}

static bool due(const struct memdisk *d, enum memdisk_fault fault, unsigned int count)
{
	return d->fault == fault && d->at == count;
}

static int disk_read(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	struct memdisk *d = ctx;

	if (d->dead)
		return -ENODEV;
	assert(offset <= d->size && len <= d->size - offset);
	d->reads++;
	if (due(d, MEMDISK_READ_FAILS, d->reads))
		return -EIO;
	memcpy(ret_buf, d->cache + offset, len);
	if (due(d, MEMDISK_READ_ROTS, d->reads))
		((uint8_t *)ret_buf)[len / 2] ^= 0x10;
	return 0;
}

static void put(struct memdisk *d, const void *buf, size_t len, uint64_t offset)
{
	struct memdisk_pending *p;

	if (!len)
		return;
	if (d->pendings == d->room) {
		d->room = d->room ? 2 * d->room : 16;
		d->pending = realloc(d->pending, d->room * sizeof(*d->pending));
		if (!d->pending)
			abort();
	}
	p = &d->pending[d->pendings++];
	p->offset = offset;
	p->len = len;
	p->bytes = malloc(len);
	if (!p->bytes)
		abort();
	memcpy(p->bytes, buf, len);
	memcpy(d->cache + offset, buf, len);
}

static int disk_write(void *ctx, const void *buf, size_t len, uint64_t offset)
{
	struct memdisk *d = ctx;

	if (d->dead)
		return -ENODEV;
	assert(offset <= d->size && len <= d->size - offset);
	/* The partitions' promise: whole sectors. */
	assert(offset % MEMDISK_SECTOR == 0 && len % MEMDISK_SECTOR == 0);
	d->writes++;
	if (d->watch)
		d->watch(d->watch_ctx, d, offset, len);
	if (due(d, MEMDISK_WRITE_FAILS, d->writes))
		return -EIO;
	if (d->fault == MEMDISK_FULL && d->writes >= d->at)
		return -ENOSPC;
	if (due(d, MEMDISK_WRITE_SHORT, d->writes)) {
		put(d, buf, len / 2 / MEMDISK_SECTOR * MEMDISK_SECTOR, offset);
		return -EIO;
	}
	put(d, buf, len, offset);
	if (due(d, MEMDISK_CUT, d->writes) ||
	    (d->lied && d->cut_after_lie && d->writes == d->writes_at_lie + d->cut_after_lie)) {
		d->dead = true;
		return -ENODEV;
	}
	return 0;
}

static int disk_flush(void *ctx)
{
	struct memdisk *d = ctx;
	size_t i;

	if (d->dead)
		return -ENODEV;
	d->flushes++;
	if (due(d, MEMDISK_FLUSH_FAILS, d->flushes))
		return -EIO;
	if (due(d, MEMDISK_FLUSH_LIES, d->flushes)) {
		d->lied = true;
		d->writes_at_lie = d->writes;
		return 0;
	}
	for (i = 0; i < d->pendings; i++)
		memcpy(d->medium + d->pending[i].offset, d->pending[i].bytes, d->pending[i].len);
	forget_pending(d);
	return 0;
}

struct blockio memdisk_io(struct memdisk *d)
{
	return (struct blockio){
		.ctx = d,
		.size_bytes = d->size,
		.sector_bytes = MEMDISK_SECTOR,
		.read = disk_read,
		.write = disk_write,
		.flush = disk_flush,
	};
}

void memdisk_arm(struct memdisk *d, enum memdisk_fault fault, unsigned int at)
{
	d->fault = fault;
	d->at = at;
	d->cut_after_lie = 0;
	d->lied = false;
	d->writes = d->reads = d->flushes = 0;
}

static bool survives(enum memdisk_loss loss, uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return loss == MEMDISK_LOSE_NONE || (loss == MEMDISK_LOSE_SOME && *seed >> 31);
}

void memdisk_power_on(struct memdisk *d, enum memdisk_loss loss, uint32_t seed)
{
	size_t i, at;

	for (i = 0; i < d->pendings; i++) {
		const struct memdisk_pending *p = &d->pending[i];

		for (at = 0; at < p->len; at += MEMDISK_SECTOR)
			if (survives(loss, &seed))
				memcpy(d->medium + p->offset + at, p->bytes + at, MEMDISK_SECTOR);
	}
	forget_pending(d);
	memcpy(d->cache, d->medium, d->size);
	d->dead = false;
	memdisk_arm(d, MEMDISK_NONE, 0);
}

void memdisk_copy(struct memdisk *d, const struct memdisk *from)
{
	assert(d->size == from->size && !from->pendings);
	forget_pending(d);
	memcpy(d->medium, from->medium, d->size);
	memcpy(d->cache, from->cache, d->size);
	d->dead = false;
	memdisk_arm(d, MEMDISK_NONE, 0);
}
