// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTAFILE_H
#define CAIRN_DELTAFILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"

/*
 * A delta between two files in a file of its own, as `cairn delta --raw` makes it:
 *
 *      0  "cairn-delta 1\n", 2 bytes 0
 *     16  le64 bytes of the old file, its sha256
 *     56  le64 bytes of the new file, its sha256
 *     96  le32 bytes of output a frame (1 to DELTA_FRAME_MAX), le32 frames
 *    104  frames x le32 payload bytes
 *         the frames' payloads (delta.h)
 *
 * Nothing follows. In a bundle the manifest and its tables say the same of a delta image.
 */
#define DELTAFILE_HEAD_BYTES 104
#define DELTAFILE_FRAMES_MAX (1u << 22)

struct deltafile {
	uint64_t old_bytes, new_bytes;
	uint8_t old_sha256[SHA256_SIZE], new_sha256[SHA256_SIZE];
	uint32_t frame_bytes;
	uint32_t frames; /* exactly as many as new_bytes takes */
};

/* deltafile_parse - read the first DELTAFILE_HEAD_BYTES. Errors: -EBADMSG. */
int deltafile_parse(const uint8_t *buf, size_t len, struct deltafile *ret);

void deltafile_format(const struct deltafile *f, uint8_t ret_buf[static DELTAFILE_HEAD_BYTES]);

/* deltafile_frame_bytes - how many bytes frame i < frames makes. */
uint32_t deltafile_frame_bytes(const struct deltafile *f, uint32_t i);

#endif
