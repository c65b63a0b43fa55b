// SPDX-License-Identifier: Apache-2.0
/* Boots one after the other, by the table alone: a slot that can be loaded is always started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bootstates.h"

#define A BOOTSTATE_A
#define B BOOTSTATE_B

/* A machine with every state in its newest copy, every neighbour, everything that can fail. */
#define MACHINES (BOOTSTATES * 16 * 5)

static struct bootstate_machine machine_nr(unsigned int i)
{
	struct bootstate_machine m = { .loads_a = i & 1, .loads_b = i & 2, .esp = 1 };
	struct bootstate s = bootstates_nr(i / 16 % BOOTSTATES),
			 old = bootstates_nr((i / 16 * 7 + 3) % BOOTSTATES);
	unsigned int kind = i / 16 / BOOTSTATES;

	m.takes[0] = i & 4;
	m.takes[1] = i & 8;
	/* 0: S1 is newest; 1: S0; 2: only S0; 3: only S1; 4: none. */
	if (kind < 3)
		m.copy[0] = (struct bootstate_copy){ true, 1, kind ? s : old };
	if (kind < 2)
		m.copy[1] = (struct bootstate_copy){ true, kind ? 0 : 2, kind ? old : s };
	if (kind == 3)
		m.copy[1] = (struct bootstate_copy){ true, 1, s };
	return m;
}

static void again(struct bootstate_machine *m, const struct bootstate_boot *boot)
{
	m->copy[0] = boot->copy[0];
	m->copy[1] = boot->copy[1];
}

/* Whatever the state: a slot that can be loaded is started within a few boots, for ever; where
 * something can be written, `booted` is true; and what is not writable is not changed. */
static void test_every_machine_starts(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MACHINES; i++) {
		struct bootstate_machine m = machine_nr(i);
		unsigned int n, idle = 0;

		for (n = 0; n < 20; n++) {
			struct bootstate_boot boot = bootstate_next(&m);
			int newest = bootstate_newest(boot.copy), c;

			assert_true(boot.tried[0] != BOOTSTATE_NONE);
			assert_true(boot.tried[0] != boot.tried[1]);
			for (c = 0; c < 2; c++)
				if (!m.takes[c])
					assert_memory_equal(&boot.copy[c], &m.copy[c],
							    sizeof(m.copy[c]));
			if (m.takes[0] || m.takes[1])
				assert_true(newest >= 0);
			if (boot.started) {
				assert_true(boot.started == A ? m.loads_a : m.loads_b);
				if (m.takes[0] || m.takes[1])
					assert_int_equal(boot.copy[newest].state.booted,
							 boot.started);
				idle = 0;
			} else if (m.loads_a || m.loads_b) {
				assert_true(++idle <= 3);
			}
			again(&m, &boot);
		}
	}
}

/* Starts of one slot until GRUB leaves it, when whatever it starts hangs. */
static unsigned int count_until_left(struct bootstate_machine *m, enum bootstate_slot slot,
				     unsigned int max)
{
	unsigned int n;

	for (n = 0; n < max; n++) {
		struct bootstate_boot boot = bootstate_next(m);

		again(m, &boot);
		if (boot.started != slot)
			break;
	}
	return n;
}

/* From every state with something writable: two good slots that hang soon have three starts each,
 * in turn, and go on so for ever. */
static void test_good_slots_take_turns(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MACHINES; i++) {
		struct bootstate_machine m = machine_nr(i);
		enum bootstate_slot last[24];
		int newest = bootstate_newest(m.copy);
		unsigned int n;

		if (!m.loads_a || !m.loads_b || !(m.takes[0] || m.takes[1]))
			continue;
		if (newest >= 0 && (!m.copy[newest].state.a.good || !m.copy[newest].state.b.good))
			continue;
		for (n = 0; n < 24; n++) {
			struct bootstate_boot boot = bootstate_next(&m);

			last[n] = boot.started;
			again(&m, &boot);
			/* At most six of one at the beginning. */
			if (n >= 12)
				assert_int_equal(last[n], bootstate_other(last[n - 3]));
		}
	}
}

static struct bootstate_machine machine_with(struct bootstate s)
{
	struct bootstate_machine m = {
		{ { true, 0, s }, { true, 1, s } }, { true, true }, true, true, 1
	};

	return m;
}

static struct bootstate now(const struct bootstate_machine *m)
{
	int newest = bootstate_newest(m->copy);

	assert_true(newest >= 0);
	return m->copy[newest].state;
}

/* begin, activate, three starts that come to nothing, then the old slot and only the old slot,
 * from whichever slot and whatever was in the other one. */
static void test_trial_falls_back(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < BOOTSTATES; i++) {
		struct bootstate s = bootstates_nr(i);
		enum bootstate_slot old = s.booted, new = bootstate_other(old);
		struct bootstate_machine m;
		unsigned int n;

		assert_int_equal(bootstate_mark_good(&s, old), 0);
		assert_int_equal(bootstate_begin(&s, new), 0);
		/* Cut while the slot is written: never that slot, however often. */
		m = machine_with(s);
		assert_int_equal(count_until_left(&m, old, 50), 50);
		assert_int_equal(bootstate_activate(&s, new), 0);
		m = machine_with(s);
		assert_int_equal(count_until_left(&m, new, 50), 3);
		assert_int_equal(count_until_left(&m, old, 50), 50);
		/* It says so to who looks: the failed one is not good, the old one runs. */
		s = now(&m);
		assert_false(bootstate_mark_get(&s, new)->good);
		assert_int_equal(bootstate_mark_get(&s, new)->tries, 0);
		for (n = 0; n < 3; n++) {
			assert_int_equal(bootstate_mark_good(&s, old), 0);
			m = machine_with(s);
			assert_int_equal(count_until_left(&m, old, 50), 50);
			s = now(&m);
		}
	}
}

/* A committed slot that fails three times, then one that is healthy: that is kept. */
static void test_committed_slot_falls_back(void **state)
{
	struct bootstate s = bootstate_factory(B);
	struct bootstate_machine m = machine_with(s);

	(void)state;
	assert_int_equal(count_until_left(&m, B, 50), 3);
	s = now(&m);
	assert_int_equal(s.booted, A);
	assert_int_equal(bootstate_mark_good(&s, A), 0);
	m = machine_with(s);
	/* It gets its tries twice before the one that failed earlier has its turn again. */
	assert_int_equal(count_until_left(&m, A, 50), 6);
}

/* Neither was ever good: both have their turn, for ever. */
static void test_none_good_alternates(void **state)
{
	struct bootstate s = { B, { false, 0 }, { false, 3 }, A, 1 };
	struct bootstate_machine m = machine_with(s);
	unsigned int n;

	(void)state;
	assert_int_equal(count_until_left(&m, B, 50), 3);
	for (n = 0; n < 10; n++) {
		struct bootstate_boot boot = bootstate_next(&m);

		assert_int_equal(boot.started, n & 1 ? A : B);
		again(&m, &boot);
	}
}

/* The only good slot cannot be loaded: the other one is tried in the same boot, good or not. */
static void test_last_resort(void **state)
{
	struct bootstate s = { A, { true, 3 }, { false, 0 }, A, 1 };
	struct bootstate_machine m = machine_with(s);
	unsigned int n;

	(void)state;
	m.loads_a = false;
	for (n = 0; n < 10; n++) {
		struct bootstate_boot boot = bootstate_next(&m);

		assert_int_equal(boot.tried[0], A);
		assert_int_equal(boot.started, B);
		again(&m, &boot);
	}
	/* Once it is healthy it is not asked again. */
	s = now(&m);
	assert_int_equal(bootstate_mark_good(&s, B), 0);
	m = machine_with(s);
	m.loads_a = false;
	assert_int_equal(bootstate_next(&m).tried[0], B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_machine_starts),
		cmocka_unit_test(test_good_slots_take_turns),
		cmocka_unit_test(test_trial_falls_back),
		cmocka_unit_test(test_committed_slot_falls_back),
		cmocka_unit_test(test_none_good_alternates),
		cmocka_unit_test(test_last_resort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
