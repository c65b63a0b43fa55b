// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_FATREAD_H
#define CAIRN_FATREAD_H

#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "err.h"

/*
 * One file out of a FAT file system (Microsoft, "FAT: General Overview of On-Disk Format" 1.03), as
 * firmware and GRUB read it: FAT12, 16 and 32, sectors of 512 bytes, short and long names, letters
 * without regard to case. Chains that end early, leave the volume or go on for ever are refused.
 */

#define FATREAD_SECTOR_BYTES 512
#define FATREAD_FOLDER_MAX (1u << 20) /* bytes of a folder that are looked at */

/*
 * fatread_file - the content of path (names of ASCII joined by `/`, none at its start) from the
 * file system that io holds. Errors: -ENOENT no such file; -EINVAL no FAT file system, or a damaged
 * one; -EFBIG the file is longer than max; of the I/O. Reads whole sectors, into no buffer of
 * ret_buf's but whole sectors either: ret_buf needs room for max rounded up to
 * FATREAD_SECTOR_BYTES.
 */
int fatread_file(const struct blockio *io, const char *path, uint8_t *ret_buf, size_t max,
		 size_t *ret_len, struct err *err);

#endif
