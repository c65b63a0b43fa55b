// SPDX-License-Identifier: Apache-2.0
/* The plan of sealing, run over a header and a counter in memory, with a cut at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealrun.h"

#define FIRST 41u /* where the counter stands at first */
#define SEALED_MAX 256

/* The machine: a disk of two copies, a counter, and every blob that was ever made. */
static struct {
	uint8_t disk[1u << 20];
	uint64_t counter;
	struct keyhead_blob sealed[SEALED_MAX];
	size_t n;
	int steps, cut_at; /* a step: a write, a flush, a raise, a seal */
	bool after;	   /* the cut comes after the step took effect */
} m;

static const uint8_t auth[SHA256_SIZE] = { 5 };

/* 1: do it; 0: it is not done; and *ret_rc what is said. */
static int step(int *ret_rc)
{
	m.steps++;
	*ret_rc = m.cut_at && m.steps >= m.cut_at ? -EIO : 0;
	return !*ret_rc || (m.after && m.steps == m.cut_at);
}

static int disk_read(void *ctx, void *buf, size_t len, uint64_t at)
{
	(void)ctx;
	memcpy(buf, m.disk + at, len);
	return 0;
}

static int disk_write(void *ctx, const void *buf, size_t len, uint64_t at)
{
	int rc, whole = step(&rc);

	(void)ctx;
	if (whole || m.steps == m.cut_at)
		memcpy(m.disk + at, buf, whole ? len : len / 3);
	return rc;
}

static int disk_flush(void *ctx)
{
	int rc;

	(void)ctx;
	(void)step(&rc);
	return rc;
}

static const struct blockio io = { .size_bytes = sizeof(m.disk),
				   .sector_bytes = 512,
				   .read = disk_read,
				   .write = disk_write,
				   .flush = disk_flush };

static int get_counter(void *ctx, uint64_t *ret, struct err *err)
{
	(void)ctx;
	(void)err;
	*ret = m.counter;
	return 0;
}

static int raise_counter(void *ctx, struct err *err)
{
	int rc;

	(void)ctx;
	(void)err;
	m.counter += (uint64_t)step(&rc);
	return rc;
}

static int seal(void *ctx, struct keyhead_blob *b, struct err *err)
{
	int rc;

	(void)ctx;
	(void)err;
	if (!step(&rc))
		return rc;
	b->public_len = b->private_len = 1;
	assert_true(m.n < SEALED_MAX);
	m.sealed[m.n++] = *b;
	return rc;
}

static const struct sealrun_tpm tpm = { NULL, get_counter, raise_counter, seal };

static struct sealset_pair pair(unsigned int release, unsigned int loader)
{
	struct sealset_pair p = { .release = release, .generation = loader, .pcr_mask = 0x290 };

	p.roothash[0] = p.pcr[2][0] = (uint8_t)release;
	p.pcr[0][0] = (uint8_t)release;
	p.pcr[0][1] = (uint8_t)loader;
	return p;
}

/* What is wanted next, for the callback. */
static struct {
	enum sealset_goal goal;
	struct sealset_pair running;
	struct sealset added;
	uint64_t floor;
} now;

static void want(void *ctx, const struct keyhead *h, uint64_t counter, struct sealset_want *ret)
{
	(void)ctx;
	if (now.goal == SEALSET_TRIAL) {
		sealset_trial(h, counter, &now.running, &now.added, ret);
	} else if (now.goal == SEALSET_GOOD) {
		sealset_good(h, counter, &now.running, now.floor, ret);
	} else {
		memset(ret, 0, sizeof(*ret));
		ret->good_release = now.running.release;
		memcpy(ret->good_roothash, now.running.roothash, SHA256_SIZE);
		(void)sealset_add(&ret->set, &now.running);
	}
}

static int run(enum sealset_goal goal, unsigned int running, unsigned int added, uint64_t floor)
{
	struct sealset_pair p = pair(added, 1);
	struct keyhead h = { .cipher = KEYHEAD_XTS, .key_bytes = 64 };
	struct err err = { "" };

	now.goal = goal;
	now.running = pair(running, 1);
	now.floor = floor;
	memset(&now.added, 0, sizeof(now.added));
	if (added)
		(void)sealset_add(&now.added, &p);
	if (goal != SEALSET_NEW && keyhead_read(&io, &h, NULL, &err))
		fail_msg("%s", err.msg);
	return sealrun(&io, &tpm, &h, auth, want, NULL, &err);
}

static bool opens(unsigned int release)
{
	struct sealset_pair p = pair(release, 1);
	struct keyhead h;
	struct err err = { "" };

	if (keyhead_read(&io, &h, NULL, &err))
		fail_msg("%s", err.msg);
	return sealset_find(&h, m.counter, &p) >= 0;
}

/* ever_opens - with any header that was ever on the disk. */
static bool ever_opens(unsigned int release)
{
	size_t i;

	for (i = 0; i < m.n; i++)
		if (m.sealed[i].counter == m.counter && m.sealed[i].release == release)
			return true;
	return false;
}

static int fresh(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.counter = FIRST;
	assert_int_equal(run(SEALSET_NEW, 1, 0, 0), 0);
	return 0;
}

static void test_done_is_done(void **state)
{
	(void)state;
	m.steps = 0;
	assert_int_equal(run(SEALSET_GOOD, 1, 0, 0), 0);
	assert_int_equal(m.steps, 0);
	assert_int_equal(run(SEALSET_TRIAL, 1, 2, 0), 0);
	m.steps = 0;
	assert_int_equal(run(SEALSET_TRIAL, 1, 2, 0), 0);
	assert_int_equal(m.steps, 0);
	assert_int_equal(m.counter, FIRST);
}

static void test_counter_only_at_good(void **state)
{
	(void)state;
	assert_int_equal(run(SEALSET_TRIAL, 1, 2, 0), 0);
	assert_int_equal(run(SEALSET_GOOD, 1, 0, 0), 0); /* fell back */
	assert_int_equal(run(SEALSET_TRIAL, 1, 3, 0), 0);
	assert_int_equal(m.counter, FIRST);
	assert_true(opens(1) && opens(3) && !opens(2));
	assert_int_equal(run(SEALSET_GOOD, 3, 0, 0), 0);
	assert_int_equal(m.counter, FIRST + 1);
	assert_true(opens(1) && opens(3));
	/* What was given up is withdrawn with it, whatever copies there are. */
	assert_false(ever_opens(2));
}

/* A raise that did not come about does not stop the next update. */
static void test_left_half(void **state)
{
	(void)state;
	assert_int_equal(run(SEALSET_TRIAL, 1, 2, 0), 0);
	m.steps = 0;
	m.cut_at = 4; /* seal, write, flush are done; the raise is not */
	assert_int_equal(run(SEALSET_GOOD, 2, 0, 2), -EIO);
	m.cut_at = 0;
	assert_int_equal(m.counter, FIRST);
	assert_true(opens(1) && opens(2));
	/* What was written for the next value opens there, from a copy: it is gone past. */
	assert_int_equal(run(SEALSET_TRIAL, 2, 3, 0), 0);
	assert_int_equal(m.counter, FIRST + 1);
	assert_true(opens(2) && opens(3));
	assert_int_equal(run(SEALSET_GOOD, 3, 0, 3), 0);
	assert_int_equal(m.counter, FIRST + 2);
	assert_false(ever_opens(1) || ever_opens(2));
}

/* The same where the other release is marked good in its place. */
static void test_left_half_for_the_other(void **state)
{
	(void)state;
	assert_int_equal(run(SEALSET_TRIAL, 1, 2, 0), 0);
	m.steps = 0;
	m.cut_at = 5; /* two seals, write, flush */
	assert_int_equal(run(SEALSET_GOOD, 2, 0, 0), -EIO);
	m.cut_at = 0;
	assert_int_equal(run(SEALSET_TRIAL, 1, 3, 0), 0);
	assert_int_equal(run(SEALSET_GOOD, 1, 0, 0), 0);
	assert_int_equal(run(SEALSET_GOOD, 3, 0, 3), 0);
	assert_true(opens(3));
	assert_false(ever_opens(1) || ever_opens(2));
}

struct order {
	enum sealset_goal goal;
	unsigned int running, added;
	uint64_t floor;
	unsigned int must_open[2]; /* after a cut anywhere in it */
};

/* A cut at every step of every order, before it and after it, and the order again. */
static void test_cuts(void **state)
{
	static const struct order life[] = {
		{ SEALSET_TRIAL, 1, 2, 0, { 1, 1 } }, { SEALSET_GOOD, 2, 0, 0, { 2, 1 } },
		{ SEALSET_TRIAL, 2, 3, 0, { 2, 2 } }, { SEALSET_GOOD, 3, 0, 3, { 3, 3 } },
		{ SEALSET_TRIAL, 3, 4, 3, { 3, 3 } }, { SEALSET_GOOD, 4, 0, 3, { 4, 3 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		const struct order *o = &life[i];
		static uint8_t before[sizeof(m)];
		int all, at, after;

		memcpy(before, &m, sizeof(m));
		m.steps = 0;
		assert_int_equal(run(o->goal, o->running, o->added, o->floor), 0);
		all = m.steps;
		for (at = 1; at <= all; at++) {
			for (after = 0; after < 2; after++) {
				memcpy(&m, before, sizeof(m));
				m.steps = 0;
				m.cut_at = at;
				m.after = after;
				assert_int_equal(run(o->goal, o->running, o->added, o->floor),
						 -EIO);
				m.cut_at = 0;
				assert_true(opens(o->must_open[0]) && opens(o->must_open[1]));
				assert_int_equal(run(o->goal, o->running, o->added, o->floor), 0);
				assert_true(opens(o->running));
				if (o->added)
					assert_true(opens(o->added));
				if (o->goal == SEALSET_GOOD && o->floor)
					assert_false(ever_opens((unsigned int)o->floor - 1));
			}
		}
	}
}

static void test_set_is_bounded(void **state)
{
	struct sealset set = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * SEALSET_PAIRS_MAX; i++) {
		struct sealset_pair p = pair(1, i);

		assert_int_equal(sealset_add(&set, &p), i < SEALSET_PAIRS_MAX);
		assert_int_equal(sealset_add(&set, &p), i < SEALSET_PAIRS_MAX);
	}
	assert_int_equal(set.n, SEALSET_PAIRS_MAX);
}

static int stuck(void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

/* A counter that says it was raised and was not. */
static void test_counter_that_lies(void **state)
{
	const struct sealrun_tpm liar = { NULL, get_counter, stuck, seal };
	struct keyhead h;
	struct err err;

	(void)state;
	assert_int_equal(run(SEALSET_TRIAL, 1, 2, 0), 0);
	assert_int_equal(keyhead_read(&io, &h, NULL, &err), 0);
	now.goal = SEALSET_GOOD;
	now.running = pair(2, 1);
	now.floor = 2;
	assert_int_equal(sealrun(&io, &liar, &h, auth, want, NULL, &err), -ELOOP);
	assert_true(opens(1) && opens(2));
}

static void test_explain(void **state)
{
	struct sealset_pair p = pair(1, 1);
	struct keyhead h;
	struct err err;

	(void)state;
	assert_int_equal(keyhead_read(&io, &h, NULL, &err), 0);
	p.pcr[2][5] = 1;
	assert_int_equal(sealset_explain(&h, m.counter, &p, &err), -EPERM);
	assert_non_null(strstr(err.msg, "PCR 9 ("));
	assert_null(strstr(err.msg, "4"));
	p.pcr[0][5] = 1;
	(void)sealset_explain(&h, m.counter, &p, &err);
	assert_non_null(strstr(err.msg, "PCR 4 ("));
	assert_non_null(strstr(err.msg, "9 ("));
	p = pair(1, 1);
	(void)sealset_explain(&h, m.counter + 1, &p, &err);
	assert_non_null(strstr(err.msg, "withdrawn"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_done_is_done, fresh),
		cmocka_unit_test_setup(test_counter_only_at_good, fresh),
		cmocka_unit_test_setup(test_left_half, fresh),
		cmocka_unit_test_setup(test_left_half_for_the_other, fresh),
		cmocka_unit_test_setup(test_cuts, fresh),
		cmocka_unit_test(test_set_is_bounded),
		cmocka_unit_test_setup(test_counter_that_lies, fresh),
		cmocka_unit_test_setup(test_explain, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
