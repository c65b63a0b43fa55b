// SPDX-License-Identifier: Apache-2.0
#include "deltamap.h"

#include <errno.h>
#include <stdbool.h>

#include "delta.h"

static int zigzag(const uint8_t **p, const uint8_t *end, int64_t *ret)
{
	uint64_t v;
	int rc = delta_varint(p, end, DELTA_IMAGE_MAX * 2 + 1, &v);

	if (rc)
		return rc;
	*ret = v & 1 ? -(int64_t)(v >> 1) - 1 : (int64_t)(v >> 1);
	return 0;
}

int delta_map_parse(struct delta_map *m, const uint8_t *side, const struct delta_head *seg,
		    uint64_t new_offset, uint64_t old_bytes)
{
	const uint8_t *copy = side, *copy_end = copy + seg->raw[DELTA_COPY];
	const uint8_t *len = copy_end, *len_end = len + seg->raw[DELTA_LEN];
	const uint8_t *seek = len_end, *seek_end = seek + seg->raw[DELTA_SEEK];
	uint64_t made = 0, extra = 0, v;
	int64_t expected = (int64_t)new_offset, distance;

	m->n = 0;
	while (copy != copy_end) {
		struct delta_op *op = &m->ops[m->n];
		int64_t at;

		if (m->n == DELTA_OPS_MAX)
			return -EBADMSG;
		if (delta_varint(&copy, copy_end, seg->out_bytes - made, &v))
			return -EBADMSG;
		op->copy_len = (uint32_t)v;
		if (delta_varint(&len, len_end, seg->out_bytes - made - op->copy_len, &v))
			return -EBADMSG;
		op->extra_len = (uint32_t)v;
		if (zigzag(&seek, seek_end, &distance))
			return -EBADMSG;
		/* |expected| stays below 2^36: each at is checked, each length is at most 2^24. */
		at = expected + distance;
		if (at < 0 || (uint64_t)at > old_bytes || op->copy_len > old_bytes - (uint64_t)at ||
		    (op->copy_len == 0 && op->extra_len == 0))
			return -EBADMSG;
		op->old_pos = (uint64_t)at;
		op->new_pos = new_offset + made;
		expected = at + op->copy_len + op->extra_len;
		made += (uint64_t)op->copy_len + op->extra_len;
		extra += op->extra_len;
		m->n++;
	}
	if (made != seg->out_bytes || extra != seg->raw[DELTA_EXTRA] || len != len_end ||
	    seek != seek_end)
		return -EBADMSG;
	delta_map_sort(m);
	return 0;
}

static bool before(const struct delta_map *m, uint32_t a, uint32_t b)
{
	if (m->ops[a].old_pos != m->ops[b].old_pos)
		return m->ops[a].old_pos < m->ops[b].old_pos;
	return a < b;
}

static void sift(struct delta_map *m, uint32_t root, uint32_t end)
{
	for (;;) {
		uint32_t child = 2 * root + 1, t;

		if (child >= end)
			return;
		if (child + 1 < end && before(m, m->order[child], m->order[child + 1]))
			child++;
		if (!before(m, m->order[root], m->order[child]))
			return;
		t = m->order[root];
		m->order[root] = m->order[child];
		m->order[child] = t;
		root = child;
	}
}

/*
 * What lies within a longer copy, or is too short, says nothing of where its surroundings went:
 * chance similarities are like that.
 */
static void drop_shadowed(struct delta_map *m)
{
	uint64_t covered = 0;
	uint32_t i, kept = 0;

	for (i = 0; i < m->n; i++) {
		const struct delta_op *op = &m->ops[m->order[i]];

		if (op->copy_len < DELTA_TARGET_MIN || op->old_pos + op->copy_len <= covered)
			continue;
		covered = op->old_pos + op->copy_len;
		m->order[kept++] = m->order[i];
	}
	m->targets = kept;
	m->seen = 0;
}

/* Heap sort: no memory, and no input makes it slow. */
void delta_map_sort(struct delta_map *m)
{
	uint32_t i, t;

	for (i = 0; i < m->n; i++)
		m->order[i] = i;
	for (i = m->n / 2; i-- > 0;)
		sift(m, i, m->n);
	for (i = m->n; i-- > 1;) {
		t = m->order[0];
		m->order[0] = m->order[i];
		m->order[i] = t;
		sift(m, 0, i);
	}
	drop_shadowed(m);
}

static uint64_t old_of(const struct delta_map *m, uint32_t i)
{
	return m->ops[m->order[i]].old_pos;
}

/* find - the last in order that begins at or before pos, or the first. */
static uint32_t find(struct delta_map *m, uint64_t pos)
{
	uint32_t lo = 0, hi = m->targets, seen = m->seen;

	if (old_of(m, seen) <= pos && (seen + 1 == m->targets || old_of(m, seen + 1) > pos))
		return seen;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (old_of(m, mid) <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	m->seen = lo ? lo - 1 : 0;
	return m->seen;
}

uint32_t delta_map_predict(struct delta_map *m, uint32_t op, uint64_t old_pos, uint32_t word)
{
	int64_t to = (int64_t)old_pos + 4 + (int64_t)(int32_t)word;
	const struct delta_op *from = &m->ops[op];
	const struct delta_op *target;

	if (m->targets == 0)
		return 0;
	target = &m->ops[m->order[find(m, to < 0 ? 0 : (uint64_t)to)]];
	return (uint32_t)((target->new_pos - target->old_pos) - (from->new_pos - from->old_pos));
}
