// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTAMAP_H
#define CAIRN_DELTAMAP_H

#include <stdint.h>

#include "deltafmt.h"

/* The operations of one segment, and where they moved what to. */
struct delta_op {
	uint64_t old_pos; /* of the copy, in the old image */
	uint64_t new_pos; /* in the new image */
	uint32_t copy_len, extra_len;
};

struct delta_map {
	uint32_t n;	  /* 1..DELTA_OPS_MAX */
	uint32_t targets; /* how many of order count */
	uint32_t seen;	  /* where the last prediction was found, in order */
	struct delta_op ops[DELTA_OPS_MAX];
	/* Of ops by old_pos, then index; without those that tell nothing of a reference. */
	uint32_t order[DELTA_OPS_MAX];
};

/*
 * delta_map_parse - read the operations from the streams DELTA_COPY, _LEN and _SEEK, which lie
 * one after the other in side, and check that they make exactly the segment's output at
 * new_offset, take exactly its extra bytes, and stay within the old image.
 * Errors: -EBADMSG.
 */
int delta_map_parse(struct delta_map *m, const uint8_t *side, const struct delta_head *seg,
		    uint64_t new_offset, uint64_t old_bytes);

#define DELTA_TARGET_MIN 48u

/* delta_map_sort - fill in order from n and ops. */
void delta_map_sort(struct delta_map *m);

/*
 * delta_map_predict - what to add to a word at old_pos in operation op, were it the distance from
 * its own end to a place in the old image, as x86's calls and jumps have it: that place and the
 * word have moved, each as its operation says. Of the operations that copy DELTA_TARGET_MIN bytes
 * or more and do not lie, in the old image, within those that begin before them, the place's is
 * the last that begins at or before it, or the first. Without any: 0.
 */
uint32_t delta_map_predict(struct delta_map *m, uint32_t op, uint64_t old_pos, uint32_t word);

#endif
