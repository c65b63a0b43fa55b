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

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n && a[i] == b[i]; i++)
		;
	return i;
}

/* One copy under way. */
struct copy {
	const struct blockio *src, *dst;
	uint8_t *chunk, *back;
	uint64_t total;
	blockio_progress_fn *progress;
	void *progress_ctx;
	struct err *err;
};

static size_t chunk_length(uint64_t total, uint64_t at)
{
	return total - at < BLOCKIO_CHUNK_BYTES ? (size_t)(total - at) : BLOCKIO_CHUNK_BYTES;
}

static void tell(const struct copy *c, const char *phase, uint64_t done)
{
	if (c->progress)
		c->progress(c->progress_ctx, phase, done, c->total);
}

static int flush(const struct copy *c, uint64_t at)
{
	int rc = c->dst->flush(c->dst->ctx);

	return rc ? err_sys(c->err, rc, "write the device near byte %" PRIu64, at) : 0;
}

static int write_chunk(const struct copy *c, uint64_t at, size_t n)
{
	int rc = -EOPNOTSUPP;

	if (c->dst->zero && n == BLOCKIO_CHUNK_BYTES && all_zero(c->chunk, n))
		rc = c->dst->zero(c->dst->ctx, n, at);
	if (rc == -EOPNOTSUPP)
		rc = c->dst->write(c->dst->ctx, c->chunk, n, at);
	return rc ? err_sys(c->err, rc, "write the device at byte %" PRIu64, at) : 0;
}

/* No table, old or half written, is found on dst from here until the copy is complete. */
static int clear_tables(const struct copy *c)
{
	uint64_t size = c->dst->size_bytes;
	size_t n = chunk_length(size, 0);
	int rc;

	memset(c->chunk, 0, n);
	rc = write_chunk(c, 0, n);
	if (!rc && size > n)
		rc = write_chunk(c, size - n, n);
	return rc ? rc : flush(c, 0);
}

static int write_range(const struct copy *c, uint64_t from, uint64_t to)
{
	uint64_t at, unflushed = 0;
	size_t n;
	int rc;

	for (at = from; at < to; at += n) {
		n = chunk_length(to, at);
		rc = c->src->read(c->src->ctx, c->chunk, n, at);
		if (rc)
			return err_sys(c->err, rc, "read the image at byte %" PRIu64, at);
		rc = write_chunk(c, at, n);
		unflushed += n;
		if (!rc && unflushed >= BLOCKIO_FLUSH_BYTES) {
			rc = flush(c, at);
			unflushed = 0;
		}
		if (rc)
			return rc;
		tell(c, "write", at + n);
	}
	return flush(c, to);
}

static int check_range(const struct copy *c, uint64_t from, uint64_t to)
{
	uint64_t at;
	size_t n;
	int rc = c->dst->drop_cache ? c->dst->drop_cache(c->dst->ctx) : 0;

	if (rc)
		return err_sys(c->err, rc, "drop the device's cached data");
	for (at = from; at < to; at += n) {
		n = chunk_length(to, at);
		rc = c->src->read(c->src->ctx, c->chunk, n, at);
		if (rc)
			return err_sys(c->err, rc, "read the image at byte %" PRIu64, at);
		rc = c->dst->read(c->dst->ctx, c->back, n, at);
		if (rc)
			return err_sys(c->err, rc, "read the device back at byte %" PRIu64, at);
		if (memcmp(c->chunk, c->back, n) != 0)
			return err_set(c->err, -EILSEQ,
				       "the device gives back something else at byte %" PRIu64
				       ": it is broken or smaller than it says",
				       at + first_difference(c->chunk, c->back, n));
		tell(c, "check", at + n);
	}
	return 0;
}

int blockio_copy(const struct blockio *src, const struct blockio *dst, uint8_t *buf,
		 blockio_progress_fn *progress, void *progress_ctx, struct err *err)
{
	struct copy c = {
		.src = src,
		.dst = dst,
		.chunk = buf,
		.back = buf + BLOCKIO_CHUNK_BYTES,
		.total = src->size_bytes,
		.progress = progress,
		.progress_ctx = progress_ctx,
		.err = err,
	};
	uint64_t head = chunk_length(c.total, 0);
	int rc;

	if (dst->size_bytes < c.total)
		return err_set(err, -ENOSPC,
			       "the device has %" PRIu64 " bytes, the image needs %" PRIu64,
			       dst->size_bytes, c.total);
	rc = clear_tables(&c);
	if (!rc)
		rc = write_range(&c, head, c.total);
	if (!rc)
		rc = check_range(&c, head, c.total);
	if (!rc)
		rc = write_range(&c, 0, head);
	if (!rc)
		rc = check_range(&c, 0, head);
	return rc;
}
