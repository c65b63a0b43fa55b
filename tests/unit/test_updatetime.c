// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "updatetime.h"

#define DAY 86400
#define YEAR (365 * (int64_t)DAY)
#define BUILD INT64_C(1795478400) /* the release; all else is told from here */
#define MS(s) (1000 * (uint64_t)(s))

static struct updatetime t;

static enum updatetime_verdict judge(int64_t created, int64_t expires, bool synced, int64_t wall,
				     uint64_t now_s)
{
	return updatetime_judge(&t, created, expires, synced, wall, MS(now_s));
}

static void test_synced(void **state)
{
	(void)state;
	updatetime_init(&t, BUILD, 0, MS(5));
	assert_int_equal(judge(BUILD, BUILD + 30 * DAY, true, BUILD + DAY, 10), UPDATETIME_CURRENT);
	assert_int_equal(judge(BUILD, BUILD + 30 * DAY, true, BUILD + 30 * DAY - 1, 10),
			 UPDATETIME_CURRENT);
	assert_int_equal(judge(BUILD, BUILD + 30 * DAY, true, BUILD + 30 * DAY, 10),
			 UPDATETIME_EXPIRED);
	assert_int_equal(judge(BUILD + 3 * DAY, BUILD + 30 * DAY, true, BUILD + DAY, 10),
			 UPDATETIME_FUTURE);
	/* A clock before the release was built is wrong, whoever set it. */
	assert_int_equal(judge(BUILD - YEAR, BUILD - 1, true, BUILD - YEAR, 10),
			 UPDATETIME_EXPIRED);
}

/* The clock is not set: whatever it says, by years either way, changes nothing. */
static void test_wrong_clock_changes_nothing(void **state)
{
	static const int64_t wrong[] = { 0,	    -YEAR,    BUILD - 10 * YEAR, BUILD + 20 * YEAR,
					 INT64_MAX, INT64_MIN };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		updatetime_init(&t, BUILD, 0, 0);
		assert_int_equal(judge(BUILD, BUILD + 30 * DAY, false, wrong[i], 10),
				 UPDATETIME_UNPROVEN);
		/* An end before the release is past for certain. */
		assert_int_equal(judge(BUILD - YEAR, BUILD - 1, false, wrong[i], 10),
				 UPDATETIME_EXPIRED);
		assert_true(updatetime_floor(&t, false, wrong[i], MS(10)) == BUILD + 10);
	}
}

/* A clock that is never set: a stale channel is refused once it is past by the time lived. */
static void test_not_stale_for_ever(void **state)
{
	const int64_t expires = BUILD + 60 * DAY;
	int64_t floor = 0;
	unsigned int boots;

	(void)state;
	updatetime_init(&t, BUILD, floor, 0);
	updatetime_created(&t, BUILD + 30 * DAY, MS(10));
	assert_int_equal(judge(BUILD + 30 * DAY, expires, false, 0, 10), UPDATETIME_UNPROVEN);
	floor = updatetime_floor(&t, false, 0, MS(10));
	/* Lives of a day each, with a clock that begins at 1970 each time. */
	for (boots = 0; boots < 31; boots++) {
		updatetime_init(&t, BUILD, floor, 0);
		floor = updatetime_floor(&t, false, 5, MS(DAY));
	}
	assert_true(floor >= BUILD + 61 * DAY);
	updatetime_init(&t, BUILD, floor, 0);
	assert_int_equal(judge(BUILD + 30 * DAY, expires, false, 5, 0), UPDATETIME_EXPIRED);
	/* A newer one is not locked out by that. */
	assert_int_equal(judge(BUILD + 70 * DAY, BUILD + 100 * DAY, false, 5, 0),
			 UPDATETIME_UNPROVEN);
}

/* A server of the time that lied, and a floor that was kept meanwhile. */
static void test_not_locked_out(void **state)
{
	const int64_t created = BUILD + 10 * DAY, expires = BUILD + 40 * DAY;
	int64_t floor;

	(void)state;
	updatetime_init(&t, BUILD, 0, 0);
	floor = updatetime_floor(&t, true, BUILD + 30 * YEAR, MS(10));
	assert_true(floor == BUILD + 30 * YEAR);
	updatetime_init(&t, BUILD, floor, 0);
	assert_int_equal(judge(created, expires, false, 0, 1), UPDATETIME_EXPIRED);
	/* Set right, it is right at once, and stays so without a clock. */
	assert_int_equal(judge(created, expires, true, created + DAY, 2), UPDATETIME_CURRENT);
	floor = updatetime_floor(&t, true, created + DAY, MS(2));
	assert_true(floor == created + DAY);
	updatetime_init(&t, BUILD, floor, 0);
	assert_int_equal(judge(created, expires, false, 0, 1), UPDATETIME_UNPROVEN);
	/* Likewise a channel whose maker's clock was wrong. */
	updatetime_created(&t, BUILD + 50 * YEAR, MS(3));
	assert_int_equal(judge(created, expires, false, 0, 4), UPDATETIME_EXPIRED);
	assert_int_equal(judge(created, expires, true, created + DAY, 4), UPDATETIME_CURRENT);
	floor = updatetime_floor(&t, true, created + DAY, MS(4));
	assert_true(floor == created + DAY);
}

static void test_floor_and_created(void **state)
{
	(void)state;
	/* A second start in one boot counts nothing twice. */
	updatetime_init(&t, BUILD, BUILD + 100, MS(50));
	assert_true(updatetime_now(&t, false, 0, MS(50)) == BUILD + 100);
	assert_true(updatetime_now(&t, false, 0, MS(60)) == BUILD + 110);
	assert_true(updatetime_now(&t, false, 0, MS(40)) == BUILD + 100);
	/* A build newer than the floor: an update. */
	updatetime_init(&t, BUILD + YEAR, BUILD + 100, 0);
	assert_true(updatetime_now(&t, false, 0, 0) == BUILD + YEAR);
	/* An older channel moves nothing back. */
	updatetime_created(&t, BUILD, MS(10));
	assert_true(updatetime_now(&t, false, 0, MS(10)) == BUILD + YEAR + 10);
	updatetime_created(&t, BUILD + 2 * YEAR, MS(10));
	assert_true(updatetime_now(&t, false, 0, MS(20)) == BUILD + 2 * YEAR + 10);
	/* Garbage from DATA does not overflow. */
	updatetime_init(&t, INT64_MAX, INT64_MAX, UINT64_MAX);
	updatetime_created(&t, INT64_MAX, UINT64_MAX);
	assert_true(updatetime_now(&t, false, 0, UINT64_MAX) > 0);
	updatetime_init(&t, INT64_MIN, INT64_MIN, 0);
	assert_true(updatetime_now(&t, false, 0, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_synced),
		cmocka_unit_test(test_wrong_clock_changes_nothing),
		cmocka_unit_test(test_not_stale_for_ever),
		cmocka_unit_test(test_not_locked_out),
		cmocka_unit_test(test_floor_and_created),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
