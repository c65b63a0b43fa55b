// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTA_H
#define CAIRN_DELTA_H

#include <stddef.h>
#include <stdint.h>

/*
 * The decoder of delta frames: old data by position, and a stream of operations that makes
 * exactly one range of the new image of it. Frames know nothing of each other, so that a device
 * can go on at any of them. docs/delta.md has the layout.
 */

/* A frame makes at least 1 byte and at most this many. */
#define DELTA_FRAME_MAX (16u << 20)
/* What a frame may weigh at most: its output, stored, and what goes with it. */
#define DELTA_PAYLOAD_MAX (DELTA_FRAME_MAX + (1u << 20))
/* Both images; positions beyond are refused. */
#define DELTA_IMAGE_MAX (UINT64_C(16) << 30)

/* The old image. read gives all of len bytes at the offset, or -errno, and is never asked for
 * anything beyond size_bytes. */
struct delta_old {
	void *ctx;
	uint64_t size_bytes;
	int (*read)(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes);
};

struct delta;

/* delta_memory - how many bytes delta_init wants; the same at every call, below 5 MiB. */
size_t delta_memory(void);

/*
 * delta_init - make a decoder in the caller's memory of delta_memory() bytes, aligned as malloc
 * aligns. Nothing is allocated besides, and nothing is to be released. old->ctx must outlive it.
 * Errors: -EINVAL not enough memory, or the old image is larger than DELTA_IMAGE_MAX.
 */
int delta_init(void *memory, size_t len, const struct delta_old *old, struct delta **ret);

/*
 * delta_begin - start a frame of payload_bytes that makes out_bytes at new_offset of the new
 * image. May be called at any time, also after an error: what was before is forgotten.
 * Errors: -EINVAL a size is out of its limits.
 */
int delta_begin(struct delta *d, uint64_t new_offset, uint32_t payload_bytes, uint32_t out_bytes);

/*
 * delta_run - take payload bytes, in any slicing, and give output bytes.
 * *ret_used of in were taken and *ret_made bytes were written to out. Returns 0 when it wants
 * more input or more room (call again with what is left), 1 when the frame is complete: all of
 * its payload was taken and all of its output given. Both may be 0 bytes long. The output is
 * only as good as its payload: whoever uses it compares its hash.
 * Errors: -EBADMSG the payload is malformed, -EINVAL no frame was begun, or of old->read. After
 * an error only delta_begin helps.
 */
int delta_run(struct delta *d, const uint8_t *in, size_t in_len, size_t *ret_used, uint8_t *out,
	      size_t out_len, size_t *ret_made);

#endif
