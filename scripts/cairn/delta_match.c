// SPDX-License-Identifier: Apache-2.0
/*
 * Which run of the new image resembles which of the old. Like bsdiff, but a suffix array of the
 * old image is replaced by an index of every STEP-th place's K bytes, and where bsdiff takes the
 * longest match, this takes the place whose neighbourhood resembles most, nearest first: code
 * that moved by a little differs in every reference, and is the same all the same.
 */
#include "delta_match.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An index entry is found by this many equal bytes; any K + STEP - 1 equal bytes hold one. */
#define K 12u
/* Old images up to this size are indexed at each 4th place, larger ones more thinly. */
#define STEP_MIN 4u
#define ENTRIES_MAX (UINT64_C(128) << 20)
/* How many entries of one hash are looked at: the nearest to where the match is expected. */
#define TRIES 24u
/* Places used lately, tried before the index. */
#define LATELY 8u
/* How far a candidate is compared with what there is. */
#define LOOK 96u
/* A place this far from where its neighbours come from must be better by so many bytes: what is
 * copied from a file's twin says nothing of where the file's own references went. */
#define FAR (1u << 20)
#define FAR_COST 32
/* Such a run, however far, moves the neighbourhood. */
#define SETTLED (4u << 20)
/* A place must be better by so many bytes to be changed to, as an operation costs some. */
#define MARGIN 24

struct index {
	const uint8_t *image;
	uint64_t len;
	uint64_t step;
	unsigned int bits;
	uint32_t *heads;  /* by hash: its first entry in places, ascending; one more at the end */
	uint32_t *places; /* / step */
};

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t hash(const struct index *x, const uint8_t *p)
{
	uint64_t a = load64(p) * UINT64_C(0x9e3779b97f4a7c15);

	a ^= a >> 29;
	a += load32(p + 8);
	a *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(a >> (64 - x->bits));
}

static bool run_of_one(const uint8_t *p)
{
	return load64(p) == load64(p + 4) && load32(p) == (uint32_t)p[0] * 0x01010101u;
}

static int index_new(struct index *x, const uint8_t *image, uint64_t len)
{
	uint64_t i, entries;
	uint32_t n = 0;

	memset(x, 0, sizeof(*x));
	x->image = image;
	x->len = len;
	x->step = STEP_MIN;
	while (len / x->step > ENTRIES_MAX)
		x->step++;
	entries = len / x->step + 1;
	for (x->bits = 10; x->bits < 24 && (UINT64_C(1) << x->bits) < entries; x->bits++)
		;
	x->heads = calloc(((size_t)1 << x->bits) + 2, sizeof(*x->heads));
	x->places = malloc((size_t)entries * sizeof(*x->places));
	if (!x->heads || !x->places)
		return -ENOMEM;
	if (len < K)
		return 0;
	for (i = 0; i + K <= len; i += x->step) {
		if (!run_of_one(image + i))
			x->heads[hash(x, image + i) + 2]++;
	}
	for (i = 0; i < ((size_t)1 << x->bits) + 2; i++) {
		n += x->heads[i];
		x->heads[i] = n;
	}
	/* heads[h + 1] is where the next entry of h goes, and in the end where they end. */
	for (i = 0; i + K <= len; i += x->step) {
		if (!run_of_one(image + i))
			x->places[x->heads[hash(x, image + i) + 1]++] = (uint32_t)(i / x->step);
	}
	return 0;
}

static void index_free(struct index *x)
{
	free(x->heads);
	free(x->places);
}

struct match {
	struct index x;
	const uint8_t *old_image, *new_image;
	uint64_t old_len, new_len;
	uint64_t lately[LATELY]; /* old position less new one, mod 2^64 */
	uint64_t home;		 /* the same of what lies around here, roughly */
	struct delta_runs *runs;
};

/* exact - how many bytes are equal from here on, up to max. */
static uint64_t exact(const uint8_t *a, const uint8_t *b, uint64_t max)
{
	uint64_t i = 0;

	while (i + 8 <= max) {
		uint64_t x = load64(a + i) ^ load64(b + i);

		if (x)
			return i + (uint64_t)__builtin_ctzll(x) / 8;
		i += 8;
	}
	while (i < max && a[i] == b[i])
		i++;
	return i;
}

/* equal_in - how many of len bytes are equal, eight at a time. */
static int equal_in(const uint8_t *a, const uint8_t *b, uint64_t len)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f), one = UINT64_C(0x0101010101010101);
	uint64_t i, sum = 0;
	int n = 0;

	for (i = 0; i + 8 <= len; i += 8) {
		uint64_t x = load64(a + i) ^ load64(b + i);

		/* The high bit of each byte: it is 0. They are summed up, at most LOOK / 8 in each.
		 */
		sum += (~(((x & low) + low) | x) >> 7) & one;
	}
	n = (int)((sum * one) >> 56);
	for (; i < len; i++)
		n += a[i] == b[i];
	return n;
}

static bool is_far(const struct match *m, uint64_t distance, uint64_t limit)
{
	return distance - m->home + limit > 2 * limit;
}

/* likeness - how many of the next LOOK bytes are equal, less FAR_COST; 0: out of range. */
static int likeness(const struct match *m, uint64_t new_pos, uint64_t old_pos)
{
	uint64_t n = LOOK;

	if (old_pos >= m->old_len)
		return 0;
	if (n > m->new_len - new_pos)
		n = m->new_len - new_pos;
	if (n > m->old_len - old_pos)
		n = m->old_len - old_pos;
	return equal_in(m->new_image + new_pos, m->old_image + old_pos, n) -
	       (is_far(m, old_pos - new_pos, FAR) ? FAR_COST : 0);
}

/* best_place - where the old image resembles new_pos most. Returns its likeness. */
static int best_place(const struct match *m, uint64_t new_pos, uint64_t expected, uint64_t *ret)
{
	const uint8_t *p = m->new_image + new_pos;
	int best = 0;
	unsigned int i;
	uint32_t first, end, lo, hi, tries;

	for (i = 0; i < LATELY; i++) {
		uint64_t at = new_pos + m->lately[i];
		int score;

		/* Something must be equal at once, or the place is better left to a later byte. */
		if (at + 4 > m->old_len || load32(p) != load32(m->old_image + at))
			continue;
		score = likeness(m, new_pos, at);
		if (score > best) {
			best = score;
			*ret = at;
		}
	}
	if (run_of_one(p))
		return best;
	first = m->x.heads[hash(&m->x, p)];
	end = m->x.heads[hash(&m->x, p) + 1];
	/* The first entry at or behind where it is expected, then outwards from there. */
	lo = first;
	hi = end;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((uint64_t)m->x.places[mid] * m->x.step < expected)
			lo = mid + 1;
		else
			hi = mid;
	}
	hi = lo;
	for (tries = 0; tries < TRIES && (lo > first || hi < end); tries++) {
		uint64_t below = lo > first ? (uint64_t)m->x.places[lo - 1] * m->x.step : 0;
		uint64_t above = hi < end ? (uint64_t)m->x.places[hi] * m->x.step : 0, at;
		int score;

		if (hi == end || (lo > first && expected - below < above - expected)) {
			at = below;
			lo--;
		} else {
			at = above;
			hi++;
		}
		if (load64(m->old_image + at) != load64(p))
			continue;
		score = likeness(m, new_pos, at);
		if (score > best) {
			best = score;
			*ret = at;
		}
	}
	return best;
}

static int add(struct match *m, uint64_t new_pos, uint64_t old_pos, uint64_t len)
{
	struct delta_runs *r = m->runs;

	if (len == 0)
		return 0;
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 1024;
		struct delta_run_of *v = realloc(r->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->room = room;
	}
	r->v[r->n++] = (struct delta_run_of){ new_pos, old_pos, len };
	return 0;
}

static void remember(struct match *m, uint64_t distance, uint64_t len)
{
	unsigned int i = 0;

	if (len >= SETTLED || (len >= LOOK * 4 && !is_far(m, distance, FAR)))
		m->home = distance;
	while (i < LATELY - 1 && m->lately[i] != distance)
		i++;
	memmove(m->lately + 1, m->lately, i * sizeof(m->lately[0]));
	m->lately[0] = distance;
}

/* forward - how far the run resembles beyond: where twice the equal bytes less all is most. */
static uint64_t forward(const struct match *m, uint64_t new_pos, uint64_t old_pos, uint64_t max)
{
	int64_t score = 0, best = 0;
	uint64_t i, len = 0;

	if (old_pos >= m->old_len)
		return 0;
	if (max > m->old_len - old_pos)
		max = m->old_len - old_pos;
	for (i = 0; i < max; i++) {
		score += m->new_image[new_pos + i] == m->old_image[old_pos + i] ? 1 : -1;
		if (score > best) {
			best = score;
			len = i + 1;
		}
	}
	return len;
}

static uint64_t backward(const struct match *m, uint64_t new_pos, uint64_t old_pos, uint64_t max)
{
	int64_t score = 0, best = 0;
	uint64_t i, len = 0;

	if (max > old_pos)
		max = old_pos;
	for (i = 1; i <= max; i++) {
		score += m->new_image[new_pos - i] == m->old_image[old_pos - i] ? 1 : -1;
		if (score > best) {
			best = score;
			len = i;
		}
	}
	return len;
}

/* split - where two runs that both cover [from, to) of the new image are best parted. */
static uint64_t split(const struct match *m, uint64_t from, uint64_t to, uint64_t a, uint64_t b)
{
	int64_t score = 0, best = 0;
	uint64_t i, at = from;

	for (i = from; i < to; i++) {
		score += m->new_image[i] == m->old_image[i + a];
		score -= m->new_image[i] == m->old_image[i + b];
		if (score > best) {
			best = score;
			at = i + 1;
		}
	}
	return at;
}

/*
 * The walk: a place (distance a from `start` on) is kept while no other is better by MARGIN over
 * the next LOOK bytes; then the old run is extended forward, the new one backward, and an overlap
 * parted.
 */
static int walk(struct match *m)
{
	uint64_t pos = 0, start = 0, a = 0;
	bool have = false;
	int rc;

	while (pos < m->new_len) {
		uint64_t at = 0, old_pos = pos + a, end, begin;
		int score, now = 0;

		if (have && old_pos < m->old_len) {
			uint64_t left = m->new_len - pos, n;

			if (left > m->old_len - old_pos)
				left = m->old_len - old_pos;
			n = exact(m->new_image + pos, m->old_image + old_pos, left);
			if (n >= 16) {
				/* No place is better where all is equal; the last few bytes
				 * before a difference are looked at again. */
				pos += n - 8;
				old_pos = pos + a;
			}
			now = likeness(m, pos, old_pos);
			if (now >= (int)LOOK - 16) {
				pos += 16;
				continue;
			}
		}
		if (m->new_len - pos < K)
			break;
		score = best_place(m, pos, have ? old_pos : pos, &at);
		if (score < 14 || score < now + MARGIN) {
			/* Not a multiple of the index's step, so that nothing hides from it. */
			pos += now >= (int)LOOK / 2 ? 3 : 1;
			continue;
		}
		/* A better place: end the run there is, begin the new one. */
		end = start;
		if (have)
			end = start + forward(m, start, start + a, pos - start);
		begin = pos - backward(m, pos, at, pos - (have ? start : 0));
		if (begin < end) {
			end = begin = split(m, begin, end, a, at - pos);
		}
		rc = add(m, start, start + a, end - start);
		if (rc)
			return rc;
		if (have)
			remember(m, a, end - start);
		start = begin;
		a = at - pos;
		have = true;
		pos++;
	}
	if (!have)
		return 0;
	return add(m, start, start + a, forward(m, start, start + a, m->new_len - start));
}

int delta_match(const uint8_t *old_image, uint64_t old_len, const uint8_t *new_image,
		uint64_t new_len, struct delta_runs *ret)
{
	struct match m = { .old_image = old_image,
			   .new_image = new_image,
			   .old_len = old_len,
			   .new_len = new_len,
			   .runs = ret };
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = index_new(&m.x, old_image, old_len);
	if (rc == 0)
		rc = walk(&m);
	index_free(&m.x);
	if (rc) {
		free(ret->v);
		memset(ret, 0, sizeof(*ret));
	}
	return rc;
}
