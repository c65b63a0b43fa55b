// SPDX-License-Identifier: Apache-2.0
/* Every state with every event, what must hold whatever the table says, and the small decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "updateplan.h"

/*
 * One text a state: `event:next/action`. An event that is not named keeps the state and does
 * nothing, and an order that is not named is refused.
 */
#define REST                                                                                       \
	"healthy:marking/mark-good tick:checking/check check:checking/check "                      \
	"install:checking/check-given rollback:rolling/rollback mark-bad:condemn/mark-bad "        \
	"reset:rebooting/reset"
static const char *const expected[UPDATEPLAN_STATES] = {
	[UPDATEPLAN_START] = "boot-good:settle/watch boot-trial:trial/watch "
			     "fell-back:fallback/record-fallback switched:rebooting/reboot "
			     "broken:blind/retry "
			     "refused:blind/retry",
	[UPDATEPLAN_BLIND] = "tick:start/ask check:start/ask reset:rebooting/reset",
	[UPDATEPLAN_FALLBACK] = "boot-good:settle/watch boot-trial:trial/watch "
				"fell-back:blind/retry switched:blind/retry "
				"broken:blind/retry refused:blind/retry",
	[UPDATEPLAN_TRIAL] = "healthy:marking/mark-good sick:rebooting/reboot "
			     "sick-last:condemn/mark-bad sick-alone:idle/rest "
			     "rollback:condemn/mark-bad mark-bad:condemn/mark-bad",
	[UPDATEPLAN_CONDEMN] = "done:rebooting/reboot broken:rebooting/reboot refused:idle/retry",
	[UPDATEPLAN_SETTLE] = "healthy:marking/mark-good sick:idle/rest sick-last:idle/rest "
			      "sick-alone:idle/rest check:checking/check "
			      "install:checking/check-given rollback:rolling/rollback "
			      "mark-bad:condemn/mark-bad reset:rebooting/reset",
	[UPDATEPLAN_MARKING] = "done:idle/rest-good broken:blind/retry refused:blind/retry",
	[UPDATEPLAN_IDLE] = REST,
	[UPDATEPLAN_BACKOFF] = REST,
	[UPDATEPLAN_CHECKING] = "nothing:idle/rest keep:written/hold later:waiting/hold "
				"use-delta:delta/install-delta use-full:full/install-full "
				"unreachable:backoff/retry refused:backoff/remember "
				"stop:idle/abort",
	[UPDATEPLAN_WAITING] = REST " stop:idle/rest",
	[UPDATEPLAN_DELTA] = "done:written/note-written no-source:backoff/retry "
			     "broken:backoff/retry aborted:idle/rest stop:aborting/abort "
			     "no-delta:full/install-full refused:full/install-full",
	[UPDATEPLAN_FULL] = "done:written/note-written no-source:backoff/retry "
			    "broken:backoff/retry aborted:idle/rest stop:aborting/abort "
			    "no-delta:backoff/remember refused:backoff/remember",
	[UPDATEPLAN_ABORTING] = "done:idle/rest no-source:idle/rest no-delta:idle/rest "
				"refused:idle/rest broken:idle/rest aborted:idle/rest",
	[UPDATEPLAN_WRITTEN] = "try:activating/activate activate:activating/activate "
			       "tick:checking/check check:checking/check "
			       "install:checking/check-given reset:rebooting/reset",
	[UPDATEPLAN_ACTIVATING] = "done:rebooting/reboot broken:backoff/retry "
				  "refused:backoff/retry",
	[UPDATEPLAN_ROLLING] = "done:rebooting/reboot broken:backoff/retry refused:backoff/retry",
	[UPDATEPLAN_REBOOTING] = "tick:rebooting/reboot",
};

/* look_up - what `expected` says of a pair. */
static void look_up(unsigned int s, unsigned int e, char ret[static 64])
{
	const char *name = updateplan_event_name((enum updateplan_event)e), *p = expected[s];
	size_t len = strlen(name);

	(void)snprintf(ret, 64, "%s/%s", updateplan_state_name((enum updateplan_state)s),
		       e >= UPDATEPLAN_EV_CHECK ? "refuse" : "nothing");
	while (*p) {
		size_t word = strcspn(p, " ");

		if (strncmp(p, name, len) == 0 && p[len] == ':') {
			(void)snprintf(ret, 64, "%.*s", (int)(word - len - 1), p + len + 1);
			return;
		}
		p += word;
		p += strspn(p, " ");
	}
}

static void test_every_pair(void **state)
{
	unsigned int s, e, named = 0, set = 0;
	const char *p;

	(void)state;
	for (s = 0; s < UPDATEPLAN_STATES; s++) {
		for (p = expected[s]; (p = strchr(p, ':')); p++)
			named++;
		for (e = 0; e < UPDATEPLAN_EVENTS; e++) {
			struct updateplan_step step =
				updateplan_next((enum updateplan_state)s, (enum updateplan_event)e);
			char got[64], want[64];

			(void)snprintf(got, sizeof(got), "%s/%s", updateplan_state_name(step.next),
				       updateplan_action_name(step.action));
			look_up(s, e, want);
			if (strcmp(got, want) != 0)
				fail_msg("%s x %s: %s, expected %s",
					 updateplan_state_name((enum updateplan_state)s),
					 updateplan_event_name((enum updateplan_event)e), got,
					 want);
			set += step.action != UPDATEPLAN_DO_NOTHING &&
			       step.action != UPDATEPLAN_DO_REFUSE;
		}
	}
	/* No name above is misspelt: each was found. */
	assert_int_equal(named, set);
}

static void test_out_of_range(void **state)
{
	struct updateplan_step step;

	(void)state;
	step = updateplan_next((enum updateplan_state)99, UPDATEPLAN_EV_TICK);
	assert_int_equal(step.action, UPDATEPLAN_DO_NOTHING);
	step = updateplan_next(UPDATEPLAN_IDLE, (enum updateplan_event)99);
	assert_int_equal(step.next, UPDATEPLAN_IDLE);
	assert_int_equal(step.action, UPDATEPLAN_DO_NOTHING);
}

/* What must hold for any table. */
static void test_invariants(void **state)
{
	unsigned int s, e;

	(void)state;
	for (s = 0; s < UPDATEPLAN_STATES; s++) {
		bool leaves_on_answer = false, leaves_on_tick = false;

		for (e = 0; e < UPDATEPLAN_EVENTS; e++) {
			struct updateplan_step x =
				updateplan_next((enum updateplan_state)s, (enum updateplan_event)e);

			/* Good is only what was healthy. */
			if (x.action == UPDATEPLAN_DO_MARK_GOOD)
				assert_int_equal(e, UPDATEPLAN_EV_HEALTHY);
			/* Tried is only what was read back. */
			if (x.action == UPDATEPLAN_DO_ACTIVATE)
				assert_int_equal(s, UPDATEPLAN_WRITTEN);
			if (x.next == UPDATEPLAN_WRITTEN && s != UPDATEPLAN_WRITTEN)
				assert_true(e == UPDATEPLAN_EV_DONE || e == UPDATEPLAN_EV_KEEP);
			/* A slot is written only where the boot state is known and the booted
			 * one is not on trial. */
			if (x.action == UPDATEPLAN_DO_INSTALL_DELTA ||
			    x.action == UPDATEPLAN_DO_INSTALL_FULL)
				assert_true(s == UPDATEPLAN_CHECKING || s == UPDATEPLAN_DELTA);
			if (x.next == UPDATEPLAN_CHECKING)
				assert_true(s == UPDATEPLAN_SETTLE || s == UPDATEPLAN_IDLE ||
					    s == UPDATEPLAN_BACKOFF || s == UPDATEPLAN_WAITING ||
					    s == UPDATEPLAN_WRITTEN || s == UPDATEPLAN_CHECKING);
			/* The writer has one order at a time. */
			if (s == UPDATEPLAN_DELTA || s == UPDATEPLAN_FULL ||
			    s == UPDATEPLAN_ABORTING || s == UPDATEPLAN_MARKING ||
			    s == UPDATEPLAN_ACTIVATING || s == UPDATEPLAN_ROLLING ||
			    s == UPDATEPLAN_CONDEMN || s == UPDATEPLAN_FALLBACK) {
				leaves_on_answer |= e == UPDATEPLAN_EV_BROKEN && x.next != s;
				if (x.next != s)
					assert_true(e >= UPDATEPLAN_EV_DONE ||
						    e <= UPDATEPLAN_EV_SWITCHED);
			} else {
				leaves_on_answer = true;
			}
			leaves_on_tick |= e == UPDATEPLAN_EV_TICK && x.action;
		}
		/* Nothing waits for ever: for the writer, for the time, or for health. */
		assert_true(leaves_on_answer);
		if (s == UPDATEPLAN_IDLE || s == UPDATEPLAN_BACKOFF || s == UPDATEPLAN_WAITING ||
		    s == UPDATEPLAN_WRITTEN || s == UPDATEPLAN_BLIND || s == UPDATEPLAN_REBOOTING)
			assert_true(leaves_on_tick);
	}
}

/* Every state can be reached from START, and IDLE from every state but REBOOTING. */
static void test_reachable(void **state)
{
	bool reach[UPDATEPLAN_STATES][UPDATEPLAN_STATES] = { { false } };
	unsigned int i, j, k, e;

	(void)state;
	for (i = 0; i < UPDATEPLAN_STATES; i++)
		for (e = 0; e < UPDATEPLAN_EVENTS; e++)
			reach[i][updateplan_next((enum updateplan_state)i, (enum updateplan_event)e)
					 .next] = true;
	for (k = 0; k < UPDATEPLAN_STATES; k++)
		for (i = 0; i < UPDATEPLAN_STATES; i++)
			for (j = 0; j < UPDATEPLAN_STATES; j++)
				reach[i][j] |= reach[i][k] && reach[k][j];
	for (i = 0; i < UPDATEPLAN_STATES; i++) {
		if (!reach[UPDATEPLAN_START][i])
			fail_msg("%s is never reached", updateplan_state_name(i));
		if (i != UPDATEPLAN_REBOOTING && !reach[i][UPDATEPLAN_IDLE])
			fail_msg("no way from %s to idle", updateplan_state_name(i));
	}
}

static void test_boot(void **state)
{
	unsigned int known, booted, primary, good, tries;

	(void)state;
	for (known = 0; known < 2; known++)
		for (booted = 0; booted < 3; booted++)
			for (primary = 0; primary < 3; primary++)
				for (good = 0; good < 4; good++)
					for (tries = 0; tries < 16; tries++) {
						struct updateplan_boot b = {
							.known = known,
							.booted = booted,
							.primary = primary,
							.good = { good & 1, good & 2 },
							.tries = { tries & 3, tries >> 2 },
						};
						enum updateplan_event want, sick;

						want = !known || booted == 2 || primary == 2
							       ? UPDATEPLAN_EV_BROKEN
						       : booted != primary ? UPDATEPLAN_EV_FELL_BACK
						       : good & 1u << booted
							       ? UPDATEPLAN_EV_BOOT_GOOD
							       : UPDATEPLAN_EV_BOOT_TRIAL;
						assert_int_equal(updateplan_boot_event(&b), want);
						b.switched = true;
						if (want == UPDATEPLAN_EV_FELL_BACK)
							want = UPDATEPLAN_EV_SWITCHED;
						assert_int_equal(updateplan_boot_event(&b), want);
						sick = !known || booted == 2 ||
								       !(good & 1u << !booted)
							       ? UPDATEPLAN_EV_SICK_ALONE
						       : (tries >> 2 * booted & 3)
							       ? UPDATEPLAN_EV_SICK
							       : UPDATEPLAN_EV_SICK_LAST;
						assert_int_equal(updateplan_sick_event(&b), sick);
					}
}

static void test_offer(void **state)
{
	const struct updateplan_offer base = {
		.release = 5,
		.full_bytes = 1000,
		.delta_bytes = 100,
		.booted_release = 4,
		.window_open = true,
	};
	struct updateplan_offer o = base;

	(void)state;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_DELTA);
	o.delta_bytes = 0;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_FULL);
	o.delta_bytes = 1000; /* no cheaper */
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_FULL);
	o = base;
	o.no_delta = true;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_FULL);
	o = base;
	o.window_open = false;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_LATER);
	o.given = true;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_DELTA);
	o = base;
	o.refused = true;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_NOTHING);
	o.written_release = 4;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_KEEP);
	o = base;
	o.booted_release = 5;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_NOTHING);
	o.booted_release = 6;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_NOTHING);
	o.given = true; /* the writer has the last word on older releases */
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_DELTA);
	o = base;
	o.written_release = 5;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_KEEP);
	o.release = 6;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_USE_DELTA);
	o.window_open = false;
	assert_int_equal(updateplan_offer_event(&o), UPDATEPLAN_EV_LATER);
}

/* A fleet of machines spreads over the whole of its room, and stays in it. */
static void test_jitter(void **state)
{
	struct updateconf c;
	uint32_t least = UINT32_MAX, most = 0, seen[11] = { 0 };
	unsigned int i;

	(void)state;
	updateconf_defaults(&c);
	c.poll_s = 1000;
	for (i = 0; i < 1000; i++) {
		uint8_t seed[SHA256_SIZE] = { (uint8_t)i, (uint8_t)(i >> 8) };
		uint32_t v = updateplan_poll_s(&c, seed, 7);

		assert_in_range(v, 800, 1200);
		assert_int_equal(v, updateplan_poll_s(&c, seed, 7));
		least = v < least ? v : least;
		most = v > most ? v : most;
		seen[(v - 800) / 40]++;
		assert_in_range(updateplan_first_s(&c, seed, 1), 0, 200);
		c.poll_s = 1000000;
		assert_in_range(updateplan_first_s(&c, seed, 1), 0, 300);
		c.poll_s = 1000;
	}
	assert_true(least < 810 && most > 1190);
	for (i = 0; i < 10; i++)
		assert_in_range(seen[i], 50, 150);
	c.jitter_pct = 0;
	assert_int_equal(updateplan_poll_s(&c, (uint8_t[SHA256_SIZE]){ 1 }, 1), 1000);
	assert_int_equal(updateplan_first_s(&c, (uint8_t[SHA256_SIZE]){ 1 }, 1), 0);
	/* One machine does not stay where it once was. */
	c.jitter_pct = 20;
	assert_int_not_equal(updateplan_poll_s(&c, (uint8_t[SHA256_SIZE]){ 1 }, 1),
			     updateplan_poll_s(&c, (uint8_t[SHA256_SIZE]){ 1 }, 2));
}

static void test_backoff(void **state)
{
	const uint8_t seed[SHA256_SIZE] = { 9 };
	struct updateconf c;
	uint32_t last = 0;
	unsigned int i;

	(void)state;
	updateconf_defaults(&c);
	c.jitter_pct = 0;
	assert_int_equal(updateplan_backoff_s(&c, seed, 0, 1), 30);
	assert_int_equal(updateplan_backoff_s(&c, seed, 0, 2), 60);
	assert_int_equal(updateplan_backoff_s(&c, seed, 0, 7), 1920);
	assert_int_equal(updateplan_backoff_s(&c, seed, 0, 8), 3600);
	for (i = 1; i < 100; i++) {
		uint32_t v = updateplan_backoff_s(&c, seed, 0, i);

		assert_true(v >= last && v <= c.poll_s);
		last = v;
	}
	c.poll_s = 2592000;
	assert_int_equal(updateplan_backoff_s(&c, seed, 0, UINT32_MAX), 21600);
	c.poll_s = 10;
	assert_int_equal(updateplan_backoff_s(&c, seed, 0, 1), 10);
}

static void test_window(void **state)
{
	struct updateconf c;
	int64_t t;

	(void)state;
	updateconf_defaults(&c);
	assert_int_equal(updateplan_window_s(&c, 1234567), 0);
	c.has_window = true;
	c.window_from = 60;
	c.window_to = 120;
	assert_int_equal(updateplan_window_s(&c, 0), 3600);
	assert_int_equal(updateplan_window_s(&c, 3599), 1);
	assert_int_equal(updateplan_window_s(&c, 3600), 0);
	assert_int_equal(updateplan_window_s(&c, 7199), 0);
	assert_int_equal(updateplan_window_s(&c, 7200), 86400 - 3600);
	c.window_from = 23 * 60;
	c.window_to = 60;
	assert_int_equal(updateplan_window_s(&c, 86400 + 1800), 0);
	assert_int_equal(updateplan_window_s(&c, 86400 + 3600), 22 * 3600);
	/* Whatever the clock says, waiting that long finds it open. */
	for (t = -200000; t < 200000; t += 97)
		assert_int_equal(updateplan_window_s(&c, t + updateplan_window_s(&c, t)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair), cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_invariants), cmocka_unit_test(test_reachable),
		cmocka_unit_test(test_boot),	   cmocka_unit_test(test_offer),
		cmocka_unit_test(test_jitter),	   cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
