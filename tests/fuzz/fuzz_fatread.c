// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fatread.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* The input begins the volume; the rest of it is zero. */
struct disk {
	const uint8_t *buf;
	size_t len;
};

static int disk_read(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	const struct disk *d = ctx;
	size_t have = offset < d->len ? d->len - (size_t)offset : 0;

	memset(ret_buf, 0, len);
	memcpy(ret_buf, d->buf + (have ? offset : 0), have < len ? have : len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const char *const paths[] = { "EFI/BOOT/BOOTX64.EFI", "slot.cfg.sig" };
	struct disk d = { buf, len };
	struct blockio io = { .ctx = &d, .size_bytes = 64 << 20, .read = disk_read };
	uint8_t *out = malloc(8192);
	size_t i, n;

	for (i = 0; out && i < 2; i++)
		if (!fatread_file(&io, paths[i], out, 8192, &n, NULL) && n > 8192)
			abort();
	free(out);
	return 0;
}
