// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_VERITY_H
#define CAIRN_VERITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"

/*
 * The hash tree of dm-verity, hash version 1, SHA-256, blocks of 4096 bytes, without superblock
 * (Linux 6.12, drivers/md/dm-verity-target.c; `veritysetup format --no-superblock`).
 *
 *     data 0 ... data N-1 | top level (1 block) | ... | level 1 | level 0
 *
 * A block's digest is SHA-256(salt || block). Level 0 holds the digests of the data blocks, 128
 * to a block, the last one filled up with zeros; each further level those of the level below;
 * the top level is one block, whose digest is the root hash.
 */

#define VERITY_BLOCK_BYTES 4096
#define VERITY_SALT_MAX 64
#define VERITY_DATA_BLOCKS_MAX (UINT64_C(1) << 35)
#define VERITY_LEVELS_MAX 5

/*
 * Takes one finished block of the tree; tree_block counts from the tree's start. Blocks of one
 * level come in order, levels are interleaved. Returns 0 or -errno, which ends the building.
 */
typedef int verity_emit_fn(void *ctx, uint64_t tree_block,
			   const uint8_t block[static VERITY_BLOCK_BYTES]);

/* A tree being built: about 21 KB however large the data are. Owned by the caller. */
struct verity {
	struct sha256 salted; /* the state after the salt */
	uint64_t data_blocks; /* wanted */
	uint64_t fed;	      /* seen */
	unsigned int levels;
	uint64_t level_start[VERITY_LEVELS_MAX]; /* tree block where the level begins; [0] is
						    the lowest */
	uint64_t level_done[VERITY_LEVELS_MAX];	 /* blocks emitted */
	unsigned int filled[VERITY_LEVELS_MAX];	 /* bytes in node[] */
	uint8_t node[VERITY_LEVELS_MAX][VERITY_BLOCK_BYTES];
	uint8_t root[SHA256_SIZE];
	verity_emit_fn *emit;
	void *ctx;
};

/*
 * verity_tree_blocks - how many blocks the tree over data_blocks has; 0 where there can be none
 * (fewer than 2 data blocks, or more than VERITY_DATA_BLOCKS_MAX).
 */
uint64_t verity_tree_blocks(uint64_t data_blocks);

/*
 * verity_init - begin a tree over exactly data_blocks blocks. emit may be NULL where only the
 * root hash is wanted. Errors: -EINVAL number of blocks or length of the salt out of range.
 */
int verity_init(struct verity *v, uint64_t data_blocks, const uint8_t *salt, size_t salt_size,
		verity_emit_fn *emit, void *ctx);

/*
 * verity_feed - the next data blocks, in order; len is a multiple of VERITY_BLOCK_BYTES.
 * Errors: -EINVAL len or more data than announced, or what emit returned.
 */
int verity_feed(struct verity *v, const uint8_t *data, size_t len);

/*
 * verity_finish - emit what is still held and give the root hash.
 * Errors: -ENODATA fewer blocks were fed than announced, or what emit returned.
 */
int verity_finish(struct verity *v, uint8_t ret_root[static SHA256_SIZE]);

/*
 * verity_top_check - is this block, read from where a tree begins, the top of the tree that
 * root names? One block read tells whether a partition holds a given root.
 */
bool verity_top_check(const uint8_t block[static VERITY_BLOCK_BYTES], const uint8_t *salt,
		      size_t salt_size, const uint8_t root[static SHA256_SIZE]);

#endif
