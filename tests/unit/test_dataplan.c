// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>

#include "dataplan.h"

static bool makes(enum dataplan plan)
{
	return plan == DATAPLAN_NEW_PLAIN || plan == DATAPLAN_NEW_ENCRYPTED;
}

/* Every pair of head and order. */
static void test_table(void **state)
{
	static const struct {
		enum datahead head;
		enum dataplan want[DATAPLAN_ORDERS]; /* silent, plain, open, make, closed */
	} cases[] = {
		{ DATAHEAD_EMPTY,
		  { DATAPLAN_LOCK, DATAPLAN_NEW_PLAIN, DATAPLAN_UNLOCK_MEND, DATAPLAN_NEW_ENCRYPTED,
		    DATAPLAN_LOCK } },
		{ DATAHEAD_MAKING,
		  { DATAPLAN_LOCK, DATAPLAN_NEW_PLAIN, DATAPLAN_LEAVE, DATAPLAN_NEW_ENCRYPTED,
		    DATAPLAN_LOCK } },
		{ DATAHEAD_MADE,
		  { DATAPLAN_LOCK, DATAPLAN_MOUNT, DATAPLAN_LEAVE, DATAPLAN_LEAVE,
		    DATAPLAN_LOCK } },
		{ DATAHEAD_MAKING_ENCRYPTED,
		  { DATAPLAN_LOCK, DATAPLAN_NEW_PLAIN, DATAPLAN_LEAVE, DATAPLAN_NEW_ENCRYPTED,
		    DATAPLAN_LOCK } },
		{ DATAHEAD_ENCRYPTED,
		  { DATAPLAN_LOCK, DATAPLAN_LEAVE, DATAPLAN_UNLOCK, DATAPLAN_LEAVE,
		    DATAPLAN_LOCK } },
		{ DATAHEAD_UNKNOWN,
		  { DATAPLAN_LEAVE, DATAPLAN_LEAVE, DATAPLAN_UNLOCK_MEND, DATAPLAN_LEAVE,
		    DATAPLAN_LEAVE } },
	};
	size_t i;
	int order;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (order = 0; order < DATAPLAN_ORDERS; order++)
			assert_int_equal(dataplan_next(cases[i].head, (enum dataplan_order)order),
					 cases[i].want[order]);
}

/* What holds something is never made anew, whatever is said; nor is anything on a wish alone. */
static void test_invariants(void **state)
{
	int head, order;

	(void)state;
	for (head = 0; head <= DATAHEAD_UNKNOWN + 1; head++)
		for (order = 0; order <= DATAPLAN_ORDERS; order++) {
			enum dataplan plan =
				dataplan_next((enum datahead)head, (enum dataplan_order)order);
			bool holds = head == DATAHEAD_MADE || head >= DATAHEAD_ENCRYPTED;

			if (holds || order == DATAPLAN_SILENT || order >= DATAPLAN_CLOSED)
				assert_false(makes(plan));
			if (order == DATAPLAN_SILENT)
				assert_true(plan == DATAPLAN_LOCK || plan == DATAPLAN_LEAVE);
			if (head > DATAHEAD_UNKNOWN || order >= DATAPLAN_ORDERS)
				assert_int_equal(plan, DATAPLAN_LEAVE);
			/* An encrypted one is never taken for a plain one, nor the reverse. */
			if (head == DATAHEAD_ENCRYPTED)
				assert_int_not_equal(plan, DATAPLAN_MOUNT);
			if (head == DATAHEAD_MADE)
				assert_int_not_equal(plan, DATAPLAN_UNLOCK);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
