// SPDX-License-Identifier: Apache-2.0
#include "verity.h"

#include <errno.h>
#include <string.h>

#define FANOUT (VERITY_BLOCK_BYTES / SHA256_SIZE)

/* Blocks of each level, the lowest first; returns the number of levels, 0 where there is none. */
static unsigned int plan(uint64_t data_blocks, uint64_t ret_blocks[static VERITY_LEVELS_MAX])
{
	uint64_t n = data_blocks;
	unsigned int levels = 0;

	if (data_blocks < 2 || data_blocks > VERITY_DATA_BLOCKS_MAX)
		return 0;
	while (n > 1) {
		n = (n + FANOUT - 1) / FANOUT;
		ret_blocks[levels++] = n;
	}
	return levels;
}

uint64_t verity_tree_blocks(uint64_t data_blocks)
{
	uint64_t blocks[VERITY_LEVELS_MAX], sum = 0;
	unsigned int levels = plan(data_blocks, blocks);

	while (levels)
		sum += blocks[--levels];
	return sum;
}

int verity_init(struct verity *v, uint64_t data_blocks, const uint8_t *salt, size_t salt_size,
		verity_emit_fn *emit, void *ctx)
{
	uint64_t blocks[VERITY_LEVELS_MAX], start = 0;
	unsigned int i;

	memset(v, 0, sizeof(*v));
	v->levels = plan(data_blocks, blocks);
	if (!v->levels || salt_size > VERITY_SALT_MAX)
		return -EINVAL;
	for (i = v->levels; i-- > 0;) {
		v->level_start[i] = start;
		start += blocks[i];
	}
	v->data_blocks = data_blocks;
	v->emit = emit;
	v->ctx = ctx;
	sha256_init(&v->salted);
	if (salt_size)
		sha256_update(&v->salted, salt, salt_size);
	return 0;
}

static void digest(const struct verity *v, const uint8_t *block, uint8_t *ret)
{
	struct sha256 h = v->salted;

	sha256_update(&h, block, VERITY_BLOCK_BYTES);
	sha256_final(&h, ret);
}

/*
 * Hashes `block`, which belongs just below `level`, into that level's node; nodes that become
 * full go out and are hashed into the level above in their turn.
 */
static int climb(struct verity *v, unsigned int level, const uint8_t *block)
{
	for (;; level++) {
		uint8_t *node = v->node[level];
		int rc;

		if (level == v->levels) {
			digest(v, block, v->root);
			return 0;
		}
		/* A full node went out before, so there is room. */
		digest(v, block, node + v->filled[level]);
		v->filled[level] += SHA256_SIZE;
		if (v->filled[level] < VERITY_BLOCK_BYTES)
			return 0;
		rc = v->emit ? v->emit(v->ctx, v->level_start[level] + v->level_done[level], node)
			     : 0;
		if (rc)
			return rc;
		v->level_done[level]++;
		v->filled[level] = 0;
		block = node;
	}
}

int verity_feed(struct verity *v, const uint8_t *data, size_t len)
{
	if (len % VERITY_BLOCK_BYTES || len / VERITY_BLOCK_BYTES > v->data_blocks - v->fed)
		return -EINVAL;
	for (; len; len -= VERITY_BLOCK_BYTES, data += VERITY_BLOCK_BYTES) {
		int rc = climb(v, 0, data);

		if (rc)
			return rc;
		v->fed++;
	}
	return 0;
}

int verity_finish(struct verity *v, uint8_t ret_root[static SHA256_SIZE])
{
	unsigned int level;

	if (v->fed != v->data_blocks)
		return -ENODATA;
	/* From below: what each level still holds is its last block, padded with zeros. */
	for (level = 0; level < v->levels; level++) {
		uint8_t *node = v->node[level];
		int rc;

		if (!v->filled[level])
			continue;
		memset(node + v->filled[level], 0, VERITY_BLOCK_BYTES - v->filled[level]);
		rc = v->emit ? v->emit(v->ctx, v->level_start[level] + v->level_done[level], node)
			     : 0;
		if (rc)
			return rc;
		v->level_done[level]++;
		v->filled[level] = 0;
		rc = climb(v, level + 1, node);
		if (rc)
			return rc;
	}
	memcpy(ret_root, v->root, SHA256_SIZE);
	return 0;
}

bool verity_top_check(const uint8_t block[static VERITY_BLOCK_BYTES], const uint8_t *salt,
		      size_t salt_size, const uint8_t root[static SHA256_SIZE])
{
	uint8_t d[SHA256_SIZE];
	struct sha256 h;

	sha256_init(&h);
	if (salt_size)
		sha256_update(&h, salt, salt_size);
	sha256_update(&h, block, VERITY_BLOCK_BYTES);
	sha256_final(&h, d);
	return memcmp(d, root, sizeof(d)) == 0;
}
