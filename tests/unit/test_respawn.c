// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>

#include "respawn.h"

/* A model of the world beside the table: is there a process, is it wanted, is a timer set. */
struct world {
	enum respawn_state state;
	bool process, wanted, told, timer;
};

static bool has_process(enum respawn_state s)
{
	return s == RESPAWN_RUNNING || s == RESPAWN_STOPPING || s == RESPAWN_RESTARTING;
}

static void apply(struct world *w, enum respawn_event e)
{
	struct respawn_step step = respawn_next(w->state, e);

	if (e == RESPAWN_EXIT)
		w->process = w->told = false;
	if (e == RESPAWN_TIMER)
		w->timer = false;
	if (e == RESPAWN_WANT)
		w->wanted = true;
	if (e == RESPAWN_UNWANT)
		w->wanted = false;
	switch (step.action) {
	case RESPAWN_SPAWN:
		assert_false(w->process); /* never two */
		assert_true(w->wanted);
		w->process = true;
		w->timer = false;
		break;
	case RESPAWN_TERM:
		assert_true(w->process && !w->told);
		w->told = w->timer = true;
		break;
	case RESPAWN_KILL:
		assert_true(w->process && w->told);
		w->timer = true;
		break;
	case RESPAWN_ARM:
		w->timer = true;
		break;
	case RESPAWN_DISARM:
		w->timer = false;
		break;
	default:
		break;
	}
	w->state = step.next;
	assert_int_equal(has_process(w->state), w->process);
	/* Nothing waits for ever: what is wanted runs or a timer will start it, what is told to end
	 * is killed by a timer. */
	if (w->wanted && !w->process)
		assert_true(w->timer);
	if (w->told)
		assert_true(w->timer);
	if (!w->wanted && w->process)
		assert_true(w->told);
}

/* Every sequence of seven events, those that cannot happen left out. */
static void walk(struct world w, int depth)
{
	int e;

	if (depth == 0)
		return;
	for (e = 0; e < RESPAWN_EVENTS; e++) {
		struct world next = w;

		if ((e == RESPAWN_EXIT && !w.process) || (e == RESPAWN_TIMER && !w.timer))
			continue;
		apply(&next, (enum respawn_event)e);
		walk(next, depth - 1);
	}
}

static void test_all_sequences(void **state)
{
	(void)state;
	walk((struct world){ .state = RESPAWN_IDLE }, 7);
}

static void test_total(void **state)
{
	int s, e;

	(void)state;
	for (s = 0; s < RESPAWN_STATES; s++) {
		for (e = 0; e < RESPAWN_EVENTS; e++) {
			struct respawn_step step =
				respawn_next((enum respawn_state)s, (enum respawn_event)e);

			assert_true(step.next < RESPAWN_STATES);
			assert_true(step.action < RESPAWN_ACTIONS);
		}
	}
}

static void test_backoff(void **state)
{
	static const uint32_t want[] = { 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	uint32_t runs = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(respawn_backoff_ms(&runs, 10), want[i]);
	assert_int_equal(respawn_backoff_ms(&runs, 60000), 500);
	assert_int_equal(respawn_backoff_ms(&runs, 59999), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_all_sequences),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
