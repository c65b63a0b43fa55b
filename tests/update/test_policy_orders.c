// SPDX-License-Identifier: Apache-2.0
/* When the main part of service update acts: the window, and what an operator orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "rig.h"

static void test_window_and_reboot_ordered(void **state)
{
	const struct channel c = rig_offer(1, 5), newer = rig_offer(2, 6);
	const struct update_request q = { .op = UPDATE_OP_ACTIVATE };
	char why[UPDATELOG_WHY_SIZE] = "";

	(void)state;
	rig_up();
	rig.u.conf.has_window = true;
	rig.u.conf.window_from = 60;
	rig.u.conf.window_to = 120;
	rig_set_time(true, RIG_BUILD + RIG_DAY); /* midnight */
	rig_look(&c);
	rig_state_is(UPDATEPLAN_WAITING);
	assert_int_equal((rig.u.timer_ms - rig.clock_ms) / 1000, 3600);
	rig_set_time(true, RIG_BUILD + RIG_DAY + 3600);
	rig.clock_ms = rig.u.timer_ms;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_serve_by(&c, 4);
	(void)rig_ordered(WRITER_INSTALL);
	/* The window shuts meanwhile: the restart waits for the next one. */
	rig_set_time(true, RIG_BUILD + RIG_DAY + 7200);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_state_is(UPDATEPLAN_WRITTEN);
	rig_no_order();
	rig_set_time(true, RIG_BUILD + 2 * RIG_DAY + 3600);
	rig.u.conf.reboot_auto = false;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_no_order();
	/* What is written stays while nothing newer comes, and whatever the network does. */
	rig_look(&c);
	rig_state_is(UPDATEPLAN_WRITTEN);
	{
		const struct update_request check = { .op = UPDATE_OP_CHECK };

		assert_int_equal(policy_order(&rig.u, &check, -1, why), 0);
		(void)rig_config_wanted();
		(void)rig_read_wanted(SOURCE_TRUST, NULL, 0, -ECONNREFUSED);
		rig_state_is(UPDATEPLAN_WRITTEN);
		assert_int_equal(rig.u.job.release, 5);
	}
	rig_look(&newer);
	assert_int_equal(rig_ordered(WRITER_INSTALL).release, 6);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	(void)rig_ordered(WRITER_ACTIVATE);
}

static void test_pause(void **state)
{
	const struct channel c = rig_offer(1, 5);
	struct update_request q = { .op = UPDATE_OP_PAUSE };
	char why[UPDATELOG_WHY_SIZE] = "";

	(void)state;
	rig_up();
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	rig_state_is(UPDATEPLAN_ABORTING);
	(void)rig_ordered(WRITER_ABORT);
	rig_report(WRITER_INSTALL, -ECANCELED, WRITER_CAUSE_ABORTED, &rig_boot_a);
	rig_state_is(UPDATEPLAN_IDLE);
	assert_int_equal(rig.u.timer_ms, 0);
	/* Over a restart too, until it is taken back. */
	rig_up();
	rig.clock_ms += 10000000;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_state_is(UPDATEPLAN_IDLE);
	/* Not from a stick either. */
	policy_stick(&rig.u, &(struct stick_found){ .version = STICK_VERSION,
						    .kind = SOURCE_FOLDER,
						    .url = "file:///run/cairn/media/stick/cairn" });
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_state_is(UPDATEPLAN_IDLE);
	q.op = UPDATE_OP_RESUME;
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_state_is(UPDATEPLAN_CHECKING);
	assert_string_equal(rig.u.job.config.url, "file:///run/cairn/media/stick/cairn");
	rig_serve_by(&c, 4);
	assert_int_equal(rig_last()->source, UPDATELOG_STICK);
	(void)rig_ordered(WRITER_INSTALL);
}

static void test_rollback(void **state)
{
	const struct channel c = rig_offer(2, 5);
	const struct update_request q = { .op = UPDATE_OP_ROLLBACK };
	struct writer_bootstate b = rig_boot_a;
	char why[UPDATELOG_WHY_SIZE] = "";

	(void)state;
	b.booted = b.primary = WRITER_SLOT_B;
	rig_activated();
	rig_trial_of_5(2);
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
	rig_report(WRITER_MARK_GOOD, 0, 0, &b);
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	(void)rig_ordered(WRITER_ROLLBACK);
	rig_report(WRITER_ROLLBACK, 0, 0, &b);
	assert_int_equal(rig.reboots, 1);
	/* The channel does not bring it back. */
	assert_int_equal(rig_forget_switch(), 0);
	rig_up();
	assert_int_equal(rig_last()->outcome, UPDATELOG_ROLLED_BACK);
	rig_look(&c);
	rig_no_order();
	/* Not where there is nothing to go to. */
	rig.u.boot.good[1] = false;
	assert_int_equal(policy_order(&rig.u, &q, -1, why), -ENOENT);
	assert_string_equal(why, "the other slot is not good");
}

static void test_orders_out_of_place(void **state)
{
	const struct channel c = rig_offer(1, 5);
	char why[UPDATELOG_WHY_SIZE];
	unsigned int op;

	(void)state;
	rig_up();
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	for (op = UPDATE_OP_CHECK; op < UPDATE_OPS; op++) {
		struct update_request q = { .op = op, .text = "http://a/b.cairn" };

		if (op == UPDATE_OP_PAUSE || op == UPDATE_OP_RESUME || op == UPDATE_OP_STOP)
			continue;
		why[0] = '\0';
		assert_true(policy_order(&rig.u, &q, -1, why) < 0);
		assert_int_not_equal(why[0], '\0');
		rig_state_is(UPDATEPLAN_FULL);
		rig_no_order();
	}
	assert_int_equal(rig.reboots, 0);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	rig_state_is(UPDATEPLAN_WRITTEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_window_and_reboot_ordered, rig_setup),
		cmocka_unit_test_setup(test_pause, rig_setup),
		cmocka_unit_test_setup(test_rollback, rig_setup),
		cmocka_unit_test_setup(test_orders_out_of_place, rig_setup),
	};

	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
