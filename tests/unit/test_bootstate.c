// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "bootstate.h"
#include "bytes.h"

#define HEAD "# GRUB Environment Block\n"

static int parse(const char *text, struct bootstate *ret)
{
	uint8_t buf[BOOTSTATE_SIZE];

	memset(buf, '#', sizeof(buf));
	memcpy(buf, text, strlen(text));
	return bootstate_parse(buf, sizeof(buf), ret);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		struct bootstate want;
	} rows[] = {
		{ HEAD, { 0, 0, 0 } },
		{ HEAD "slot=a\n", { BOOTSTATE_A, 0, 0 } },
		{ HEAD "slot=b\nbooted=a\nfailed=b\n", { BOOTSTATE_B, BOOTSTATE_A, BOOTSTATE_B } },
		/* The line does not end: nothing of it counts. */
		{ HEAD "slot=b", { 0, 0, 0 } },
		{ HEAD "slot=ab\nbooted=\n", { 0, 0, 0 } },
		{ HEAD "slot=a\nslot=b\n", { BOOTSTATE_B, 0, 0 } },
		/* A name runs over the newline, as for GRUB. */
		{ HEAD "junk\nslot=b\nbooted=a\n", { 0, BOOTSTATE_A, 0 } },
		{ HEAD "#slot=b\nslot=a\n", { BOOTSTATE_A, 0, 0 } },
		{ HEAD "slot=\\b\n", { BOOTSTATE_B, 0, 0 } },
		{ HEAD "slot=b\\\nfailed=b\n", { 0, 0, 0 } },
		{ HEAD "Slot=b\n", { 0, 0, 0 } },
	};
	struct bootstate got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text, &got), 0);
		assert_memory_equal(&got, &rows[i].want, sizeof(got));
	}
	assert_true(parse("# GRUB environment block\nslot=b\n", &got) < 0);
	assert_true(bootstate_parse((const uint8_t *)HEAD, strlen(HEAD), &got) < 0);
}

static void test_format_round_trip(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 27; i++) {
		struct bootstate in = { i % 3, i / 3 % 3, i / 9 }, out;
		uint8_t buf[BOOTSTATE_SIZE];
		size_t n;

		bootstate_format(&in, buf);
		assert_int_equal(bootstate_parse(buf, sizeof(buf), &out), 0);
		assert_memory_equal(&in, &out, sizeof(in));
		for (n = 512; n < sizeof(buf); n++)
			assert_int_equal(buf[n], '#');
	}
}

/* Every machine there can be: 27 states, or an unreadable one; loads; writable. */
static struct bootstate_machine machine_nr(unsigned int i)
{
	struct bootstate_machine m = {
		.loads_a = i & 1,
		.loads_b = i & 2,
		.writable = i & 4,
		.readable = i / 8 != 27,
		.state = { i / 8 % 3, i / 24 % 3, i / 72 % 3 },
	};

	return m;
}
#define MACHINES (28 * 8)

/* Whatever the state: a slot that can be loaded is started within three boots, the wanted one
 * first where nothing is held against it, and with both broken no boot ends but in a restart. */
static void test_every_state_ends_well(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MACHINES; i++) {
		struct bootstate_machine m = machine_nr(i);
		enum bootstate_slot wanted =
			m.readable && m.state.slot == BOOTSTATE_B ? BOOTSTATE_B : BOOTSTATE_A;
		enum bootstate_slot failed = m.readable ? m.state.failed : BOOTSTATE_NONE;
		struct bootstate_boot boot;
		int n;

		for (n = 0; n < 3; n++) {
			boot = bootstate_next(&m);
			assert_true(boot.tried[0] != BOOTSTATE_NONE);
			assert_true(boot.tried[0] != boot.tried[1]);
			/* Only where nothing can be written are both tried in one boot. */
			if (m.readable && m.writable)
				assert_int_equal(boot.tried[1], BOOTSTATE_NONE);
			/* `booted` is true whenever userspace comes to read it. */
			if (boot.started && m.readable && m.writable)
				assert_int_equal(boot.state.booted, boot.started);
			if (!m.readable || !m.writable)
				assert_memory_equal(&boot.state,
						    m.readable ? &m.state : &boot.state,
						    sizeof(boot.state));
			assert_true(!m.readable || boot.state.slot == m.state.slot);
			if (n == 0 && failed != wanted)
				assert_int_equal(boot.tried[0], wanted);
			if (boot.started)
				break;
			m.state = boot.state;
		}
		assert_int_equal(boot.started != BOOTSTATE_NONE, m.loads_a || m.loads_b);
		if (boot.started)
			assert_true(boot.started == BOOTSTATE_A ? m.loads_a : m.loads_b);
	}
}

/* A slot that was started once is started again, and nothing is written any more. */
static void test_settled_boots_write_nothing(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MACHINES; i++) {
		struct bootstate_machine m = machine_nr(i);
		struct bootstate_boot first = bootstate_next(&m), second;

		if (!first.started || !m.readable)
			continue;
		m.state = first.state;
		second = bootstate_next(&m);
		assert_int_equal(second.started, first.started);
		assert_memory_equal(&second.state, &first.state, sizeof(first.state));
	}
}

/* The offsets in bootstate.h are where the file system's own entries point. */
static void test_offsets(void **state)
{
	static const struct bootstate s = { BOOTSTATE_A, BOOTSTATE_NONE, BOOTSTATE_NONE };
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
	static const struct bootstate s = { BOOTSTATE_B, BOOTSTATE_A, BOOTSTATE_NONE };
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	struct bootstate got;
	size_t i;

	(void)state;
	bootstate_mkfs(&s, head);
	assert_int_equal(bootstate_parse(head + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &got), 0);
	assert_memory_equal(&got, &s, sizeof(s));
	assert_int_equal(bootstate_parse(head + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE, &got), 0);
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
		cmocka_unit_test(test_every_state_ends_well),
		cmocka_unit_test(test_settled_boots_write_nothing),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_mkfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
