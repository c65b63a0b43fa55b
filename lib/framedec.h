// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_FRAMEDEC_H
#define CAIRN_FRAMEDEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "bundle.h"
#include "delta.h"
#include "err.h"
#include "piecefeed.h"
#include "x86branch.h"

/*
 * The output of an image's frames, whatever their encoding, from checked pieces. A frame gives
 * exactly its output and takes exactly its payload, or it is refused. That the output is right is
 * for the caller to find out, by its hash.
 */

struct framedec {
	struct piecefeed feed;
	enum bundle_encoding encoding;
	struct ZSTD_DCtx_s *zstd;
	struct delta *delta;
	struct delta_old old;
	uint64_t payload_left; /* of the frame, not yet taken from the feed */
	const uint8_t *in;     /* taken, not yet decoded */
	size_t in_len;
	bool complete; /* the decoder has given all it will */
	/* x86-zstd: what the decoder gave ahead of what was asked for, and of it already undone. */
	uint32_t output_at, output_left; /* in the frame, of what was asked for */
	uint8_t ahead[X86BRANCH_LONGEST - 1];
	size_t ahead_len, ahead_done;
};

/* framedec_memory - bytes that framedec_init wants: those of the hungrier decoder. */
size_t framedec_memory(void);

/*
 * framedec_init - for an image of the bundle. memory has framedec_memory() bytes, aligned to 64,
 * and outlives d, as do the others. old is read by a delta only. d->feed.fetched_bytes goes on
 * counting.
 * Errors: -ESTALE a delta and no old, -ENOMEM.
 */
int framedec_init(struct framedec *d, void *memory, const struct piecefeed_source *source,
		  const struct bundle *bundle, const uint8_t *tables, size_t head_bytes,
		  enum bundle_image_id id, const struct blockio *old, struct err *err);

/*
 * framedec_begin - the next frame. Its payload lies in what piecefeed_want was last told.
 * Errors: -EBADMSG its sizes cannot be.
 */
int framedec_begin(struct framedec *d, const struct bundle_frame *f, struct err *err);

/*
 * framedec_make - the next len bytes of output: no more than the frame has left, and no fewer
 * than sizeof(ahead) unless they are the last.
 * Errors: -EBADMSG, or of the source and old.
 */
int framedec_make(struct framedec *d, uint8_t *ret_out, size_t len, struct err *err);

/* framedec_end - after the last byte: does the frame end here, and its payload? As _make. */
int framedec_end(struct framedec *d, struct err *err);

#endif
