// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bootstates.h"
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
	for (i = 0; i < BOOTSTATES; i++) {
		for (q = 0; q < 2 * BOOTSTATE_SEQUENCES; q++) {
			struct bootstate in = bootstates_nr(i);
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
	for (i = 0; i < BOOTSTATES; i++) {
		struct bootstate was = bootstates_nr(i),
				 now = bootstates_nr((i * 37 + 11) % BOOTSTATES);
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
	for (i = 0; i < BOOTSTATES; i++) {
		for (e = 0; e < 10; e++) {
			enum bootstate_slot slot = e & 1 ? B : A, other = bootstate_other(slot);
			struct bootstate was = bootstates_nr(i), got = was, want = was;
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
	for (i = 0; i < BOOTSTATES; i++) {
		struct bootstate was = bootstates_nr(i), got = was;
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
	for (i = 0; i < BOOTSTATES; i++) {
		struct bootstate was = bootstates_nr(i), got = was;
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
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_mkfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
