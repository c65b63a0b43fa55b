// SPDX-License-Identifier: Apache-2.0
#include "delta.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "bytes.h"
#include "delta_match.h"
#include "lib/delta.h"
#include "deltafmt.h"
#include "deltamap.h"
#include "deltaref.h"

struct buf {
	uint8_t *p;
	size_t len, room;
	bool failed; /* no memory */
};

struct delta_maker {
	const uint8_t *old_image, *new_image;
	uint64_t old_len, new_len;
	uint32_t frame_bytes;
	struct delta_runs runs;
	struct delta_map map;
	struct delta_recent recent;
	struct buf streams[DELTA_STREAMS];
	uint8_t chunk[DELTA_CHUNK_BYTES];
	uint32_t *counts; /* by hash of a number to add: how often it is wanted */
	ZSTD_CCtx *zstd;
};

static void put(struct buf *b, const void *p, size_t len)
{
	if (len > b->room - b->len) {
		size_t room = (b->len + len) * 2;
		uint8_t *q = b->failed ? NULL : realloc(b->p, room);

		if (!q) {
			b->failed = true;
			return;
		}
		b->p = q;
		b->room = room;
	}
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

static void put8(struct buf *b, uint8_t v)
{
	put(b, &v, 1);
}

static void put32(struct buf *b, uint32_t v)
{
	uint8_t t[4];

	le32_store(t, v);
	put(b, t, 4);
}

static void put_varint(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		put8(b, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	put8(b, (uint8_t)v);
}

/* cut - the operations of [from, to) of the new image; -E2BIG they are too many. */
static int cut(struct delta_maker *m, uint64_t from, uint64_t to)
{
	struct delta_map *map = &m->map;
	size_t lo = 0, hi = m->runs.n;
	uint64_t pos = from;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->runs.v[mid].new_pos + m->runs.v[mid].len <= from)
			lo = mid + 1;
		else
			hi = mid;
	}
	map->n = 0;
	for (; lo < m->runs.n && m->runs.v[lo].new_pos < to; lo++) {
		const struct delta_run_of *run = &m->runs.v[lo];
		uint64_t start = run->new_pos > from ? run->new_pos : from;
		uint64_t end = run->new_pos + run->len < to ? run->new_pos + run->len : to;
		struct delta_op *op;

		if (start > pos && map->n == 0) {
			/* New bytes first: an operation that copies nothing. */
			map->ops[map->n++] = (struct delta_op){ from, from, 0, 0 };
			if (from > m->old_len)
				map->ops[0].old_pos = m->old_len;
		}
		if (map->n)
			map->ops[map->n - 1].extra_len = (uint32_t)(start - pos);
		if (map->n == DELTA_OPS_MAX)
			return -E2BIG;
		op = &map->ops[map->n++];
		op->new_pos = start;
		op->old_pos = run->old_pos + (start - run->new_pos);
		op->copy_len = (uint32_t)(end - start);
		op->extra_len = 0;
		pos = end;
	}
	if (map->n == 0)
		map->ops[map->n++] =
			(struct delta_op){ from < m->old_len ? from : m->old_len, from, 0, 0 };
	map->ops[map->n - 1].extra_len = (uint32_t)(to - pos);
	delta_map_sort(map);
	return 0;
}

static uint32_t *count_of(struct delta_maker *m, uint32_t v)
{
	return &m->counts[(v * 0x9e3779b1u) >> 16];
}

/* The state of the fixes of one chunk. */
struct fixing {
	const uint8_t *o, *n; /* copied bytes, with references moved, and new ones */
	uint32_t len;
	uint32_t op;
	uint64_t old_pos;
	uint32_t last; /* where the last fix ended */
};

static uint32_t word_delta(const struct fixing *f, uint32_t at)
{
	return le32_load(f->n + at) - le32_load(f->o + at);
}

/* recent_index - where a number is in the list; -1 it is not. */
static int recent_index(const struct delta_maker *m, uint32_t v)
{
	int i;

	for (i = 0; i < DELTA_RECENT; i++) {
		if (m->recent.v[i] == v)
			return i;
	}
	return -1;
}

static void emit(struct delta_maker *m, struct fixing *f, uint32_t at, uint8_t kind, uint64_t *gap)
{
	put_varint(&m->streams[DELTA_GAP], at - f->last + *gap);
	*gap = 0;
	put8(&m->streams[DELTA_KIND], kind);
	f->last = at + delta_kind_bytes(kind);
}

/* word_fix - a fix for the difference at `at` that adds a number to a word; false: none fits. */
static bool word_fix(struct delta_maker *m, struct fixing *f, uint32_t at, uint64_t *gap)
{
	uint32_t back, best_at = 0, v;
	int best = -1;

	for (back = 0; back < 4 && back <= at - f->last; back++) {
		uint32_t w = at - back;
		int i;

		if (f->len - w < 4)
			continue;
		v = word_delta(f, w);
		if (delta_map_predict(&m->map, f->op, f->old_pos + w, le32_load(f->o + w)) == v) {
			emit(m, f, w, DELTA_KIND_MAP, gap);
			return true;
		}
		i = recent_index(m, v);
		if (i >= 0 && (best < 0 || i < best)) {
			best = i;
			best_at = w;
		}
	}
	if (best >= 0) {
		(void)delta_recent_use(&m->recent, (unsigned int)best);
		emit(m, f, best_at, (uint8_t)(DELTA_KIND_RECENT + best), gap);
		return true;
	}
	for (back = 0; back < 4 && back <= at - f->last; back++) {
		uint32_t w = at - back, c;

		if (f->len - w < 4)
			continue;
		v = word_delta(f, w);
		c = *count_of(m, v);
		if (c >= 3) {
			put32(&m->streams[DELTA_WORD], v);
			delta_recent_push(&m->recent, v);
			emit(m, f, w, DELTA_KIND_WORD, gap);
			return true;
		}
	}
	return false;
}

static void byte_fix(struct delta_maker *m, struct fixing *f, uint32_t at, uint64_t *gap)
{
	uint32_t n = 1, i;

	while (n < 128 && at + n < f->len && f->o[at + n] != f->n[at + n])
		n++;
	for (i = 0; i < n; i++)
		put8(&m->streams[DELTA_BYTE], (uint8_t)(f->n[at + i] - f->o[at + i]));
	emit(m, f, at, (uint8_t)(DELTA_KIND_BYTES + n - 1), gap);
}

/*
 * moved - the chunk as the decoder has it before the fixes, in m->chunk: with references moved if
 * that makes more words right than wrong.
 */
static uint8_t moved(struct delta_maker *m, uint32_t op, uint64_t old_pos, const uint8_t *n,
		     uint32_t len)
{
	const uint8_t *o = m->old_image + old_pos;
	uint32_t i;
	int64_t right = 0;

	memcpy(m->chunk, o, len);
	if (memcmp(o, n, len) == 0)
		return 0;
	delta_refs_move(&m->map, op, old_pos, m->chunk, len);
	for (i = 0; i < len; i++) {
		if (m->chunk[i] != o[i])
			right += (m->chunk[i] == n[i]) - (o[i] == n[i]);
	}
	if (right > 0)
		return DELTA_CODE_X86;
	memcpy(m->chunk, o, len);
	return 0;
}

static void chunk_fixes(struct delta_maker *m, struct fixing *f, uint64_t *gap, bool count)
{
	uint32_t at = 0;

	while (at < f->len) {
		if (f->o[at] == f->n[at]) {
			at++;
			continue;
		}
		if (count) {
			if (f->len - at >= 4) {
				++*count_of(m, word_delta(f, at));
				at += 4;
			} else {
				at++;
			}
			continue;
		}
		if (!word_fix(m, f, at, gap))
			byte_fix(m, f, at, gap);
		at = f->last;
	}
	if (!count)
		*gap += f->len - f->last;
}

static void op_fixes(struct delta_maker *m, uint32_t i, uint64_t *gap, bool count)
{
	const struct delta_op *op = &m->map.ops[i];
	uint32_t done, len;

	for (done = 0; done < op->copy_len; done += len) {
		const uint8_t *n = m->new_image + op->new_pos + done;
		struct fixing f = { m->chunk, n, 0, i, op->old_pos + done, 0 };
		uint8_t code;

		len = op->copy_len - done;
		if (len > DELTA_CHUNK_BYTES)
			len = DELTA_CHUNK_BYTES;
		f.len = len;
		code = moved(m, i, f.old_pos, n, len);
		if (!count)
			put8(&m->streams[DELTA_CODE], code);
		chunk_fixes(m, &f, gap, count);
	}
}

static int stream_pack(struct delta_maker *m, unsigned int i, struct delta_head *h, struct buf *out)
{
	const struct buf *s = &m->streams[i];
	size_t room = ZSTD_compressBound(s->len), n;
	uint8_t *packed;

	h->raw[i] = (uint32_t)s->len;
	h->packed[i] = 0;
	if (s->len == 0)
		return 0;
	packed = malloc(room);
	if (!packed)
		return -ENOMEM;
	n = ZSTD_compress2(m->zstd, packed, room, s->p, s->len);
	if (ZSTD_isError(n)) {
		free(packed);
		return -EIO;
	}
	if (n < s->len) {
		h->packed[i] = (uint32_t)n;
		put(out, packed, n);
	} else {
		put(out, s->p, s->len);
	}
	free(packed);
	return 0;
}

/* segment - append the segment of [from, to); -E2BIG: it must be made in smaller ones. */
static int segment(struct delta_maker *m, uint64_t from, uint64_t to, struct buf *out)
{
	struct delta_head head = { .out_bytes = (uint32_t)(to - from) };
	uint8_t head_bytes[DELTA_HEAD_BYTES] = { 0 };
	uint64_t gap = 0, expected = from;
	size_t side = 0, head_at = out->len;
	uint32_t i;
	int rc = cut(m, from, to);

	if (rc)
		return rc;
	for (i = 0; i < DELTA_STREAMS; i++)
		m->streams[i].len = 0;
	memset(m->counts, 0, sizeof(*m->counts) << 16);
	delta_recent_init(&m->recent);
	for (i = 0; i < m->map.n; i++)
		op_fixes(m, i, &gap, true);
	for (i = 0; i < m->map.n; i++) {
		const struct delta_op *op = &m->map.ops[i];
		int64_t seek = (int64_t)(op->old_pos - expected);

		put_varint(&m->streams[DELTA_COPY], op->copy_len);
		put_varint(&m->streams[DELTA_LEN], op->extra_len);
		put_varint(&m->streams[DELTA_SEEK],
			   seek < 0 ? (uint64_t)(-seek) * 2 - 1 : (uint64_t)seek * 2);
		expected = op->old_pos + op->copy_len + op->extra_len;
		op_fixes(m, i, &gap, false);
		put(&m->streams[DELTA_EXTRA], m->new_image + op->new_pos + op->copy_len,
		    op->extra_len);
	}
	for (i = 0; i < DELTA_STREAMS; i++) {
		if (m->streams[i].failed)
			return -ENOMEM;
		if (i < DELTA_EXTRA)
			side += m->streams[i].len;
	}
	if (side > DELTA_SIDE_MAX)
		return -E2BIG;
	put(out, head_bytes, sizeof(head_bytes));
	for (i = 0; i < DELTA_STREAMS; i++) {
		rc = stream_pack(m, i, &head, out);
		if (rc)
			return rc;
	}
	if (out->failed)
		return -ENOMEM;
	delta_head_format(&head, out->p + head_at);
	return 0;
}

static int segments(struct delta_maker *m, uint64_t from, uint64_t to, struct buf *out)
{
	int rc = segment(m, from, to, out);

	if (rc != -E2BIG)
		return rc;
	rc = segments(m, from, from + (to - from) / 2, out);
	return rc ? rc : segments(m, from + (to - from) / 2, to, out);
}

int delta_maker_frame(struct delta_maker *m, uint64_t index, uint8_t **ret_payload,
		      uint32_t *ret_len, struct err *err)
{
	struct buf out = { 0 };
	uint64_t from = index * m->frame_bytes, to = from + m->frame_bytes;
	int rc;

	if (index > m->new_len / m->frame_bytes || from >= m->new_len)
		return err_set(err, -EINVAL, "there is no frame %llu", (unsigned long long)index);
	if (to > m->new_len)
		to = m->new_len;
	rc = segments(m, from, to, &out);
	if (rc) {
		free(out.p);
		return err_sys(err, rc, "cannot make frame %llu", (unsigned long long)index);
	}
	*ret_payload = out.p;
	*ret_len = (uint32_t)out.len;
	return 0;
}

int delta_maker_new(const uint8_t *old_image, uint64_t old_len, const uint8_t *new_image,
		    uint64_t new_len, uint32_t frame_bytes, struct delta_maker **ret,
		    struct err *err)
{
	struct delta_maker *m;
	int rc;

	if (frame_bytes == 0 || frame_bytes > DELTA_FRAME_MAX)
		return err_set(err, -EINVAL, "frames of %u bytes: at most %u", frame_bytes,
			       DELTA_FRAME_MAX);
	if (old_len > DELTA_IMAGE_MAX || new_len > DELTA_IMAGE_MAX)
		return err_set(err, -EFBIG, "an image is larger than %llu bytes",
			       (unsigned long long)DELTA_IMAGE_MAX);
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_sys(err, -ENOMEM, "delta");
	m->old_image = old_image;
	m->old_len = old_len;
	m->new_image = new_image;
	m->new_len = new_len;
	m->frame_bytes = frame_bytes;
	m->counts = calloc(1u << 16, sizeof(*m->counts));
	m->zstd = ZSTD_createCCtx();
	rc = m->counts && m->zstd ? 0 : -ENOMEM;
	if (rc == 0 &&
	    (ZSTD_isError(ZSTD_CCtx_setParameter(m->zstd, ZSTD_c_compressionLevel, 22)) ||
	     ZSTD_isError(ZSTD_CCtx_setParameter(m->zstd, ZSTD_c_windowLog, DELTA_WINDOW_LOG)) ||
	     ZSTD_isError(ZSTD_CCtx_setParameter(m->zstd, ZSTD_c_contentSizeFlag, 0))))
		rc = -EINVAL;
	if (rc == 0)
		rc = delta_match(old_image, old_len, new_image, new_len, &m->runs);
	if (rc) {
		delta_maker_free(m);
		return err_sys(err, rc, "cannot match the images");
	}
	*ret = m;
	return 0;
}

void delta_maker_free(struct delta_maker *m)
{
	unsigned int i;

	if (!m)
		return;
	for (i = 0; i < DELTA_STREAMS; i++)
		free(m->streams[i].p);
	free(m->runs.v);
	free(m->counts);
	ZSTD_freeCCtx(m->zstd);
	free(m);
}
