// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bootstate.h"
#include "bytes.h"

#define HEAD "# GRUB Environment Block\n"
#define A BOOTSTATE_A
#define B BOOTSTATE_B

static int parse(const char *text, struct bootstate_copy *ret)
{
	uint8_t buf[BOOTSTATE_SIZE];

	memset(buf, '#', sizeof(buf));
	memcpy(buf, text, strlen(text));
	return bootstate_parse(buf, sizeof(buf), ret);
}

/* Every state there can be. */
#define STATES 512

static struct bootstate state_nr(unsigned int i)
{
	struct bootstate s = { i & 1 ? B : A,
			       { i >> 1 & 1, (uint8_t)(i >> 2 & 3) },
			       { i >> 4 & 1, (uint8_t)(i >> 5 & 3) },
			       i >> 7 & 1 ? B : A,
			       i >> 8 & 1 ? 2 : 1 };

	return s;
}

static void test_parse(void **state)
{
#define MID "a_good=1\na_tries=3\nb_good=0\nb_tries=2\n"
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ HEAD, -EINVAL },
		{ HEAD "open=2\nprimary=b\n" MID "booted=a\nesp=2\nclose=2\n", 0 },
		/* Any order, more lines, the last of two counts. */
		{ HEAD "close=2\nx=y\nesp=1\nesp=2\nprimary=b\n" MID "booted=a\nopen=2\n", 0 },
		{ HEAD "open=2\nprimary=\\b\n" MID "booted=a\nesp=2\nclose=2\n", 0 },
		{ HEAD "#x\nopen=2\nprimary=b\n" MID "booted=a\nesp=2\nclose=2\n", 0 },
		/* Half written. */
		{ HEAD "open=2\nprimary=b\n" MID "booted=a\nesp=2\nclose=1\n", -EINVAL },
		{ HEAD "open=2\nprimary=b\n" MID "booted=a\nesp=2\n", -EINVAL },
		/* The last line does not end: it does not count. */
		{ HEAD "open=2\nprimary=b\n" MID "booted=a\nesp=2\nclose=2", -EINVAL },
		/* Values that are none of ours. */
		{ HEAD "open=3\nprimary=b\n" MID "booted=a\nesp=2\nclose=3\n", -EINVAL },
		{ HEAD "open=2\nprimary=c\n" MID "booted=a\nesp=2\nclose=2\n", -EINVAL },
		{ HEAD "open=2\nprimary=bb\n" MID "booted=a\nesp=2\nclose=2\n", -EINVAL },
		{ HEAD "open=2\nprimary=\n" MID "booted=a\nesp=2\nclose=2\n", -EINVAL },
		{ HEAD "open=2\nprimary=b\n" MID "booted=\nesp=2\nclose=2\n", -EINVAL },
		{ HEAD "open=2\nprimary=b\n" MID "booted=a\nesp=0\nclose=2\n", -EINVAL },
		{ HEAD "open=2\nprimary=b\na_tries=4\n" MID "b_tries=4\nbooted=a\nesp=2\nclose=2\n",
		  -EINVAL },
		{ HEAD "open=2\nprimary=b\n" MID "b_good=2\nbooted=a\nesp=2\nclose=2\n", -EINVAL },
		/* A name runs over the newline, as for GRUB. */
		{ HEAD "junk\nopen=2\nprimary=b\n" MID "booted=a\nesp=2\nclose=2\n", -EINVAL },
		{ HEAD "open=2\n#primary=b\n" MID "booted=a\nesp=2\nclose=2\n", -EINVAL },
		/* Version 1. */
		{ HEAD "slot=a\nbooted=a\nfailed=\n", -EINVAL },
		{ "# GRUB environment block\nopen=2\nprimary=b\n" MID "booted=a\nesp=2\nclose=2\n",
		  -EINVAL },
	};
	static const struct bootstate want = { B, { true, 3 }, { false, 2 }, A, 2 };
	struct bootstate_copy got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text, &got), rows[i].rc);
		assert_int_equal(got.valid, rows[i].rc == 0);
		if (rows[i].rc == 0) {
			assert_int_equal(got.sequence, 2);
			assert_true(bootstate_equal(&got.state, &want));
		}
	}
	assert_true(bootstate_parse((const uint8_t *)HEAD, strlen(HEAD), &got) < 0);
}

static void test_format_round_trip(void **state)
{
	unsigned int i, q;

	(void)state;
	for (i = 0; i < STATES; i++) {
		for (q = 0; q < 2 * BOOTSTATE_SEQUENCES; q++) {
			struct bootstate in = state_nr(i);
			struct bootstate_copy out;
			uint8_t buf[BOOTSTATE_SIZE];
			size_t n;

			bootstate_format(&in, q, buf);
			assert_int_equal(bootstate_parse(buf, sizeof(buf), &out), 0);
			assert_true(bootstate_equal(&in, &out.state));
			assert_int_equal(out.sequence, q % BOOTSTATE_SEQUENCES);
			for (n = 512; n < sizeof(buf); n++)
				assert_int_equal(buf[n], '#');
		}
	}
}

/* A write that is cut anywhere leaves the old copy, the new one, or none. */
static void test_torn_inside_the_sector(void **state)
{
	unsigned int i, n;

	(void)state;
	for (i = 0; i < STATES; i++) {
		struct bootstate was = state_nr(i), now = state_nr((i * 37 + 11) % STATES);
		uint8_t old[BOOTSTATE_SIZE], new[BOOTSTATE_SIZE];
		struct bootstate_copy got;

		bootstate_format(&was, i % 3, old);
		/* The copy that is written over is the older one: two behind. */
		bootstate_format(&now, i % 3 + 2, new);
		for (n = 0; n <= 512; n++) {
			uint8_t front[BOOTSTATE_SIZE], back[BOOTSTATE_SIZE];

			memcpy(front, old, sizeof(front));
			memcpy(front, new, n);
			memcpy(back, new, sizeof(back));
			memcpy(back, old, n);
			if (bootstate_parse(front, sizeof(front), &got) == 0)
				assert_true(bootstate_equal(&got.state, &was) ||
					    bootstate_equal(&got.state, &now));
			if (bootstate_parse(back, sizeof(back), &got) == 0)
				assert_true(bootstate_equal(&got.state, &was) ||
					    bootstate_equal(&got.state, &now));
		}
	}
}

static void test_newest(void **state)
{
	/* Rows: sequence of S0, 3 for none; columns: of S1. */
	static const int want[4][4] = {
		{ 0, 1, 0, 0 },
		{ 0, 0, 1, 0 },
		{ 1, 0, 0, 0 },
		{ 1, 1, 1, -1 },
	};
	uint8_t x, y;

	(void)state;
	for (x = 0; x < 4; x++)
		for (y = 0; y < 4; y++) {
			struct bootstate_copy c[2] = { { x < 3, x, { 0 } }, { y < 3, y, { 0 } } };

			assert_int_equal(bootstate_newest(c), want[x][y]);
		}
}

/* The events, for every state: each field afterwards, from the table in bootstate.h. */
static void test_events(void **state)
{
	unsigned int i, e;

	(void)state;
	for (i = 0; i < STATES; i++) {
		for (e = 0; e < 10; e++) {
			enum bootstate_slot slot = e & 1 ? B : A, other = bootstate_other(slot);
			struct bootstate was = state_nr(i), got = was, want = was;
			struct bootstate_mark *m = bootstate_mark_of(&want, slot);
			struct bootstate_mark *o = bootstate_mark_of(&want, other);
			int rc, want_rc = 0;

			switch (e / 2) {
			case 0:
				rc = bootstate_begin(&got, slot);
				if (was.booted == slot)
					want_rc = -EBUSY;
				else if (m->good && !o->good)
					want_rc = -EAGAIN;
				else
					m->good = false, m->tries = 0, want.primary = other;
				break;
			case 1:
				rc = bootstate_activate(&got, slot);
				if (was.booted == slot)
					want_rc = -EBUSY;
				else
					m->tries = 3, want.primary = slot,
					o->tries = o->good ? 3 : o->tries;
				break;
			case 2:
				rc = bootstate_mark_good(&got, slot);
				m->good = true, m->tries = 3;
				want.primary = want.booted = slot;
				break;
			case 3:
				rc = bootstate_mark_bad(&got, slot);
				m->good = false, m->tries = 0;
				if (o->good && want.primary == slot)
					want.primary = other;
				break;
			default:
				rc = bootstate_select(&got, slot);
				want.primary = slot;
				break;
			}
			assert_int_equal(rc, want_rc);
			assert_true(bootstate_equal(&got, &want));
		}
	}
}

static void test_rollback(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < STATES; i++) {
		struct bootstate was = state_nr(i), got = was;
		enum bootstate_slot from = was.booted, to = bootstate_other(from);
		int rc = bootstate_rollback(&got);

		if (!bootstate_mark_of(&was, to)->good) {
			assert_int_equal(rc, -ENOENT);
			assert_true(bootstate_equal(&got, &was));
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(bootstate_pick(&got), to);
		assert_int_equal(bootstate_mark_of(&got, from)->good,
				 bootstate_mark_of(&was, from)->good);
		if (!bootstate_mark_of(&was, from)->good)
			assert_int_equal(bootstate_mark_of(&got, from)->tries, 0);
	}
}

static void test_events_refuse_no_slot(void **state)
{
	struct bootstate s = bootstate_factory(A), was = s;

	(void)state;
	assert_int_equal(bootstate_begin(&s, BOOTSTATE_NONE), -EINVAL);
	assert_int_equal(bootstate_activate(&s, BOOTSTATE_NONE), -EINVAL);
	assert_int_equal(bootstate_mark_good(&s, BOOTSTATE_NONE), -EINVAL);
	assert_int_equal(bootstate_mark_bad(&s, BOOTSTATE_NONE), -EINVAL);
	assert_int_equal(bootstate_select(&s, BOOTSTATE_NONE), -EINVAL);
	assert_true(bootstate_equal(&s, &was));
}

/* The pick, for every state, as the four lines in bootstate.h say it. */
static void test_pick(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < STATES; i++) {
		struct bootstate was = state_nr(i), got = was;
		enum bootstate_slot p = was.primary, o = bootstate_other(p), want;
		const struct bootstate_mark *pm = bootstate_mark_get(&was, p);
		const struct bootstate_mark *om = bootstate_mark_get(&was, o);
		bool filled = false;
		unsigned int n;

		if (pm->tries)
			want = p;
		else if (om->good && om->tries)
			want = o;
		else if (pm->good || om->good)
			want = pm->good ? p : o, filled = true;
		else
			want = bootstate_other(was.booted);
		assert_int_equal(bootstate_pick(&got), want);
		assert_int_equal(got.booted, want);
		assert_int_equal(got.primary, was.primary);
		assert_int_equal(got.esp, was.esp);
		for (n = 0; n < 2; n++) {
			enum bootstate_slot s = n ? B : A;
			unsigned int tries = bootstate_mark_get(&was, s)->tries;

			assert_int_equal(bootstate_mark_get(&got, s)->good,
					 bootstate_mark_get(&was, s)->good);
			if (filled && bootstate_mark_get(&was, s)->good)
				tries = 3;
			if (s == want && tries)
				tries--;
			assert_int_equal(bootstate_mark_get(&got, s)->tries, tries);
		}
	}
}

/* A machine with every state in its newest copy, every neighbour, everything that can fail. */
#define MACHINES (STATES * 16 * 5)

static struct bootstate_machine machine_nr(unsigned int i)
{
	struct bootstate_machine m = { .loads_a = i & 1, .loads_b = i & 2, .esp = 1 };
	struct bootstate s = state_nr(i / 16 % STATES), old = state_nr((i / 16 * 7 + 3) % STATES);
	unsigned int kind = i / 16 / STATES;

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
	for (i = 0; i < STATES; i++) {
		struct bootstate s = state_nr(i);
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

/* The offsets in bootstate.h are where the file system's own entries point. */
static void test_offsets(void **state)
{
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	size_t data, root, i, found = 0;

	(void)state;
	bootstate_mkfs(&s, head);
	/* FAT 1.03: reserved sectors at 14, FATs at 16, root entries at 17, FAT size at 22. */
	root = 512 * (le16_load(head + 14) + (size_t)head[16] * le16_load(head + 22));
	data = root + 32 * (size_t)le16_load(head + 17);
	assert_int_equal(head[13] * 512, 4096);
	for (i = root; i < data && head[i]; i += 32) {
		size_t at = data + (le16_load(head + i + 26) - 2u) * 4096;

		if (memcmp(head + i, "S0      ENV", 11) == 0)
			assert_int_equal(at, BOOTSTATE_S0_OFFSET);
		else if (memcmp(head + i, "S1      ENV", 11) == 0)
			assert_int_equal(at, BOOTSTATE_S1_OFFSET);
		else
			continue;
		assert_int_equal(le32_load(head + i + 28), BOOTSTATE_SIZE);
		found++;
	}
	assert_int_equal(found, 2);
}

static void test_mkfs(void **state)
{
	struct bootstate s = { B, { true, 1 }, { false, 2 }, A, 2 };
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	struct bootstate_copy got[2];
	size_t i;

	(void)state;
	bootstate_mkfs(&s, head);
	assert_int_equal(bootstate_parse(head + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &got[0]), 0);
	assert_int_equal(bootstate_parse(head + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE, &got[1]), 0);
	assert_true(bootstate_equal(&got[0].state, &s) && bootstate_equal(&got[1].state, &s));
	assert_int_equal(bootstate_newest(got), 1);
	assert_true(bootstate_check_fs(head, sizeof(head)));
	assert_false(bootstate_check_fs(head, BOOTSTATE_S0_OFFSET - 1));
	memset(head + BOOTSTATE_S0_OFFSET, 0, BOOTSTATE_SIZE);
	assert_true(bootstate_check_fs(head, sizeof(head)));
	for (i = 0; i < BOOTSTATE_S0_OFFSET; i += 7) {
		head[i] ^= 1;
		assert_false(bootstate_check_fs(head, sizeof(head)));
		head[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format_round_trip),
		cmocka_unit_test(test_torn_inside_the_sector),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_events_refuse_no_slot),
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_every_machine_starts),
		cmocka_unit_test(test_good_slots_take_turns),
		cmocka_unit_test(test_trial_falls_back),
		cmocka_unit_test(test_committed_slot_falls_back),
		cmocka_unit_test(test_none_good_alternates),
		cmocka_unit_test(test_last_resort),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_mkfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
