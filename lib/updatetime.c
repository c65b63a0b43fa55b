// SPDX-License-Identifier: Apache-2.0
#include "updatetime.h"

#define DAY_S 86400

/* Beyond any date that is meant: keeps sums far from overflow. Year 9999. */
#define LATEST_S 253402300799

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t bounded(int64_t s)
{
	return s < 0 ? 0 : s > LATEST_S ? LATEST_S : s;
}

/* passed - the seconds lived since passed_s was noted included. */
static int64_t passed(const struct updatetime *t, uint64_t now_ms)
{
	uint64_t lived_s = now_ms > t->since_ms ? (now_ms - t->since_ms) / 1000 : 0;

	return bounded(t->passed_s + (lived_s > LATEST_S ? LATEST_S : (int64_t)lived_s));
}

static void note(struct updatetime *t, int64_t s, uint64_t now_ms)
{
	t->passed_s = bounded(s);
	t->since_ms = now_ms;
}

void updatetime_init(struct updatetime *t, int64_t build_s, int64_t floor_s, uint64_t now_ms)
{
	t->build_s = bounded(build_s);
	note(t, later(t->build_s, bounded(floor_s)), now_ms);
}

void updatetime_created(struct updatetime *t, int64_t created_s, uint64_t now_ms)
{
	int64_t have = passed(t, now_ms);

	/* Only where it moves something: noting drops the parts of a second. */
	if (created_s > have)
		note(t, created_s, now_ms);
}

int64_t updatetime_now(const struct updatetime *t, bool synced, int64_t wall_s, uint64_t now_ms)
{
	return synced ? later(bounded(wall_s), t->build_s) : passed(t, now_ms);
}

int64_t updatetime_floor(struct updatetime *t, bool synced, int64_t wall_s, uint64_t now_ms)
{
	if (synced)
		note(t, updatetime_now(t, true, wall_s, now_ms), now_ms);
	return passed(t, now_ms);
}

enum updatetime_verdict updatetime_judge(const struct updatetime *t, int64_t created_s,
					 int64_t expires_s, bool synced, int64_t wall_s,
					 uint64_t now_ms)
{
	int64_t now = updatetime_now(t, synced, wall_s, now_ms);

	if (now >= expires_s)
		return UPDATETIME_EXPIRED;
	if (!synced)
		return UPDATETIME_UNPROVEN;
	return created_s > now + DAY_S ? UPDATETIME_FUTURE : UPDATETIME_CURRENT;
}
