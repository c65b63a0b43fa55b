// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "cmdline.h"

static void test_get(void **state)
{
	static const struct {
		const char *cmdline, *key, *value; /* NULL: not there */
	} cases[] = {
		{ "", "a", NULL },
		{ "  a=1  b=2\n", "a", "1" },
		{ "  a=1  b=2\n", "b", "2" },
		{ "aa=1 a=2", "a", "2" },
		{ "a", "a", "" },
		{ "a=", "a", "" },
		{ "a=1 a=2", "a", "1" },
		{ "x=\"a=1 b\" b=2", "a", NULL },
		{ "x=\"a=1 b\" b=2", "x", "a=1 b" },
		{ "\"x=a b\" c=1", "x", "a b" },
		{ "x=\"open quote a=1", "a", NULL },
		{ "cairn.install=nvme,disk=1", "cairn.install", "nvme,disk=1" },
		{ "cairn.installer", "cairn.install", NULL },
		{ "cairn.insta", "cairn.install", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char value[32];
		int rc = cmdline_get(cases[i].cmdline, cases[i].key, value, sizeof(value));

		assert_int_equal(rc, cases[i].value ? 0 : -ENOENT);
		assert_int_equal(cmdline_get(cases[i].cmdline, cases[i].key, NULL, 0), rc);
		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
	}
}

static void test_bound(void **state)
{
	char value[4];

	(void)state;
	assert_int_equal(cmdline_get("a=123", "a", value, 4), 0);
	assert_int_equal(cmdline_get("a=1234", "a", value, 4), -ENAMETOOLONG);
	assert_int_equal(cmdline_get("a=", "a", value, 0), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_get),
					    cmocka_unit_test(test_bound) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
