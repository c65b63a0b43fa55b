// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage1.h"

#define UNIT_SMALL 1 /* sectors */
#define UNIT_LARGE 8
#define OPTIONS_MAX 64 /* contents of one sector of STATE */

static const uint8_t zeros[CUT_SECTOR];
static uint8_t nonsense[CUT_SECTOR];

/* splitmix64 */
static uint64_t next_random(struct walk *w)
{
	uint64_t z = (w->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void complain(struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct walk *w, const char *fmt, ...)
{
	char text[sizeof(w->first)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!w->failures)
		memcpy(w->first, text, sizeof(text));
	if (w->failures++ < CUT_FAILURES_SHOWN && !w->silent)
		(void)fprintf(stderr, "FAIL entry %" PRIu64 " (%s): %s\n", w->entry,
			      cut_region_name(w->region), text);
}

static void broken(struct walk *w, const char *rule)
{
	w->stats.rules_broken++;
	complain(w, "%s", rule);
}

/* One state of the disk. */
static void look(struct walk *w, const struct cut_state *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void look(struct walk *w, const struct cut_state *s, const char *fmt, ...)
{
	struct cut_verdict v;
	va_list ap;

	if (w->stopped)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->how, sizeof(w->how), fmt, ap);
	va_end(ap);
	v = cut_judge(&w->judge, w->m, s);
	w->stats.states++;
	w->stats.of_region[w->region]++;
	w->looked = s;
	if (v.why[0]) {
		complain(w, "state %" PRIu64 ", %s: %s", w->stats.states, w->how, v.why);
	} else {
		w->stats.good++;
		for (unsigned int r = 0; r < w->m->n_releases; r++)
			w->stats.in_release[r] += v.releases >> r & 1;
	}
	if (w->tell)
		w->tell(w->tell_ctx, w, &v);
	w->stopped = w->o.stop_at && w->stats.states == w->o.stop_at;
}

static void put(struct walk *w, uint32_t spot, const uint8_t *content)
{
	const struct cut_spot *s = &w->m->spots[spot];

	cut_state_set(&w->other, w->m, spot, content,
		      cut_agrees(w->m, s->region, s->sector, content));
}

/* The epoch's pieces before a write, as they came. */
static size_t arrive_until(struct walk *w, uint32_t write)
{
	size_t i = 0;

	for (; i < w->m->n_pieces && w->m->pieces[i].write < write; i++)
		cut_state_piece(&w->other, w->m, &w->m->pieces[i]);
	return i;
}

/* The last write arrived up to a unit; the unit after it holds nonsense if so wanted. */
static void tear_at(struct walk *w, size_t first, size_t unit, size_t at, bool junk)
{
	const struct cut_piece *p = w->m->pieces + first;
	size_t sectors = w->m->n_pieces - first;
	uint64_t edge;
	size_t i;

	/* Units lie where the disk has them, not where the write begins. */
	edge = (p->sector / unit + at) * unit;
	for (i = 0; i < sectors && p[i].sector < edge; i++)
		cut_state_piece(&w->other, w->m, &p[i]);
	for (; junk && i < sectors && p[i].sector < edge + unit; i++)
		put(w, p[i].spot, nonsense);
}

/*
 * A unit of 4096 bytes that tears takes its neighbours with it, where the write was smaller. Not
 * in the table: its first unit holds sector 0 too, which nothing may lose.
 */
static int touch_neighbours(struct walk *w, size_t first)
{
	uint64_t from = w->m->pieces[first].sector / UNIT_LARGE * UNIT_LARGE;
	uint64_t to =
		w->m->pieces[w->m->n_pieces - 1].sector / UNIT_LARGE * UNIT_LARGE + UNIT_LARGE;
	uint32_t spot;

	if (w->region != CUT_STATE && w->region >= CUT_AREAS)
		return 0;
	for (uint64_t s = from; s < to; s++)
		if (cut_touch(w->m, s, &spot))
			return -ENOMEM;
	return 0;
}

static int tear_last(struct walk *w)
{
	static const size_t units[] = { UNIT_SMALL, UNIT_LARGE };
	struct cut_model *m = w->m;
	uint32_t last = m->n_writes - 1;
	size_t first = m->n_pieces;

	while (first && m->pieces[first - 1].write == last)
		first--;
	if (touch_neighbours(w, first))
		return -ENOMEM;
	for (size_t u = 0; u < 2; u++) {
		uint64_t from = m->pieces[first].sector / units[u];
		uint64_t to = m->pieces[m->n_pieces - 1].sector / units[u];
		size_t n = (size_t)(to - from) + 1;

		for (size_t k = 0; k < (n < CUT_TEARS ? n : CUT_TEARS); k++) {
			size_t at = n <= CUT_TEARS ? k : (size_t)(next_random(w) % n);

			for (int junk = 0; junk < 2; junk++) {
				if (!at && !junk)
					continue;
				if (w->stopped)
					return 0;
				if (cut_state_reset(&w->other, m))
					return -ENOMEM;
				(void)arrive_until(w, last);
				tear_at(w, first, units[u], at, junk);
				look(w, &w->other, "torn at unit %zu of %zu bytes%s", at,
				     units[u] * CUT_SECTOR, junk ? ", which holds nonsense" : "");
			}
		}
	}
	return 0;
}

/* Some writes of the epoch arrived: bit i of mask, or by chance; one of them torn by chance. */
static int some_arrive(struct walk *w, uint64_t mask, bool chance, const char *name)
{
	struct cut_model *m = w->m;
	/* Many, few or half of them. */
	uint64_t level = 1 + next_random(w) % 15;
	uint32_t torn = chance ? (uint32_t)(next_random(w) % m->n_writes) : m->n_writes;
	uint32_t write = m->n_writes;
	bool in = false;

	if (w->stopped)
		return 0;
	if (cut_state_reset(&w->other, m))
		return -ENOMEM;
	for (size_t i = 0; i < m->n_pieces; i++) {
		const struct cut_piece *p = &m->pieces[i];

		if (p->write != write) {
			write = p->write;
			in = chance ? next_random(w) % 16 < level : mask >> write & 1;
		}
		if (write == torn ? next_random(w) & 1 : in)
			cut_state_piece(&w->other, m, p);
	}
	look(w, &w->other, "%s", name);
	return 0;
}

static int reorder(struct walk *w)
{
	uint32_t n = w->m->n_writes;
	char name[64];
	int rc = 0;

	if (n < 2)
		return 0;
	if (n <= CUT_SUBSETS_EXHAUSTIVE) {
		/* Those without the last write were looked at when the one before it was it. */
		for (uint64_t mask = 1u << (n - 1); !rc && mask < (1u << n) - 1; mask++) {
			(void)snprintf(name, sizeof(name), "writes %#" PRIx64 " of %" PRIu32, mask,
				       n);
			rc = some_arrive(w, mask, false, name);
		}
	}
	for (unsigned int i = 0; !rc && i < w->o.samples; i++) {
		(void)snprintf(name, sizeof(name), "sample %u of %" PRIu32 " writes", i, n);
		rc = some_arrive(w, 0, true, name);
	}
	return rc;
}

/* The contents that one sector of STATE may have. */
struct choice {
	uint32_t spot;
	unsigned int n;
	const uint8_t *content[OPTIONS_MAX]; /* NULL: the durable one */
};

/* The rest of a copy's page of 4096 bytes says nothing. */
static bool in_copy(const struct cut_model *m, const struct cut_piece *p)
{
	uint64_t at = p->sector - m->state_first;

	return p->region == CUT_STATE &&
	       (at - BOOTSTATE_S0_OFFSET / CUT_SECTOR < BOOTSTATE_SIZE / CUT_SECTOR ||
		at - BOOTSTATE_S1_OFFSET / CUT_SECTOR < BOOTSTATE_SIZE / CUT_SECTOR);
}

static unsigned int state_choices(const struct cut_model *m, struct choice *c, unsigned int max)
{
	unsigned int n = 0, k;

	for (size_t i = 0; i < m->n_pieces; i++) {
		const struct cut_piece *p = &m->pieces[i];

		if (!in_copy(m, p))
			continue;
		for (k = 0; k < n && c[k].spot != p->spot; k++)
			;
		if (k == max)
			continue;
		if (k == n) {
			c[k] = (struct choice){ .spot = p->spot, .n = 3 };
			c[k].content[1] = zeros;
			c[k].content[2] = nonsense;
			n++;
		}
		if (c[k].n < OPTIONS_MAX)
			c[k].content[c[k].n++] = p->data;
	}
	return n;
}

static int all_of_state(struct walk *w)
{
	static struct choice c[BOOTSTATE_HEAD_BYTES / CUT_SECTOR];
	unsigned int n = state_choices(w->m, c, sizeof(c) / sizeof(c[0]));
	uint64_t all = 1;

	for (unsigned int k = 0; k < n && all <= CUT_COMBINATIONS_MAX; k++)
		all *= c[k].n;
	if (all > CUT_COMBINATIONS_MAX)
		w->stats.state_capped++;
	for (uint64_t i = 0; i < all && i < CUT_COMBINATIONS_MAX; i++) {
		uint64_t pick = all > CUT_COMBINATIONS_MAX ? next_random(w) : i;
		unsigned int rest = w->m->n_writes > 1 ? 4 : 1;

		for (unsigned int back = 0; back < rest; back++) {
			uint64_t left = pick;

			if (w->stopped)
				return 0;
			if (cut_state_reset(&w->other, w->m))
				return -ENOMEM;
			for (size_t p = 0; back && p < w->m->n_pieces; p++)
				if (!in_copy(w->m, &w->m->pieces[p]) &&
				    (back == 1 || next_random(w) & 1))
					cut_state_piece(&w->other, w->m, &w->m->pieces[p]);
			for (unsigned int k = 0; k < n; k++) {
				const uint8_t *content = c[k].content[left % c[k].n];

				left /= c[k].n;
				if (content)
					put(w, c[k].spot, content);
			}
			look(w, &w->other, "combination %" PRIu64 " of %" PRIu64 " of STATE", i,
			     all);
			w->stats.state_exhaustive++;
		}
	}
	return 0;
}

/* Rules of order, for one write. */
static void check_rules(struct walk *w, uint64_t first, uint64_t sectors)
{
	uint64_t copy[2] = { w->m->state_first + BOOTSTATE_S0_OFFSET / CUT_SECTOR,
			     w->m->state_first + BOOTSTATE_S1_OFFSET / CUT_SECTOR };
	uint64_t last = first + sectors - 1;
	enum bootstate_slot slot = BOOTSTATE_NONE;

	switch (w->region) {
	case CUT_BOOT_A:
	case CUT_ROOT_A:
		slot = BOOTSTATE_A;
		break;
	case CUT_BOOT_B:
	case CUT_ROOT_B:
		slot = BOOTSTATE_B;
		break;
	case CUT_STATE:
		if (w->o.stage1 && sectors == 1 &&
		    first == w->m->state_first + STAGE1_RECORD_OFFSET / CUT_SECTOR)
			break;
		if (first < copy[0] || last >= copy[1] + UNIT_LARGE)
			broken(w, "STATE is written outside of its two copies");
		else if (first < copy[1] && last >= copy[1])
			broken(w, "both copies of the boot state in one write");
		break;
	case CUT_GPT:
		if (first == 0)
			broken(w, "sector 0 is written");
		else if (!w->o.growth || w->settled)
			broken(w, "the partition table is written");
		break;
	case CUT_ESP_1:
	case CUT_ESP_2:
		if (!w->o.stage1)
			broken(w, "an ESP is written");
		else if (w->loader == 1 + (w->region == CUT_ESP_2))
			broken(w, "the ESP that GRUB came from is written");
		break;
	default:
		break;
	}
	if (slot != BOOTSTATE_NONE && slot == w->running)
		broken(w, "the running slot is written");
}

/* Both copies in one epoch: neither is safe while the other is written. */
static void check_state_epoch(struct walk *w)
{
	uint64_t edge = w->m->state_first + BOOTSTATE_S1_OFFSET / CUT_SECTOR;
	bool low = false, high = false;

	for (size_t i = 0; i < w->m->n_pieces; i++) {
		const struct cut_piece *p = &w->m->pieces[i];

		if (p->region != CUT_STATE || p->sector >= edge + UNIT_LARGE)
			continue;
		low |= p->sector < edge;
		high |= p->sector >= edge;
	}
	if (low && high)
		broken(w, "both copies of the boot state without a flush between them");
}

static void note_started(struct walk *w, const struct bootstate *state)
{
	w->running = state->booted;
	w->loader = state->esp;
}

static int look_around(struct walk *w)
{
	struct bootstate state;
	int rc;

	if (cut_state_reset(&w->now, w->m))
		return -ENOMEM;
	for (size_t i = 0; i < w->m->n_pieces; i++)
		cut_state_piece(&w->now, w->m, &w->m->pieces[i]);
	if (w->region == CUT_STATE && cut_boot_state(w->m, &w->now, &state))
		note_started(w, &state);
	look(w, &w->now, "all arrived");
	if (w->region == CUT_GPT && !w->settled)
		w->settled = cut_table_settled(w->m, &w->now);
	rc = w->stopped ? 0 : tear_last(w);
	if (!rc)
		rc = reorder(w);
	if (!rc && w->m->spots_in[CUT_STATE]) {
		check_state_epoch(w);
		rc = all_of_state(w);
	}
	return rc;
}

/* What lies in one region of a write. */
static int take_part(struct walk *w, uint64_t first, uint64_t sectors, const uint8_t *data)
{
	uint8_t *durable = w->m->disk + first * CUT_SECTOR;

	if (w->region == CUT_DATA) {
		/* Whatever is in there, no boot hangs on it. */
		w->stats.other_bytes += sectors * CUT_SECTOR;
		memcpy(durable, data, (size_t)sectors * CUT_SECTOR);
		return 0;
	}
	if (w->region == CUT_NOONE) {
		if (memcmp(durable, data, (size_t)sectors * CUT_SECTOR) != 0)
			broken(w, "what belongs to no partition is written");
		return 0;
	}
	check_rules(w, first, sectors);
	w->stats.cuts++;
	return cut_write(w->m, first, sectors, data) || look_around(w) ? -ENOMEM : 0;
}

static int take_write(struct walk *w, const struct dmlog_entry *e, struct err *err)
{
	uint64_t first = e->offset_bytes / CUT_SECTOR, n = e->len_bytes / CUT_SECTOR;
	const uint8_t *data = e->data;

	w->stats.writes++;
	if (!n)
		return 0;
	if (first + n > w->m->sectors || first + n < first)
		return err_set(err, -ERANGE, "entry %" PRIu64 ": behind the disk's end", w->entry);
	for (uint64_t s = first; s < first + n; s += 2048)
		w->changed[s / 2048] = 1;
	w->changed[(first + n - 1) / 2048] = 1;
	/* The kernel writes pages: one may reach over a region's end. */
	while (n) {
		uint64_t part = 1;

		w->region = cut_region_of(w->m, first);
		while (part < n && cut_region_of(w->m, first + part) == w->region)
			part++;
		if (take_part(w, first, part, data))
			return err_sys(err, -ENOMEM, "walk");
		first += part;
		n -= part;
		data += part * CUT_SECTOR;
	}
	return 0;
}

int walk_init(struct walk *w, struct cut_model *m, const struct walk_options *o, struct err *err)
{
	struct bootstate state;
	int rc;

	*w = (struct walk){ .m = m, .o = *o, .random = o->seed };
	for (size_t i = 0; i < sizeof(nonsense); i++)
		nonsense[i] = (uint8_t)(0xa5 ^ i * 73);
	w->changed = calloc((size_t)(m->sectors / 2048) + 1, 1);
	if (!w->changed)
		return err_sys(err, -ENOMEM, "walk");
	rc = cut_judge_init(&w->judge, m, err);
	if (!rc)
		rc = cut_state_reset(&w->now, m);
	if (rc)
		return rc;
	if (cut_boot_state(m, &w->now, &state))
		note_started(w, &state);
	w->settled = cut_table_settled(m, &w->now);
	return 0;
}

void walk_release(struct walk *w)
{
	cut_judge_release(&w->judge);
	cut_state_release(&w->now);
	cut_state_release(&w->other);
	free(w->changed);
}

int walk_log(struct walk *w, struct dmlog *log, struct err *err)
{
	struct dmlog_entry e;
	int rc;

	while (!w->stopped && (rc = dmlog_next(log, &e, err)) != 0) {
		if (rc < 0)
			return rc;
		w->entry = log->next - 1;
		if (e.kind == DMLOG_DISCARD)
			return err_set(err, -ENOTSUP, "entry %" PRIu64 ": a discard", w->entry);
		if (e.kind == DMLOG_WRITE) {
			rc = take_write(w, &e, err);
			if (rc)
				return rc;
			continue;
		}
		w->stats.flushes++;
		if (w->m->spots_in[CUT_STATE])
			cut_judge_flushed(&w->judge);
		cut_flush(w->m);
	}
	return 0;
}
