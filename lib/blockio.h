// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BLOCKIO_H
#define CAIRN_BLOCKIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * A block device as code that decides about disks sees it: a size and a few functions, so that
 * tests can fail, tear or cut any write. All functions return 0 or -errno.
 */
struct blockio {
	void *ctx;
	uint64_t size_bytes;
	uint32_t sector_bytes; /* logical sector */
	int (*read)(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes);
	int (*write)(void *ctx, const void *buf, size_t len, uint64_t offset_bytes);
	/* Durable on return. */
	int (*flush)(void *ctx);
	/* The range reads as zeros afterwards. NULL or -EOPNOTSUPP: write zeros instead. */
	int (*zero)(void *ctx, uint64_t len, uint64_t offset_bytes);
	/* Later reads come from the medium. NULL: there is no cache. */
	int (*drop_cache)(void *ctx);
};

/*
 * blockio_open_fd - fill in *ret for an open block device or regular file.
 * fd stays the caller's and must outlive *ret; ctx points at fd.
 * Errors: -ENOTBLK neither device nor file, or as ioctl(2).
 */
int blockio_open_fd(const int *fd, struct blockio *ret, struct err *err);

/* Told now and then how far a copy is; both counts in bytes. phase: "write" or "check". */
typedef void blockio_progress_fn(void *ctx, const char *phase, uint64_t done, uint64_t total);

/* The unit of blockio_copy. */
#define BLOCKIO_CHUNK_BYTES (1u << 20)
/* It flushes after so many bytes, so that progress is real and an error is told near its place. */
#define BLOCKIO_FLUSH_BYTES (32u << 20)

/*
 * blockio_copy - write a whole disk image to the start of dst so that a cut leaves either no
 * partition table or a complete, checked disk: first the places where tables live (the first
 * chunk and dst's last one) are cleared and flushed, then everything after the first chunk is
 * written, flushed, read back from the medium and compared; the first chunk comes last and is
 * compared too. Runs of zeros of a chunk's length go through dst->zero where it has one.
 * buf has 2 * BLOCKIO_CHUNK_BYTES. The sentence in err names the offset of what failed.
 * Errors: -ENOSPC dst is smaller than src, -EILSEQ what was read back differs, or of the I/O.
 */
int blockio_copy(const struct blockio *src, const struct blockio *dst, uint8_t *buf,
		 blockio_progress_fn *progress, void *progress_ctx, struct err *err);

#endif
