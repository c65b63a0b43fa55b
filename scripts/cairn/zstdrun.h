// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ZSTDRUN_H
#define CAIRN_ZSTDRUN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * Compression by the zstd program, one frame a process, so that the bytes depend on that program
 * alone (the build's own, pkg/zstd) and on no library of the host; and so that several run at
 * once. Frames have no checksum (the bundle has better), know their content's size, and keep to
 * the window of bundles.
 */
struct zstdrun {
	pid_t pid;
	int in_fd, out_fd;
};

/* zstdrun_start - begin to compress a buffer, which is copied. Every start needs its finish. */
int zstdrun_start(const char *program, int level, const void *data, size_t len, struct zstdrun *ret,
		  struct err *err);

/*
 * zstdrun_finish - wait for it; the caller frees *ret_frame. With ret_frame NULL it only waits
 * and releases. Errors: -EIO the program failed.
 */
int zstdrun_finish(struct zstdrun *z, uint8_t **ret_frame, size_t *ret_len, struct err *err);

#endif
