// SPDX-License-Identifier: Apache-2.0
#include "treebuf.h"

#include <string.h>

void treebuf_init(struct treebuf *t, const struct verity *v, const struct blockio *io,
		  uint64_t tree_at)
{
	t->io = io;
	t->tree = v;
	t->tree_at = tree_at;
	t->written_bytes = 0;
	t->failed_at = tree_at;
	memset(t->first, 0, sizeof(t->first));
	memset(t->held, 0, sizeof(t->held));
}

static uint8_t *blocks(struct treebuf *t, unsigned int level)
{
	return level ? t->upper[level - 1][0] : t->lowest[0];
}

static int put(struct treebuf *t, unsigned int level)
{
	uint64_t at = t->tree_at + t->first[level] * VERITY_BLOCK_BYTES;
	size_t len = (size_t)t->held[level] * VERITY_BLOCK_BYTES;
	int rc;

	if (!len)
		return 0;
	t->held[level] = 0;
	t->failed_at = at;
	rc = t->io->write(t->io->ctx, blocks(t, level), len, at);
	if (!rc)
		t->written_bytes += len;
	return rc;
}

int treebuf_emit(void *ctx, uint64_t tree_block, const uint8_t block[static VERITY_BLOCK_BYTES])
{
	struct treebuf *t = ctx;
	unsigned int level = 0, room;

	/* The highest level comes first in the tree. */
	while (level + 1 < t->tree->levels && tree_block < t->tree->level_start[level])
		level++;
	room = level ? TREEBUF_UPPER_BLOCKS : TREEBUF_LOWEST_BLOCKS;
	if (!t->held[level])
		t->first[level] = tree_block;
	memcpy(blocks(t, level) + (size_t)t->held[level] * VERITY_BLOCK_BYTES, block,
	       VERITY_BLOCK_BYTES);
	return ++t->held[level] == room ? put(t, level) : 0;
}

int treebuf_finish(struct treebuf *t)
{
	unsigned int level;

	for (level = 0; level < VERITY_LEVELS_MAX; level++) {
		int rc = put(t, level);

		if (rc)
			return rc;
	}
	return 0;
}
