// SPDX-License-Identifier: Apache-2.0
/* Mirrors scripts/vm/console.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scripts/vm/console.c"

static struct console c;
static regex_t re;

static int begin(void **state)
{
	(void)state;
	console_init(&c, -1, -1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	console_release(&c);
	return 0;
}

static void feed(const char *text)
{
	assert_int_equal(console_feed(&c, text, strlen(text), NULL), 0);
}

static bool match(const char *pattern, bool partial, const char **ret_line)
{
	bool hit;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED), 0);
	console_rewind(&c);
	hit = console_match(&c, &re, partial, ret_line);
	regfree(&re);
	return hit;
}

static void test_control_sequences_are_no_text(void **state)
{
	(void)state;
	feed("\033[2J\033[01;01H\033[=3h\033[0;37;40mone\r\n\033(Btwo\033]0;title\athree\n");
	assert_string_equal(c.text, "one\ntwothree\n");
}

static void test_moved_cursor_begins_a_line(void **state)
{
	(void)state;
	feed("one\033[04;01Htwo");
	assert_string_equal(c.text, "one\ntwo");
}

static void test_sequence_cut_anywhere(void **state)
{
	static const char text[] = "a\033[1;31mb\r\n";

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		assert_int_equal(console_feed(&c, text + i, 1, NULL), 0);
	assert_string_equal(c.text, "ab\n");
}

static void test_match_is_used_up(void **state)
{
	const char *line;

	(void)state;
	feed("cairn: ready slot=a\ncairn: ready slot=b\n");
	assert_true(match("^cairn: ready", false, &line));
	assert_memory_equal(line, "cairn: ready slot=a", 19);
	assert_true(match("^cairn: ready", false, &line));
	assert_memory_equal(line, "cairn: ready slot=b", 19);
	assert_false(match("^cairn: ready", false, NULL));
}

static void test_rest_of_a_line_is_no_beginning(void **state)
{
	(void)state;
	feed("one two\n");
	assert_true(match("one ", false, NULL));
	assert_false(match("^two", false, NULL));
	assert_true(match("two$", false, NULL));
}

static void test_unfinished_line_only_when_asked(void **state)
{
	(void)state;
	feed("~ # ");
	assert_false(match("# $", false, NULL));
	assert_true(match("# $", true, NULL));
}

static void test_contains_and_tail(void **state)
{
	(void)state;
	feed("one\ntwo\nthree\n");
	assert_true(match("three", false, NULL));
	assert_int_equal(regcomp(&re, "^two$", REG_EXTENDED), 0);
	assert_true(console_contains(&c, &re));
	regfree(&re);
	assert_string_equal(console_tail(&c, 2), "two\nthree\n");
	assert_string_equal(console_tail(&c, 9), "one\ntwo\nthree\n");
}

static void test_too_much_is_refused(void **state)
{
	static char block[1 << 20];
	int rc = 0;

	(void)state;
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 40 && !rc; i++)
		rc = console_feed(&c, block, sizeof(block), NULL);
	assert_int_equal(rc, -EFBIG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_control_sequences_are_no_text),
		T(test_moved_cursor_begins_a_line),
		T(test_sequence_cut_anywhere),
		T(test_match_is_used_up),
		T(test_rest_of_a_line_is_no_beginning),
		T(test_unfinished_line_only_when_asked),
		T(test_contains_and_tail),
		T(test_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
