// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TREEBUF_H
#define CAIRN_TREEBUF_H

#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "verity.h"

/*
 * The blocks of a verity tree on their way to a device. The builder gives levels interleaved; here
 * each is gathered, so that the lowest, which is all but a hundredth of the tree, goes out in runs
 * of 256 KiB.
 */

#define TREEBUF_LOWEST_BLOCKS 64u
#define TREEBUF_UPPER_BLOCKS 8u

/* Owned by the caller, about 390 KiB. The blocks are aligned for O_DIRECT. */
struct treebuf {
	const struct blockio *io;
	const struct verity *tree;
	uint64_t tree_at;		   /* byte of io where the tree begins */
	uint64_t written_bytes;		   /* handed to io */
	uint64_t failed_at;		   /* byte of io where a function failed */
	uint64_t first[VERITY_LEVELS_MAX]; /* tree block of the first one held */
	unsigned int held[VERITY_LEVELS_MAX];
	_Alignas(4096) uint8_t lowest[TREEBUF_LOWEST_BLOCKS][VERITY_BLOCK_BYTES];
	_Alignas(4096)
		uint8_t upper[VERITY_LEVELS_MAX - 1][TREEBUF_UPPER_BLOCKS][VERITY_BLOCK_BYTES];
};

/* treebuf_init - for the blocks of v, which verity_init has set up with treebuf_emit and t. */
void treebuf_init(struct treebuf *t, const struct verity *v, const struct blockio *io,
		  uint64_t tree_at);

/* treebuf_emit - a verity_emit_fn whose ctx is the struct treebuf. Errors: of io. */
int treebuf_emit(void *ctx, uint64_t tree_block, const uint8_t block[static VERITY_BLOCK_BYTES]);

/* treebuf_finish - what is still held, after verity_finish. Errors: of io. */
int treebuf_finish(struct treebuf *t);

#endif
