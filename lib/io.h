// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_IO_H
#define CAIRN_IO_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whole reads and writes: EINTR and short transfers are handled here and nowhere else.
 * All return 0 or -errno; -ENODATA where the file ended before len bytes.
 */
int io_pread(int fd, void *ret_buf, size_t len, uint64_t offset_bytes);
int io_pwrite(int fd, const void *buf, size_t len, uint64_t offset_bytes);
int io_write(int fd, const void *buf, size_t len);

/*
 * io_read_file - the whole of a small file, NUL-terminated, into a buffer of max bytes.
 * ret_len may be NULL. Errors: -EFBIG it does not fit with its NUL, or as open(2) and read(2).
 */
int io_read_file(const char *path, void *ret_buf, size_t max, size_t *ret_len);

/*
 * io_replace_file - write a file so that after a crash the old or the new content is there:
 * temporary file, fsync, rename, fsync of the folder. The folder of path must exist.
 */
int io_replace_file(const char *path, const void *buf, size_t len, unsigned int mode);

/* Closes on leaving the scope: int fd _cleanup_close_ = -1; */
void io_close_p(int *fd);
#define _cleanup_close_ __attribute__((cleanup(io_close_p)))
void io_free_p(void *p);
#define _cleanup_free_ __attribute__((cleanup(io_free_p)))

#endif
