// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BUNDLE_WRITE_H
#define CAIRN_BUNDLE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "bundle.h"
#include "err.h"
#include "sign.h"

/*
 * Writing a bundle file: first each image's payload, frame by frame, into a file of its own that
 * nobody sees; then tables, manifest, signatures and all payloads in one file.
 */

struct bundle_part_frame {
	uint32_t payload_bytes;
	uint8_t sha256[SHA256_SIZE]; /* of the output */
};

/*
 * One image. The caller fills in of image: encoding, frame_bytes, and what only some images or
 * encodings have (base_*, salt, roothash, generation); size, sha256 and payload are found here.
 */
struct bundle_part {
	struct bundle_image image;
	struct sha256 whole; /* of the output so far */
	int fd;		     /* the payload so far */
	struct bundle_part_frame *frame;
	size_t frames, room;
};

/* bundle_part_init - an empty part; bundle_part_release closes and frees what it holds. */
int bundle_part_init(struct bundle_part *p, struct err *err);
void bundle_part_release(struct bundle_part *p);

/*
 * bundle_part_add - the next frame: its payload, and the output that it makes. Every frame but
 * the last makes image.frame_bytes.
 */
int bundle_part_add(struct bundle_part *p, const void *payload, uint32_t payload_bytes,
		    const void *output, uint32_t output_bytes, struct err *err);

/* How frames are compressed: by this program, a few at once. Same program, same bytes. */
struct bundle_zstd {
	const char *program; /* NULL: zstd */
	int level;	     /* 1 to 22 */
};

/*
 * bundle_part_file - all frames of a file's first size_bytes, as part->image.encoding (not
 * delta) and .frame_bytes say.
 */
int bundle_part_file(struct bundle_part *p, const char *path, uint64_t size_bytes,
		     const struct bundle_zstd *zstd, struct err *err);

/*
 * bundle_write - the whole file, written aside and renamed. part[i] is NULL where the bundle has
 * no such image. Of b the caller fills in what is before the tables; the images and tables come
 * from the parts. Signed by the keys, which may be none: `cairn bundle sign` adds them later.
 * Errors: -EINVAL the parts do not make a valid manifest, or of the system.
 */
int bundle_write(const char *path, struct bundle *b, struct bundle_part *part[BUNDLE_IMAGES],
		 const struct sign_key *keys, size_t key_count, struct err *err);

#endif
