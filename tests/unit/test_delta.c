// SPDX-License-Identifier: Apache-2.0
/* Encoder and decoder of deltas: what one makes, the other undoes, in any slicing; whatever else
 * comes is refused, and no byte beyond the old image is ever asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scripts/cairn/delta_make.c"  // NOLINT(bugprone-suspicious-include)
#include "scripts/cairn/delta_match.c" // NOLINT(bugprone-suspicious-include)
#include "deltafile.h"

static uint32_t seed;

/* must - like assert_int_equal(rc, 0), known to the analyzer. */
static void must(int rc)
{
	assert_int_equal(rc, 0);
	if (rc)
		abort();
}

static uint32_t any(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* Compares badly with nothing but itself. */
static void noise(uint8_t *p, size_t len)
{
	while (len--)
		*p++ = (uint8_t)any();
}

struct image {
	uint8_t *p;
	size_t len;
	int fail_at; /* the n-th read fails; 0: none */
};

static int read_image(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	struct image *o = ctx;

	assert_true(offset <= o->len && len <= o->len - offset && len > 0);
	if (o->fail_at && --o->fail_at == 0)
		return -EIO;
	memcpy(ret_buf, o->p + offset, len);
	return 0;
}

struct decoder {
	struct image *o;
	struct delta_old from;
	void *memory;
	struct delta *d;
};

static void decoder_init(struct decoder *x, struct image *o)
{
	x->o = o;
	x->from = (struct delta_old){ o, o->len, read_image };
	x->memory = malloc(delta_memory());
	assert_non_null(x->memory);
	/* Nothing may depend on what was in the memory. */
	memset(x->memory, 0xa5, delta_memory());
	assert_int_equal(delta_init(x->memory, delta_memory(), &x->from, &x->d), 0);
}

/*
 * decode - one frame in slices of `in` and `out` bytes (0: all). Returns delta_run's last result;
 * *ret_made bytes are in to. Every byte of the payload was taken where it is 1.
 */
static int decode(struct delta *d, uint64_t at, const uint8_t *payload, size_t len, uint8_t *to,
		  size_t room, size_t in, size_t out, size_t *ret_made)
{
	size_t used = 0, idle = 0;
	int rc = delta_begin(d, at, (uint32_t)len, (uint32_t)room);

	*ret_made = 0;
	while (rc == 0 && idle < 4) {
		size_t give = in && in < len - used ? in : len - used;
		size_t take = out && out < room - *ret_made ? out : room - *ret_made;
		size_t u, m;

		rc = delta_run(d, payload + used, give, &u, to + *ret_made, take, &m);
		assert_true(u <= give && m <= take);
		used += u;
		*ret_made += m;
		idle = u || m ? 0 : idle + 1;
	}
	if (rc == 1)
		assert_true(used == len && *ret_made == room);
	return rc;
}

/* round_trip - make all frames, and decode them in these slices. Returns the payloads' size. */
static uint64_t round_trip(const struct image *o, const struct image *n, uint32_t frame, size_t in,
			   size_t out)
{
	struct image old_image = *o;
	struct delta_maker *m = NULL;
	struct decoder x;
	struct err err = { "" };
	uint8_t *got = malloc(frame), *payload = NULL;
	uint64_t total = 0, i;
	uint32_t len = 0;

	assert_non_null(got);
	decoder_init(&x, &old_image);
	must(delta_maker_new(o->p, o->len, n->p, n->len, frame, &m, &err) || !m);
	for (i = 0; i * frame < n->len; i++) {
		size_t at = (size_t)(i * frame), want = n->len - at < frame ? n->len - at : frame;
		uint8_t *again = NULL;
		uint32_t again_len = 0;
		size_t made;

		must(delta_maker_frame(m, i, &payload, &len, &err));
		if (want < 1 << 20) {
			must(delta_maker_frame(m, i, &again, &again_len, &err));
			assert_int_equal(len, again_len);
			assert_memory_equal(payload, again, len);
			free(again);
		}
		assert_int_equal(decode(x.d, at, payload, len, got, want, in, out, &made), 1);
		assert_memory_equal(got, n->p + at, want);
		total += len;
		free(payload);
	}
	assert_int_equal(delta_maker_frame(m, i, &payload, &len, &err), -EINVAL);
	delta_maker_free(m);
	free(x.memory);
	free(got);
	return total;
}

static struct image image(size_t len)
{
	struct image o = { malloc(len + 1), len, 0 };

	assert_non_null(o.p);
	return o;
}

/* A pair of images by name; max is what the delta may weigh. */
struct pair {
	const char *name;
	size_t old_len, new_len;
	void (*fill)(struct image *o, struct image *n);
	uint64_t max;
};

static void fill_same(struct image *o, struct image *n)
{
	noise(o->p, o->len);
	memcpy(n->p, o->p, n->len);
}

static void fill_noise(struct image *o, struct image *n)
{
	noise(o->p, o->len);
	noise(n->p, n->len);
}

static void fill_shift(struct image *o, struct image *n)
{
	noise(o->p, o->len);
	noise(n->p, n->len - o->len);
	memcpy(n->p + (n->len - o->len), o->p, o->len);
}

static void fill_shuffle(struct image *o, struct image *n)
{
	enum { PART = 1000 };
	size_t i, parts = o->len / PART;

	noise(o->p, o->len);
	for (i = 0; i < parts; i++)
		memcpy(n->p + i * PART, o->p + (i * 7 + 3) % parts * PART, PART);
}

static void fill_zeros(struct image *o, struct image *n)
{
	memset(o->p, 0, o->len);
	memset(n->p, 0, n->len);
	noise(n->p + n->len / 2, 100);
}

static void fill_runs(struct image *o, struct image *n)
{
	size_t i;

	for (i = 0; i < o->len; i++)
		o->p[i] = (uint8_t)(i / 5000);
	for (i = 0; i < n->len; i++)
		n->p[i] = (uint8_t)(i / 4999);
}

/* Like code of which some moved: words that point from where they are to elsewhere, every other
 * one behind the opcode of a call. */
static void fill_code(struct image *o, struct image *n)
{
	size_t moved = n->len - o->len, cut_at = o->len / 2, i;

	noise(o->p, o->len);
	for (i = 0; i + 20 <= o->len; i += 20) {
		if (i % 40 == 0)
			o->p[i + 8] = 0xe8;
		le32_store(o->p + i + 9, (uint32_t)(any() % (o->len - 20)) - (uint32_t)(i + 13));
	}
	memcpy(n->p, o->p, cut_at);
	noise(n->p + cut_at, moved);
	memcpy(n->p + cut_at + moved, o->p + cut_at, o->len - cut_at);
	for (i = 0; i + 20 <= o->len; i += 20) {
		size_t from = i + 9, to = i + 13 + le32_load(o->p + i + 9);
		size_t new_from = from < cut_at ? from : from + moved;
		size_t new_to = (uint32_t)to < cut_at ? (uint32_t)to : (uint32_t)to + moved;

		if (from + 4 <= cut_at || from >= cut_at)
			le32_store(n->p + new_from, (uint32_t)(new_to - new_from - 4));
	}
}

static void fill_bytes(struct image *o, struct image *n)
{
	size_t i;

	fill_same(o, n);
	for (i = 3; i < n->len; i += 7)
		n->p[i] = (uint8_t)any();
}

static const struct pair pairs[] = {
	{ "one byte, the same", 1, 1, fill_same, 80 },
	{ "one byte of nothing", 0, 1, fill_noise, 80 },
	{ "few bytes", 11, 13, fill_noise, 100 },
	{ "nothing before", 0, 70000, fill_noise, 70200 },
	{ "the same", 300000, 300000, fill_same, 600 },
	{ "the start of it", 300000, 1000, fill_same, 100 },
	{ "all other", 200000, 210000, fill_noise, 211000 },
	{ "shifted", 300000, 300017, fill_shift, 1000 },
	{ "shuffled", 300000, 300000, fill_shuffle, 5000 },
	{ "zeros", 300000, 310000, fill_zeros, 1000 },
	{ "runs", 100000, 103000, fill_runs, 3000 },
	{ "references", 400000, 400123, fill_code, 6000 },
	{ "scattered bytes", 200000, 200000, fill_bytes, 60000 },
};

static void test_round_trips(void **state)
{
	static const struct {
		uint32_t frame;
		size_t in, out;
	} ways[] = { { DELTA_FRAME_MAX, 0, 0 },
		     { 65536, 4096, 10000 },
		     { 100001, 7, 0 },
		     { 1 << 20, 0, 11 },
		     { 1 << 20, 1, 1 } };
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct image o = image(pairs[i].old_len), n = image(pairs[i].new_len);

		seed = (uint32_t)i;
		pairs[i].fill(&o, &n);
		for (j = 0; j < sizeof(ways) / sizeof(ways[0]); j++) {
			uint64_t size = round_trip(&o, &n, ways[j].frame, ways[j].in, ways[j].out);

			if (j == 0 && size > pairs[i].max)
				fail_msg("%s: %lu bytes", pairs[i].name, (unsigned long)size);
		}
		free(o.p);
		free(n.p);
	}
}

/* More operations, and more corrections, than a segment holds. */
static void test_many_segments(void **state)
{
	enum { PART = 64 };
	struct image o = image(3 << 20), n = image(3 << 20);
	size_t i, parts = o.len / PART;

	(void)state;
	seed = 1;
	noise(o.p, o.len);
	for (i = 0; i < parts; i++)
		memcpy(n.p + i * PART, o.p + (i * 7 + 3) % parts * PART, PART);
	assert_true(round_trip(&o, &n, DELTA_FRAME_MAX, 0, 0) < o.len / 8);
	fill_bytes(&o, &n);
	assert_true(round_trip(&o, &n, DELTA_FRAME_MAX, 0, 0) < o.len / 3);
	free(o.p);
	free(n.p);
}

/* A payload that has every stream. */
static void small(struct image *o, struct image *n, uint8_t **ret_payload, uint32_t *ret_len)
{
	struct delta_maker *m = NULL;
	struct err err;

	*ret_payload = NULL;
	*ret_len = 0;
	*o = image(6000);
	*n = image(6100);
	seed = 5;
	fill_code(o, n);
	n->p[77] ^= 0xff;
	noise(n->p + 2000, 300);
	must(delta_maker_new(o->p, o->len, n->p, n->len, 1 << 16, &m, &err) || !m);
	must(delta_maker_frame(m, 0, ret_payload, ret_len, &err));
	delta_maker_free(m);
}

/* Whatever byte is changed: no crash, no read out of range, no more output than announced. */
static void test_corrupted(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff, 0x10 };
	struct image o, n;
	struct decoder x;
	uint8_t *payload = NULL, *got;
	uint32_t len = 0, i, j;
	size_t made, refused = 0;

	(void)state;
	small(&o, &n, &payload, &len);
	got = malloc(n.len);
	decoder_init(&x, &o);
	for (i = 0; i < len; i++) {
		for (j = 0; j < sizeof(masks); j++) {
			int rc;

			payload[i] ^= masks[j];
			rc = decode(x.d, 0, payload, len, got, n.len, j & 1 ? 13 : 0,
				    j & 2 ? 17 : 0, &made);
			assert_true(rc == 1 || rc == -EBADMSG);
			refused += rc != 1;
			payload[i] ^= masks[j];
		}
	}
	assert_true(refused > len);
	/* And after all that a good one decodes. */
	assert_int_equal(decode(x.d, 0, payload, len, got, n.len, 0, 0, &made), 1);
	assert_memory_equal(got, n.p, n.len);
	free(x.memory);
	free(o.p);
	free(n.p);
	free(got);
	free(payload);
}

/* Any prefix, announced as the whole or not, and any other announced sizes. */
static void test_cut(void **state)
{
	struct image o, n;
	struct decoder x;
	uint8_t *payload = NULL, *got;
	uint32_t len = 0, i;
	size_t made, used;

	(void)state;
	small(&o, &n, &payload, &len);
	got = malloc(n.len + 8);
	decoder_init(&x, &o);
	for (i = DELTA_HEAD_BYTES; i < len; i++) {
		assert_int_equal(decode(x.d, 0, payload, i, got, n.len, 0, 0, &made), -EBADMSG);
		assert_int_equal(delta_begin(x.d, 0, len, (uint32_t)n.len), 0);
		assert_int_equal(delta_run(x.d, payload, i, &used, got, n.len, &made), 0);
		assert_int_equal(used, i);
	}
	for (i = 1; i < 8; i++) {
		assert_int_equal(decode(x.d, 0, payload, len, got, n.len - i, 0, 0, &made),
				 -EBADMSG);
		assert_int_equal(decode(x.d, 0, payload, len, got, n.len + i, 0, 0, &made),
				 -EBADMSG);
	}
	/* An older image is shorter: nothing beyond its end is read. */
	for (i = 0; i < 6000; i += 100) {
		struct image shorter = { o.p, i, 0 };
		struct decoder y;

		decoder_init(&y, &shorter);
		assert_int_equal(decode(y.d, 0, payload, len, got, n.len, 0, 0, &made), -EBADMSG);
		free(y.memory);
	}
	free(x.memory);
	free(o.p);
	free(n.p);
	free(got);
	free(payload);
}

static void test_errors(void **state)
{
	struct image o, n, big;
	struct delta_old huge = { NULL, DELTA_IMAGE_MAX + 1, read_image };
	struct delta_maker *m;
	struct decoder x;
	struct err err;
	uint8_t *payload = NULL, *got;
	uint32_t len = 0;
	size_t made, used;

	(void)state;
	small(&o, &n, &payload, &len);
	got = malloc(n.len);
	decoder_init(&x, &o);
	assert_int_equal(delta_run(x.d, payload, len, &used, got, n.len, &made), -EINVAL);
	o.fail_at = 1;
	assert_int_equal(decode(x.d, 0, payload, len, got, n.len, 0, 0, &made), -EIO);
	assert_int_equal(delta_run(x.d, payload, len, &used, got, n.len, &made), -EINVAL);
	/* What failed is read again. */
	assert_int_equal(decode(x.d, 0, payload, len, got, n.len, 0, 0, &made), 1);
	assert_int_equal(delta_begin(x.d, 0, len, 0), -EINVAL);
	assert_int_equal(delta_begin(x.d, 0, len, DELTA_FRAME_MAX + 1), -EINVAL);
	assert_int_equal(delta_begin(x.d, 0, DELTA_HEAD_BYTES - 1, 1), -EINVAL);
	assert_int_equal(delta_begin(x.d, 0, DELTA_PAYLOAD_MAX + 1, 1), -EINVAL);
	assert_int_equal(delta_begin(x.d, DELTA_IMAGE_MAX, len, 1), -EINVAL);
	assert_int_equal(delta_init(x.memory, delta_memory() - 1, &x.from, &x.d), -EINVAL);
	assert_int_equal(delta_init(x.memory, delta_memory(), &huge, &x.d), -EINVAL);
	assert_int_equal(delta_maker_new(o.p, o.len, n.p, n.len, 0, &m, &err), -EINVAL);
	assert_int_equal(delta_maker_new(o.p, o.len, n.p, n.len, DELTA_FRAME_MAX + 1, &m, &err),
			 -EINVAL);
	assert_int_equal(delta_maker_new(o.p, DELTA_IMAGE_MAX + 1, n.p, n.len, 1, &m, &err),
			 -EFBIG);
	/* Incompressible, and as large as a frame can be. */
	big = image(DELTA_FRAME_MAX);
	noise(big.p, big.len);
	assert_true(round_trip(&o, &big, DELTA_FRAME_MAX, 0, 0) <= DELTA_PAYLOAD_MAX);
	free(big.p);
	free(x.memory);
	free(o.p);
	free(n.p);
	free(got);
	free(payload);
}

static void test_predict(void **state)
{
	struct delta_map *m = calloc(1, sizeof(*m));

	(void)state;
	assert_non_null(m);
	/* [0, 100) stays, [100, 200) moves up by 50, [300, 400) down by 200. */
	m->n = 3;
	m->ops[0] = (struct delta_op){ 0, 0, 100, 50 };
	m->ops[1] = (struct delta_op){ 100, 150, 100, 0 };
	m->ops[2] = (struct delta_op){ 300, 100, 100, 0 };
	delta_map_sort(m);
	assert_int_equal(m->order[0], 0);
	assert_int_equal(m->order[2], 2);
	/* From 10 to 20, to 110, to 250 (in no operation: like 100), to 350, to before the start.
	 */
	assert_int_equal(delta_map_predict(m, 0, 10, 20 - 14), 0);
	assert_int_equal(delta_map_predict(m, 0, 10, 110 - 14), 50);
	assert_int_equal(delta_map_predict(m, 0, 10, 250 - 14), 50);
	assert_int_equal((int32_t)delta_map_predict(m, 0, 10, 350 - 14), -200);
	assert_int_equal(delta_map_predict(m, 0, 10, (uint32_t)-1000), 0);
	/* And back. */
	assert_int_equal((int32_t)delta_map_predict(m, 1, 110, (uint32_t)(20 - 114)), -50);
	assert_int_equal((int32_t)delta_map_predict(m, 2, 310, (uint32_t)(20 - 314)), 200);
	/* A copy of something short, or from within what another copies, changes nothing. */
	m->n = 5;
	m->ops[3] = (struct delta_op){ 40, 9000, 60, 0 };
	m->ops[4] = (struct delta_op){ 220, 8000, DELTA_TARGET_MIN - 1, 0 };
	delta_map_sort(m);
	assert_int_equal(m->targets, 3);
	assert_int_equal(delta_map_predict(m, 0, 10, 50 - 14), 0);
	assert_int_equal(delta_map_predict(m, 0, 10, 250 - 14), 50);
	/* One byte further it does. */
	m->ops[3].copy_len++;
	m->ops[4].copy_len++;
	delta_map_sort(m);
	assert_int_equal(m->targets, 5);
	assert_int_equal(delta_map_predict(m, 0, 10, 50 - 14), 8960);
	assert_int_equal(delta_map_predict(m, 0, 10, 250 - 14), 7780);
	/* Nothing to go by. */
	m->n = 1;
	m->ops[0].copy_len = DELTA_TARGET_MIN - 1;
	delta_map_sort(m);
	assert_int_equal(delta_map_predict(m, 0, 10, 50 - 14), 0);
	free(m);
}

static void test_references(void **state)
{
	/* The bytes before a word, and whether it is taken for a reference. */
	static const struct {
		uint8_t before[3];
		uint8_t len;
		bool is;
	} cases[] = {
		{ { 0xe8 }, 1, true },
		{ { 0xe9 }, 1, true },
		{ { 0x0f, 0x84 }, 2, true },
		{ { 0x0f, 0x8f }, 2, true },
		{ { 0x8b, 0x05 }, 2, true },
		{ { 0x8d, 0x3d }, 2, true },
		{ { 0x8b, 0x45 }, 2, false },
		{ { 0x90, 0x05 }, 2, false },
		{ { 0x0f, 0x10, 0x0d }, 3, true },
		{ { 0x0f, 0x10, 0x4d }, 3, false },
		{ { 0x85, 0x05 }, 2, true },
		{ { 0x00, 0x00 }, 2, false },
	};
	struct delta_map *m = calloc(1, sizeof(*m));
	size_t i, at;

	(void)state;
	assert_non_null(m);
	m->n = 2;
	m->ops[0] = (struct delta_op){ 1000, 1000, 1000, 0 };
	m->ops[1] = (struct delta_op){ 2000, 2064, 1000, 0 };
	delta_map_sort(m);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (at = 0; at < 12; at++) {
			uint8_t buf[20] = { 0 };
			uint32_t end = (uint32_t)at + cases[i].len + 4, word;

			memcpy(buf + at, cases[i].before, cases[i].len);
			/* To 2100, from a chunk at 1500. */
			le32_store(buf + end - 4, 600 - end);
			delta_refs_move(m, 0, 1500, buf, 20);
			word = le32_load(buf + end - 4);
			assert_int_equal(word, 600 - end + (cases[i].is ? 64 : 0));
		}
	}
	/* Too far, or not whole. */
	{
		uint8_t far_away[] = { 0xe8, 0, 0, 0, 0x40, 0, 0, 0, 0 };
		uint8_t was[sizeof(far_away)], cut_off[] = { 0, 0xe8, 0x10, 2, 0, 0 };

		memcpy(was, far_away, sizeof(was));
		delta_refs_move(m, 0, 1500, far_away, sizeof(far_away));
		assert_memory_equal(was, far_away, sizeof(was));
		delta_refs_move(m, 0, 1500, cut_off, 5);
		assert_int_equal(cut_off[2], 0x10);
	}
	free(m);
}

static void test_file_head(void **state)
{
	static const struct {
		uint64_t old_bytes, new_bytes, frame, frames;
		int64_t rc;
	} heads[] = {
		{ 0, 0, 1, 0, 0 },
		{ 5, 4097, 4096, 2, 0 },
		{ 5, 4096, 4096, 2, -EBADMSG },
		{ 5, 4097, 4096, 1, -EBADMSG },
		{ 5, 4097, 0, 1, -EBADMSG },
		{ 5, 4097, DELTA_FRAME_MAX, 1, 0 },
		{ 5, 4097, DELTA_FRAME_MAX + 1, 1, -EBADMSG },
		{ DELTA_IMAGE_MAX, DELTA_IMAGE_MAX, DELTA_FRAME_MAX, 1024, 0 },
		{ DELTA_IMAGE_MAX + 1, 1, 1, 1, -EBADMSG },
		{ 1, DELTA_IMAGE_MAX + 1, DELTA_FRAME_MAX, 1025, -EBADMSG },
		{ 1, DELTAFILE_FRAMES_MAX + 1, 1, DELTAFILE_FRAMES_MAX + 1, -EBADMSG },
	};
	uint8_t buf[DELTAFILE_HEAD_BYTES + 1];
	struct deltafile f, g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		memset(&f, 7, sizeof(f));
		f.old_bytes = heads[i].old_bytes;
		f.new_bytes = heads[i].new_bytes;
		f.frame_bytes = (uint32_t)heads[i].frame;
		f.frames = (uint32_t)heads[i].frames;
		deltafile_format(&f, buf);
		assert_int_equal(deltafile_parse(buf, DELTAFILE_HEAD_BYTES, &g), heads[i].rc);
		if (heads[i].rc == 0)
			assert_memory_equal(&f, &g, sizeof(f));
	}
	deltafile_format(&(struct deltafile){ .new_bytes = 10, .frame_bytes = 4, .frames = 3 },
			 buf);
	assert_int_equal(deltafile_parse(buf, DELTAFILE_HEAD_BYTES, &f), 0);
	assert_int_equal(deltafile_frame_bytes(&f, 0), 4);
	assert_int_equal(deltafile_frame_bytes(&f, 2), 2);
	assert_int_equal(deltafile_parse(buf, DELTAFILE_HEAD_BYTES - 1, &f), -EBADMSG);
	assert_int_equal(deltafile_parse(buf, DELTAFILE_HEAD_BYTES + 1, &f), -EBADMSG);
	for (i = 0; i < 16; i++) {
		buf[i] ^= 1;
		assert_int_equal(deltafile_parse(buf, DELTAFILE_HEAD_BYTES, &f), -EBADMSG);
		buf[i] ^= 1;
	}
}

static void test_memory(void **state)
{
	(void)state;
	assert_true(delta_memory() < 5u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips), cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_corrupted),   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_errors),	    cmocka_unit_test(test_predict),
		cmocka_unit_test(test_references),  cmocka_unit_test(test_file_head),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
