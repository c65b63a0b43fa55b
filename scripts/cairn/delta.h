// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTA_MAKE_H
#define CAIRN_DELTA_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * The encoder of delta frames (lib/delta.h decodes them). Same images, same frame size, same
 * libzstd: same bytes.
 */
struct delta_maker;

/* Bytes of output that a frame of a delta covers unless told otherwise. */
#define DELTA_MAKE_FRAME_BYTES (16u << 20)

/*
 * delta_maker_new - index the old image and match the new one with it. Both stay the caller's
 * (mapped files) and must outlive *ret, which delta_maker_free releases.
 * Errors: -EFBIG an image is larger than DELTA_IMAGE_MAX, -EINVAL frame_bytes is 0 or larger
 * than DELTA_FRAME_MAX, -ENOMEM.
 */
int delta_maker_new(const uint8_t *old_image, uint64_t old_len, const uint8_t *new_image,
		    uint64_t new_len, uint32_t frame_bytes, struct delta_maker **ret,
		    struct err *err);

/*
 * delta_maker_frame - the payload of frame `index` (new bytes from index * frame_bytes on, the
 * last one short) on the heap; the caller frees *ret_payload. In any order, each any number of
 * times; the order 0, 1, 2.. is the fast one.
 */
int delta_maker_frame(struct delta_maker *m, uint64_t index, uint8_t **ret_payload,
		      uint32_t *ret_len, struct err *err);

void delta_maker_free(struct delta_maker *m);

#endif
