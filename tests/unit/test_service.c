// SPDX-License-Identifier: Apache-2.0
/* Every state with every event, and what must hold whatever the table says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "service.h"

/* One row a state, one column an event; "." keeps the state and does nothing. */
static const char *const expected[SERVICE_STATES][SERVICE_EVENTS] = {
	/* start, stop, restart, skip, needs-up, ready, exit-done, exit-again, exit-final, timeout,
	   watchdog */
	{ "waiting", ".", "waiting", "skipped", ".", ".", ".", ".", ".", ".", "." },
	{ ".", "down", ".", "skipped", "starting spawn", ".", ".", ".", ".", ".", "." },
	{ ".", "stopping term", "restarting term", ".", ".", "up", "done clean", "backoff clean",
	  "failed clean", "hung kill", "hung kill" },
	{ ".", "stopping term", "restarting term", ".", ".", ".", "done clean", "backoff clean",
	  "failed clean", ".", "hung kill" },
	{ ".", "down clean", "waiting clean", ".", ".", ".", ".", ".", ".", ".", "." },
	{ "waiting", "down clean", "waiting", ".", ".", ".", ".", ".", ".", "waiting", "." },
	{ "restarting", ".", "restarting", ".", ".", ".", "down clean", "down clean", "down clean",
	  "killing kill", "." },
	{ "restarting", ".", "restarting", ".", ".", ".", "down clean", "down clean", "down clean",
	  "failed abandon", "." },
	{ ".", "stopping", ".", ".", ".", ".", "waiting clean", "waiting clean", "waiting clean",
	  "restarting kill", "." },
	{ ".", "killing kill", "restarting", ".", ".", ".", "failed clean", "backoff clean",
	  "failed clean", "hung kill", "." },
	{ "waiting", "down clean", "waiting", ".", ".", ".", "failed clean", "failed clean",
	  "failed clean", ".", "." },
	{ ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "." },
};

static const char *const action_names[SERVICE_ACTIONS] = {
	"", " spawn", " term", " kill", " clean", " abandon",
};

static void test_every_pair(void **state)
{
	unsigned int s, e;

	(void)state;
	for (s = 0; s < SERVICE_STATES; s++) {
		for (e = 0; e < SERVICE_EVENTS; e++) {
			struct service_step step =
				service_step((enum service_state)s, (enum service_event)e);
			char got[64];

			if (step.next == s && step.action == SERVICE_DO_NOTHING)
				strcpy(got, ".");
			else
				(void)snprintf(got, sizeof(got), "%s%s",
					       service_state_name(step.next),
					       action_names[step.action]);
			if (strcmp(got, expected[s][e]) != 0)
				fail_msg("%s x %s: %s, expected %s", service_state_name(s),
					 service_event_name(e), got, expected[s][e]);
		}
	}
}

static void test_outside_the_table(void **state)
{
	struct service_step step = service_step(SERVICE_UP, SERVICE_EVENTS);

	(void)state;
	assert_int_equal(step.next, SERVICE_UP);
	assert_int_equal(step.action, SERVICE_DO_NOTHING);
	assert_string_equal(service_state_name(SERVICE_STATES), "?");
	assert_string_equal(service_event_name(SERVICE_EVENTS), "?");
}

static int is_exit(unsigned int e)
{
	return e >= SERVICE_EV_EXIT_DONE && e <= SERVICE_EV_EXIT_FINAL;
}

/* A second process is never started beside a first; a process is never forgotten. */
static void test_one_process(void **state)
{
	unsigned int s, e;

	(void)state;
	for (s = 0; s < SERVICE_STATES; s++) {
		for (e = 0; e < SERVICE_EVENTS; e++) {
			struct service_step step =
				service_step((enum service_state)s, (enum service_event)e);

			if (step.action == SERVICE_DO_SPAWN) {
				assert_int_equal(s, SERVICE_WAITING);
				assert_int_equal(e, SERVICE_EV_NEEDS_UP);
			}
			if (!service_has_process(s) && service_has_process(step.next))
				assert_int_equal(step.action, SERVICE_DO_SPAWN);
			if (service_has_process(s) && !service_has_process(step.next))
				assert_true(is_exit(e) || step.action == SERVICE_DO_ABANDON);
			if (service_has_process(s) && is_exit(e))
				assert_int_equal(step.action, SERVICE_DO_CLEAN);
		}
	}
}

/* Whatever a service does, a stop ends within two timeouts, even if nothing kills it. */
static void test_stop_always_ends(void **state)
{
	unsigned int s;

	(void)state;
	for (s = 0; s < SERVICE_STATES; s++) {
		struct service_step step = service_step((enum service_state)s, SERVICE_EV_STOP);
		int timeouts;

		for (timeouts = 0; timeouts < 2 && service_has_process(step.next); timeouts++)
			step = service_step(step.next, SERVICE_EV_TIMEOUT);
		assert_false(service_has_process(step.next));
		assert_true(service_settled(step.next, 0));
	}
}

/* Each state with a process has a timer or an event that cannot fail to come. */
static void test_no_state_hangs(void **state)
{
	struct service_conf conf = {
		.start_timeout_ms = 1, .stop_timeout_ms = 2, .backoff_ms = 3, .max_backoff_ms = 3
	};
	unsigned int s;

	(void)state;
	for (s = 0; s < SERVICE_STATES; s++) {
		struct service_step step = service_step((enum service_state)s, SERVICE_EV_TIMEOUT);
		int reacts = step.next != s || step.action != SERVICE_DO_NOTHING;

		assert_int_equal(service_timer_ms(&conf, s, 1) != 0, reacts);
	}
}

static void test_exit_policy(void **state)
{
	/* wait status of exit 0, exit 1, SIGKILL */
	static const int status[3] = { 0, 1 << 8, 9 };
	static const enum service_event D = SERVICE_EV_EXIT_DONE, A = SERVICE_EV_EXIT_AGAIN,
					F = SERVICE_EV_EXIT_FINAL;
	const enum service_event want[3][3][3] = {
		/* simple: always, on-failure, no */
		{ { A, A, A }, { D, A, A }, { D, F, F } },
		/* oneshot */
		{ { D, A, A }, { D, A, A }, { D, F, F } },
		/* notify */
		{ { A, A, A }, { D, A, A }, { D, F, F } },
	};
	unsigned int t, r, i;

	(void)state;
	for (t = 0; t < 3; t++)
		for (r = 0; r < 3; r++)
			for (i = 0; i < 3; i++) {
				struct service_conf conf = { .type = t, .restart = r };

				assert_int_equal(service_exit_event(&conf, status[i]),
						 want[t][r][i]);
			}
}

static void test_backoff(void **state)
{
	struct service_conf conf = { .backoff_ms = 500,
				     .max_backoff_ms = 30000,
				     .reset_ms = 60000 };
	static const uint32_t want[] = { 500, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(service_timer_ms(&conf, SERVICE_BACKOFF, i), want[i]);
	assert_int_equal(service_timer_ms(&conf, SERVICE_BACKOFF, UINT32_MAX), 30000);
	assert_int_equal(service_failures_next(&conf, 0, 10), 1);
	assert_int_equal(service_failures_next(&conf, 7, 59999), 8);
	assert_int_equal(service_failures_next(&conf, 7, 60000), 1);
	assert_int_equal(service_failures_next(&conf, UINT32_MAX, 0), UINT32_MAX);
}

static void test_who_waits(void **state)
{
	unsigned int s;

	(void)state;
	for (s = 0; s < SERVICE_STATES; s++) {
		/* What satisfies a need satisfies an order, and a crasher blocks nobody. */
		if (service_satisfies_need(s))
			assert_true(service_settled(s, 0));
		assert_true(service_settled(s, SERVICE_FAILING_FROM));
	}
	assert_false(service_satisfies_need(SERVICE_BACKOFF));
	assert_false(service_settled(SERVICE_BACKOFF, 1));
}

static unsigned int feed(struct service_notify *n, const char *text)
{
	return service_notify_feed(n, (const uint8_t *)text, strlen(text));
}

static void test_notify(void **state)
{
	struct service_notify n = { 0 };
	char flood[300];

	(void)state;
	assert_int_equal(feed(&n, "READY=1\n"), SERVICE_NOTIFY_READY);
	assert_int_equal(feed(&n, "WATCHDOG=1\nREADY=1\n"),
			 SERVICE_NOTIFY_READY | SERVICE_NOTIFY_WATCHDOG);
	assert_int_equal(feed(&n, "REA"), 0);
	assert_int_equal(feed(&n, "DY=1"), 0);
	assert_int_equal(feed(&n, "\n"), SERVICE_NOTIFY_READY);
	assert_int_equal(feed(&n, "READY=0\nREADY=11\n\nXREADY=1\n"), 0);
	memset(flood, 'x', sizeof(flood) - 1);
	flood[sizeof(flood) - 1] = '\0';
	assert_int_equal(feed(&n, flood), 0);
	assert_int_equal(feed(&n, "READY=1\nWATCHDOG=1\n"), SERVICE_NOTIFY_WATCHDOG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),     cmocka_unit_test(test_outside_the_table),
		cmocka_unit_test(test_one_process),    cmocka_unit_test(test_stop_always_ends),
		cmocka_unit_test(test_no_state_hangs), cmocka_unit_test(test_exit_policy),
		cmocka_unit_test(test_backoff),	       cmocka_unit_test(test_who_waits),
		cmocka_unit_test(test_notify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
