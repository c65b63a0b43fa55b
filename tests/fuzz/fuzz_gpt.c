// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "gpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/*
 * The input is the disk: its sectors 0 to 33 and, where it is longer, its last 33; between them
 * lie sectors of zeros. Checksums are made right first, or nothing would get past them.
 */
enum { HEAD = 34 * 512, TAIL = 33 * 512, DISK = 4096 * 512, HEADER = 92 };

static uint8_t disk[DISK];

static int disk_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	(void)ctx;
	if (offset_bytes > DISK || len > DISK - offset_bytes)
		abort();
	memcpy(ret_buf, disk + offset_bytes, len);
	return 0;
}

static int disk_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	(void)ctx;
	if (offset_bytes > DISK || len > DISK - offset_bytes)
		abort();
	memcpy(disk + offset_bytes, buf, len);
	return 0;
}

static int disk_flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t c = ~0u;
	int bit;

	while (len--) {
		c ^= *p++;
		for (bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
	}
	return ~c;
}

static void mend(uint8_t *header, const uint8_t *entries)
{
	le32_store(header + 88, crc32(entries, GPT_ENTRIES_BYTES));
	le32_store(header + 16, 0);
	le32_store(header + 16, crc32(header, HEADER));
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static struct gpt g, again;
	struct blockio io = {
		.size_bytes = DISK,
		.sector_bytes = 512,
		.read = disk_read,
		.write = disk_write,
		.flush = disk_flush,
	};
	size_t head = len < HEAD ? len : HEAD, tail = len - head < TAIL ? len - head : TAIL;
	struct gpt_part part;
	struct err err;
	unsigned int i;

	memset(disk, 0, sizeof(disk));
	memcpy(disk, buf, head);
	memcpy(disk + DISK - TAIL, buf + head, tail);
	mend(disk + 512, disk + 1024);
	mend(disk + DISK - 512, disk + DISK - TAIL);
	if (gpt_read(&io, &g, &err))
		return 0;
	for (i = 0; i <= GPT_ENTRIES + 1; i++)
		if (gpt_get(&g, i, &part) == 0 && part.last_lba >= g.disk_sectors)
			abort();
	/* What was read can be laid out for this disk, written, and read again. */
	if (gpt_resize(&g, DISK / 512) || (gpt_grow_last(&g, 7) == -EINVAL) ||
	    gpt_write(&io, &g, false, &err) || gpt_read(&io, &again, &err) || !again.primary_ok ||
	    !again.backup_ok || memcmp(g.entries, again.entries, sizeof(g.entries)) != 0)
		abort();
	return 0;
}
