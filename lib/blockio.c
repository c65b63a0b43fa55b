// SPDX-License-Identifier: Apache-2.0
#include "blockio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

static int fd_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	return io_pread(*(const int *)ctx, ret_buf, len, offset_bytes);
}

static int fd_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	return io_pwrite(*(const int *)ctx, buf, len, offset_bytes);
}

static int fd_flush(void *ctx)
{
	return fsync(*(const int *)ctx) ? -errno : 0;
}

static int device_zero(void *ctx, uint64_t len, uint64_t offset_bytes)
{
	uint64_t range[2] = { offset_bytes, len };

	if (ioctl(*(const int *)ctx, BLKZEROOUT, range) == 0)
		return 0;
	/* A device or a kernel that cannot is no failure of the medium. */
	return errno == EINVAL || errno == ENOTTY || errno == EOPNOTSUPP ? -EOPNOTSUPP : -errno;
}

static int device_drop_cache(void *ctx)
{
	return ioctl(*(const int *)ctx, BLKFLSBUF, 0) ? -errno : 0;
}

static int file_drop_cache(void *ctx)
{
	return -posix_fadvise(*(const int *)ctx, 0, 0, POSIX_FADV_DONTNEED);
}

int blockio_open_fd(const int *fd, struct blockio *ret, struct err *err)
{
	struct stat st;
	int sector_bytes = 0;

	if (fstat(*fd, &st))
		return err_sys(err, -errno, "look at the device");
	*ret = (struct blockio){
		/* The functions above only read through it. */
		.ctx = (void *)(uintptr_t)fd,
		.sector_bytes = 512,
		.read = fd_read,
		.write = fd_write,
		.flush = fd_flush,
	};
	if (S_ISREG(st.st_mode)) {
		ret->size_bytes = (uint64_t)st.st_size;
		ret->drop_cache = file_drop_cache;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return err_set(err, -ENOTBLK, "neither a block device nor a file");
	if (ioctl(*fd, BLKGETSIZE64, &ret->size_bytes) || ioctl(*fd, BLKSSZGET, &sector_bytes))
		return err_sys(err, -errno, "find the size of the device");
	ret->sector_bytes = (uint32_t)sector_bytes;
	ret->zero = device_zero;
	ret->drop_cache = device_drop_cache;
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static int write_chunk(const struct blockio *dst, const uint8_t *chunk, size_t n, uint64_t at)
{
	int rc = -EOPNOTSUPP;

	if (dst->zero && n == BLOCKIO_CHUNK_BYTES && all_zero(chunk, n))
		rc = dst->zero(dst->ctx, n, at);
	return rc == -EOPNOTSUPP ? dst->write(dst->ctx, chunk, n, at) : rc;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n && a[i] == b[i]; i++)
		;
	return i;
}

int blockio_copy(const struct blockio *src, const struct blockio *dst, uint8_t *buf,
		 blockio_progress_fn *progress, void *progress_ctx, struct err *err)
{
	uint8_t *chunk = buf, *back = buf + BLOCKIO_CHUNK_BYTES;
	uint64_t total = src->size_bytes, at;
	size_t n;
	int rc, pass;

	if (dst->size_bytes < total)
		return err_set(err, -ENOSPC,
			       "the device has %" PRIu64 " bytes, the image needs %" PRIu64,
			       dst->size_bytes, total);
	for (pass = 0; pass < 2; pass++) {
		for (at = 0; at < total; at += n) {
			n = total - at < BLOCKIO_CHUNK_BYTES ? (size_t)(total - at)
							     : BLOCKIO_CHUNK_BYTES;
			rc = src->read(src->ctx, chunk, n, at);
			if (rc)
				return err_sys(err, rc, "read the image at byte %" PRIu64, at);
			rc = pass == 0 ? write_chunk(dst, chunk, n, at)
				       : dst->read(dst->ctx, back, n, at);
			if (rc)
				return err_sys(err, rc, "%s the device at byte %" PRIu64,
					       pass == 0 ? "write" : "read back", at);
			if (pass == 1 && memcmp(chunk, back, n) != 0)
				return err_set(
					err, -EILSEQ,
					"the device gives back something else at byte %" PRIu64
					": it is broken or not as large as it says",
					at + first_difference(chunk, back, n));
			if (progress)
				progress(progress_ctx, pass == 0 ? "write" : "check", at + n,
					 total);
		}
		if (pass == 1)
			break;
		rc = dst->flush(dst->ctx);
		if (rc)
			return err_sys(err, rc, "flush the device");
		rc = dst->drop_cache ? dst->drop_cache(dst->ctx) : 0;
		if (rc)
			return err_sys(err, rc, "drop the device's cached data");
	}
	return 0;
}
