// SPDX-License-Identifier: Apache-2.0
/* What the main part of service update makes of a release: written, tried, kept or left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "rig.h"

static void test_full_update(void **state)
{
	const struct channel c = rig_offer(1, 5);
	struct writer_order o;

	(void)state;
	rig_up();
	/* The first poll comes by itself. */
	rig.clock_ms += 3700000;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_state_is(UPDATEPLAN_CHECKING);
	rig_serve_by(&c, 4);
	rig_state_is(UPDATEPLAN_FULL);
	o = rig_ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.full.manifest, SHA256_SIZE);
	assert_int_equal(o.release, 5);
	assert_int_equal(o.flags, 0);
	assert_int_equal(rig_last()->outcome, UPDATELOG_RUNNING);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	rig_state_is(UPDATEPLAN_WRITTEN);
	assert_int_equal(rig_last()->outcome, UPDATELOG_WRITTEN);
	assert_int_equal(policy_turn(&rig.u), 0);
	(void)rig_ordered(WRITER_ACTIVATE);
	/* In the history before the switch. */
	assert_int_equal(rig_last()->outcome, UPDATELOG_TRIAL);
	assert_int_equal(rig.reboots, 0);
	rig_report(WRITER_ACTIVATE, 0, 0, &rig_boot_a);
	assert_int_equal(rig.reboots, 1);
	rig_state_is(UPDATEPLAN_REBOOTING);
	/* init did not take it: again. */
	rig.clock_ms += 31000;
	assert_int_equal(policy_turn(&rig.u), 0);
	assert_int_equal(rig.reboots, 2);
}

/* Sealed before it is switched to; a TPM that is away holds the trial up, not for ever. */
static void test_sealed_before_trial(void **state)
{
	const struct channel c = rig_offer(1, 5);

	(void)state;
	rig_up();
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	assert_int_equal(rig.seals, 0);
	rig.seal_rc = -EIO;
	assert_int_equal(policy_turn(&rig.u), 0);
	assert_int_equal(rig.seals, 1);
	rig_no_order();
	rig_state_is(UPDATEPLAN_BACKOFF);
	assert_string_equal(rig.u.what, "seal");
	assert_int_equal(rig.u.written_release, 5);
	assert_int_equal(rig_last()->outcome, UPDATELOG_WRITTEN);
	/* The next look at the channel finds it written, and tries it. */
	rig.seal_rc = 0;
	rig_look(&c);
	rig_state_is(UPDATEPLAN_WRITTEN);
	assert_int_equal(policy_turn(&rig.u), 0);
	assert_int_equal(rig.seals, 2);
	(void)rig_ordered(WRITER_ACTIVATE);
}

/* Where DATA is shut there is no key to be sealed: an update may be what mends that. */
static void test_trial_with_data_shut(void **state)
{
	const struct channel c = rig_offer(1, 5);

	(void)state;
	rig_up();
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	rig.seal_rc = -EPERM;
	rig.data_shut = true;
	assert_int_equal(policy_turn(&rig.u), 0);
	(void)rig_ordered(WRITER_ACTIVATE);
}

/* The TPM hears of it after the boot state, and again until it has. */
static void test_good_is_sealed(void **state)
{
	(void)state;
	rig_activated();
	rig_trial_of_5(2);
	rig.goods = 0;
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
	assert_int_equal(rig.goods, 0);
	rig.seal_rc = -ETIMEDOUT;
	rig_report(WRITER_MARK_GOOD, 0, 0, &rig_boot_a);
	assert_int_equal(rig.goods, 1);
	rig_state_is(UPDATEPLAN_IDLE);
	rig.seal_rc = 0;
	rig.clock_ms += 500000;
	assert_int_equal(policy_turn(&rig.u), 0);
	assert_int_equal(rig.goods, 1);
	rig.clock_ms += 101000;
	assert_int_equal(policy_turn(&rig.u), 0);
	assert_int_equal(rig.goods, 2);
	rig.clock_ms += 601000;
	assert_int_equal(policy_turn(&rig.u), 0);
	assert_int_equal(rig.goods, 2);
}

static void test_trial_good(void **state)
{
	struct writer_bootstate b = rig_boot_a;

	(void)state;
	rig_activated();
	rig_trial_of_5(2);
	/* No poll, and nothing is written, while on trial. */
	rig.clock_ms += 100000;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_state_is(UPDATEPLAN_TRIAL);
	rig.u.own.floor = 3;
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
	assert_int_equal(rig_last()->outcome, UPDATELOG_TRIAL);
	b.booted = b.primary = WRITER_SLOT_B;
	rig_report(WRITER_MARK_GOOD, 0, 0, &b);
	assert_int_equal(rig_last()->outcome, UPDATELOG_GOOD);
	/* The floor rises with what is good, and survives. */
	rig_begin();
	assert_int_equal(rig.u.rec.version_floor, 3);
	assert_int_equal(rig_last()->outcome, UPDATELOG_GOOD);
}

static void test_mark_good_not_durable(void **state)
{
	(void)state;
	rig_activated();
	rig_trial_of_5(2);
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
	rig_report(WRITER_MARK_GOOD, -EIO, WRITER_CAUSE_STATE, &rig_boot_a);
	rig_state_is(UPDATEPLAN_BLIND);
	assert_false(rig.u.marked);
	assert_int_equal(rig_last()->outcome, UPDATELOG_TRIAL);
	/* What the disk says decides again. */
	rig.clock_ms += 61000;
	assert_int_equal(policy_turn(&rig.u), 0);
	(void)rig_ordered(WRITER_STATE);
}

static void test_trial_sick(void **state)
{
	const struct channel again = rig_offer(2, 5), newer = rig_offer(3, 6);

	(void)state;
	rig_activated();
	rig_trial_of_5(2);
	rig_sick("pump", "has not answered");
	assert_int_equal(rig.reboots, 1);
	rig_state_is(UPDATEPLAN_REBOOTING);
	rig_no_order();
	/* The last try: given up, durably, before the restart. */
	rig_trial_of_5(0);
	rig_sick("pump", "has not answered");
	assert_int_equal(rig_ordered(WRITER_MARK_BAD).slot, WRITER_SLOT_B);
	assert_int_equal(rig.reboots, 1);
	rig_report(WRITER_MARK_BAD, 0, 0, &rig_boot_a);
	assert_int_equal(rig.reboots, 2);
	/* The old release again: it knows, and takes it no more. */
	assert_int_equal(rig_forget_switch(), 0);
	rig_up();
	assert_int_equal(rig_last()->outcome, UPDATELOG_FELL_BACK);
	assert_string_equal(rig_last()->why, "pump: has not answered");
	rig_look(&again);
	rig_state_is(UPDATEPLAN_IDLE);
	rig_no_order();
	assert_string_equal(rig.u.what, "refused");
	/* A newer one is taken. */
	rig_look(&newer);
	(void)rig_ordered(WRITER_INSTALL);
}

static void test_trial_alone(void **state)
{
	struct writer_bootstate b = {
		.known = 1,
		.booted = WRITER_SLOT_A,
		.primary = WRITER_SLOT_A,
	};

	(void)state;
	rig_begin();
	(void)rig_ordered(WRITER_STATE);
	rig_report(WRITER_STATE, 0, 0, &b);
	rig_state_is(UPDATEPLAN_TRIAL);
	rig_sick("data", "is full");
	/* There is nowhere to go: it stays, can be updated, and may become healthy. */
	rig_state_is(UPDATEPLAN_IDLE);
	assert_int_equal(rig.reboots, 0);
	rig.clock_ms += 61000;
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
}

static void fell_back(uint64_t running)
{
	struct writer_bootstate b = rig_boot_a;

	b.primary = WRITER_SLOT_B;
	b.good[1] = b.tries[1] = 0;
	rig_begin();
	rig.u.own.release = running;
	(void)rig_ordered(WRITER_STATE);
	rig_report(WRITER_STATE, 0, 0, &b);
}

static void test_fallback(void **state)
{
	const struct channel c = rig_offer(2, 5);

	(void)state;
	rig_activated();
	/* Killed before the restart: what was switched is not taken for left. */
	fell_back(4);
	rig_state_is(UPDATEPLAN_REBOOTING);
	assert_int_equal(rig.reboots, 1);
	assert_int_equal(rig_last()->outcome, UPDATELOG_TRIAL);
	/* The next boot: GRUB left it. */
	assert_int_equal(rig_forget_switch(), 0);
	fell_back(4);
	rig_state_is(UPDATEPLAN_FALLBACK);
	(void)rig_ordered(WRITER_PRIMARY);
	assert_int_equal(rig_last()->outcome, UPDATELOG_FELL_BACK);
	assert_string_equal(rig_last()->why, "did not become healthy in its tries");
	rig_report(WRITER_PRIMARY, 0, 0, &rig_boot_a);
	rig_state_is(UPDATEPLAN_SETTLE);
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
	rig_report(WRITER_MARK_GOOD, 0, 0, &rig_boot_a);
	rig_look(&c);
	rig_no_order();
	/* The operator says otherwise. */
	{
		const struct update_request q = { .op = UPDATE_OP_FORGET, .number = 5 };
		char why[UPDATELOG_WHY_SIZE] = "";

		assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
		assert_int_equal(policy_order(&rig.u, &q, -1, why), -ENOENT);
	}
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
}

static void test_no_boot_state(void **state)
{
	const struct writer_bootstate none = { .known = 0 };

	(void)state;
	rig_begin();
	(void)rig_ordered(WRITER_STATE);
	rig_report(WRITER_STATE, -EIO, WRITER_CAUSE_STATE, &none);
	rig_state_is(UPDATEPLAN_BLIND);
	rig.clock_ms += 61000;
	assert_int_equal(policy_turn(&rig.u), 0);
	(void)rig_ordered(WRITER_STATE);
	rig_report(WRITER_STATE, 0, 0, &rig_boot_a);
	rig_state_is(UPDATEPLAN_SETTLE);
}

static void test_delta_and_fallback_to_full(void **state)
{
	struct channel c = rig_offer(1, 5);
	struct writer_order o;

	(void)state;
	rig_with_delta(&c);
	rig_up();
	rig_look(&c);
	rig_state_is(UPDATEPLAN_DELTA);
	o = rig_ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.delta[0].manifest, SHA256_SIZE);
	rig_report(WRITER_INSTALL, -ESTALE, WRITER_CAUSE_DELTA, &rig_boot_a);
	rig_state_is(UPDATEPLAN_FULL);
	o = rig_ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.full.manifest, SHA256_SIZE);
	rig_report(WRITER_INSTALL, -ECONNRESET, WRITER_CAUSE_SOURCE, &rig_boot_a);
	rig_state_is(UPDATEPLAN_BACKOFF);
	assert_int_equal(rig.u.failures, 1);
	/* Later, and without trying the delta again. */
	rig_look(&c);
	rig_state_is(UPDATEPLAN_FULL);
	o = rig_ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.full.manifest, SHA256_SIZE);
	/* Twice the channel offers what the server does not have: the network's fault. */
	rig_report(WRITER_INSTALL, -ENOENT, WRITER_CAUSE_SOURCE, &rig_boot_a);
	rig_state_is(UPDATEPLAN_BACKOFF);
	assert_int_equal(rig.u.rec.log.refuseds, 0);
	/* Another root: no delta fits. */
	c.release = 6;
	c.sequence = 2;
	c.delta[0].base[0] ^= 1;
	rig_look(&c);
	rig_state_is(UPDATEPLAN_FULL);
	(void)rig_ordered(WRITER_INSTALL);
}

static void test_delta_missing_or_damaged(void **state)
{
	static const struct {
		int rc;
		enum writer_cause cause;
	} ends[] = { { -ENOENT, WRITER_CAUSE_SOURCE }, { -EBADMSG, WRITER_CAUSE_BUNDLE } };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct channel c = rig_offer(1 + i, 5 + i);

		rig_with_delta(&c);
		rig_up();
		rig_look(&c);
		(void)rig_ordered(WRITER_INSTALL);
		rig_report(WRITER_INSTALL, ends[i].rc, ends[i].cause, &rig_boot_a);
		rig_state_is(UPDATEPLAN_FULL);
		(void)rig_ordered(WRITER_INSTALL);
		rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
		rig_state_is(UPDATEPLAN_WRITTEN);
	}
}

static void test_bundle_refused(void **state)
{
	struct channel c = rig_offer(1, 5);

	(void)state;
	rig_up();
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	rig_report(WRITER_INSTALL, -EKEYREJECTED, WRITER_CAUSE_BUNDLE, &rig_boot_a);
	rig_state_is(UPDATEPLAN_BACKOFF);
	assert_int_equal(rig_last()->outcome, UPDATELOG_REFUSED_IT);
	rig_look(&c);
	rig_no_order();
	/* Made anew under the same number: another manifest, which is taken. */
	c.sequence = 2;
	c.full.manifest[0] ^= 1;
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_full_update, rig_setup),
		cmocka_unit_test_setup(test_sealed_before_trial, rig_setup),
		cmocka_unit_test_setup(test_trial_with_data_shut, rig_setup),
		cmocka_unit_test_setup(test_good_is_sealed, rig_setup),
		cmocka_unit_test_setup(test_trial_good, rig_setup),
		cmocka_unit_test_setup(test_mark_good_not_durable, rig_setup),
		cmocka_unit_test_setup(test_trial_sick, rig_setup),
		cmocka_unit_test_setup(test_trial_alone, rig_setup),
		cmocka_unit_test_setup(test_fallback, rig_setup),
		cmocka_unit_test_setup(test_no_boot_state, rig_setup),
		cmocka_unit_test_setup(test_delta_and_fallback_to_full, rig_setup),
		cmocka_unit_test_setup(test_delta_missing_or_damaged, rig_setup),
		cmocka_unit_test_setup(test_bundle_refused, rig_setup),
	};

	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
