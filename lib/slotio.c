// SPDX-License-Identifier: Apache-2.0
#include "slotio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

static int slot_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	const struct slotio *s = ctx;

	return io_pread(s->direct_fd >= 0 ? s->direct_fd : s->fd, ret_buf, len, offset_bytes);
}

/* What the cache writes at once: a few sectors would go with all of their block. */
#define CACHE_BLOCK_BYTES 4096

/* Some sectors of one block of the cache, and no others. The kernel keeps the cache true. */
static int write_sectors(const struct slotio *s, const void *buf, size_t len, uint64_t offset_bytes)
{
	alignas(CACHE_BLOCK_BYTES) uint8_t block[CACHE_BLOCK_BYTES];

	memcpy(block, buf, len);
	return io_pwrite(s->direct_fd, block, len, offset_bytes);
}

static int slot_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	const struct slotio *s = ctx;
	int rc;

	if (len < CACHE_BLOCK_BYTES && s->direct_fd >= 0 && len % s->io.sector_bytes == 0 &&
	    offset_bytes % s->io.sector_bytes == 0) {
		rc = write_sectors(s, buf, len, offset_bytes);
		/* A file system may want larger pieces. */
		if (rc != -EINVAL)
			return rc;
	}
	rc = io_pwrite(s->fd, buf, len, offset_bytes);
	/* Only begins the writing; a kernel that cannot do it here does it at the flush. */
	if (!rc)
		(void)sync_file_range(s->fd, (off_t)offset_bytes, (off_t)len,
				      SYNC_FILE_RANGE_WRITE);
	return rc;
}

static int slot_flush(void *ctx)
{
	const struct slotio *s = ctx;

	return fdatasync(s->fd) ? -errno : 0;
}

/* Where reads are cached, what was written must go first; clean pages do. */
static int slot_drop_cache(void *ctx)
{
	const struct slotio *s = ctx;

	return -posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
}

int slotio_open(struct slotio *s, const char *path, unsigned int flags, struct err *err)
{
	struct blockio plain;
	int rc;

	s->direct_fd = -1;
	s->fd = open(path, (flags & SLOTIO_WRITE ? O_RDWR : O_RDONLY) |
				   (flags & SLOTIO_EXCLUSIVE ? O_EXCL : 0) | O_CLOEXEC);
	if (s->fd < 0)
		return err_sys(err, -errno, "open %s", path);
	rc = blockio_open_fd(&s->fd, &plain, err);
	if (rc) {
		err_prefix(err, "%s", path);
		slotio_close(s);
		return rc;
	}
	if (flags & SLOTIO_DIRECT)
		s->direct_fd = open(path, (flags & SLOTIO_WRITE ? O_RDWR : O_RDONLY) | O_DIRECT |
						  O_CLOEXEC);
	s->io = (struct blockio){
		.ctx = s,
		.size_bytes = plain.size_bytes,
		.sector_bytes = plain.sector_bytes,
		.read = slot_read,
		.write = slot_write,
		.flush = slot_flush,
		.drop_cache = slot_drop_cache,
	};
	return 0;
}

void slotio_close(struct slotio *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->direct_fd >= 0)
		(void)close(s->direct_fd);
	s->fd = s->direct_fd = -1;
}
