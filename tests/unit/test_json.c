// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "json.h"

static void build(struct json *j)
{
	json_open_object(j);
	json_member_string(j, "name", "a \"b\" \\ \n\x01");
	json_key(j, "list");
	json_open_array(j);
	json_int(j, -1);
	json_uint(j, UINT64_MAX);
	json_open_object(j);
	json_close_object(j);
	json_open_array(j);
	json_close_array(j);
	json_null(j);
	json_close_array(j);
	json_member_bool(j, "ok", true);
	json_member_int(j, "min", INT64_MIN);
	json_close_object(j);
}

static const char compact[] = "{\"name\":\"a \\\"b\\\" \\\\ \\n\\u0001\",\"list\":[-1,"
			      "18446744073709551615,{},[],null],\"ok\":true,"
			      "\"min\":-9223372036854775808}";

static void test_compact(void **state)
{
	struct json j;
	char buf[256];
	size_t len;

	(void)state;
	json_init(&j, buf, sizeof(buf));
	build(&j);
	assert_int_equal(json_end(&j, &len), 0);
	assert_string_equal(buf, compact);
	assert_int_equal(len, strlen(compact));
}

static void test_lines(void **state)
{
	struct json j;
	char buf[256];

	(void)state;
	json_init(&j, buf, sizeof(buf));
	json_lines(&j);
	json_open_object(&j);
	json_member_int(&j, "a", 1);
	json_key(&j, "b");
	json_open_array(&j);
	json_string(&j, "x");
	json_string(&j, "y");
	json_close_array(&j);
	json_key(&j, "c");
	json_open_object(&j);
	json_close_object(&j);
	json_close_object(&j);
	assert_int_equal(json_end(&j, NULL), 0);
	assert_string_equal(buf, "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    \"y\"\n  ],\n"
				 "  \"c\": {}\n}");
}

/* Every size below what is needed is refused, and nothing is written past it. */
static void test_overflow(void **state)
{
	char buf[sizeof(compact) + 8];
	size_t size;

	(void)state;
	for (size = 0; size <= sizeof(compact); size++) {
		struct json j;

		memset(buf, '#', sizeof(buf));
		json_init(&j, buf, size);
		build(&j);
		assert_int_equal(json_end(&j, NULL), size < sizeof(compact) ? -ENOSPC : 0);
		assert_int_equal(buf[size], '#');
	}
}

static void test_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf0\x9f\x98", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json j;
		char buf[64];

		json_init(&j, buf, sizeof(buf));
		json_string(&j, cases[i].in);
		assert_int_equal(json_end(&j, NULL), 0);
		assert_string_equal(buf, cases[i].out);
	}
}

enum call { OBJ, END_OBJ, ARR, END_ARR, KEY, INT, STOP };

static void test_order(void **state)
{
	static const struct {
		enum call calls[6];
		int rc;
	} cases[] = {
		{ { STOP }, -EINVAL },
		{ { INT, STOP }, 0 },
		{ { INT, INT, STOP }, -EINVAL },
		{ { OBJ, STOP }, -EINVAL },
		{ { OBJ, END_OBJ, STOP }, 0 },
		{ { OBJ, END_ARR, STOP }, -EINVAL },
		{ { OBJ, INT, END_OBJ, STOP }, -EINVAL },
		{ { OBJ, KEY, END_OBJ, STOP }, -EINVAL },
		{ { OBJ, KEY, KEY, STOP }, -EINVAL },
		{ { ARR, KEY, INT, END_ARR, STOP }, -EINVAL },
		{ { KEY, INT, STOP }, -EINVAL },
		{ { END_OBJ, STOP }, -EINVAL },
		{ { ARR, INT, INT, END_ARR, STOP }, 0 },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json j;
		char buf[64];

		json_init(&j, buf, sizeof(buf));
		for (k = 0; cases[i].calls[k] != STOP; k++) {
			switch (cases[i].calls[k]) {
			case OBJ:
				json_open_object(&j);
				break;
			case END_OBJ:
				json_close_object(&j);
				break;
			case ARR:
				json_open_array(&j);
				break;
			case END_ARR:
				json_close_array(&j);
				break;
			case KEY:
				json_key(&j, "k");
				break;
			default:
				json_int(&j, 7);
			}
		}
		assert_int_equal(json_end(&j, NULL), cases[i].rc);
	}
}

static void test_depth(void **state)
{
	struct json j;
	char buf[128];
	int i;

	(void)state;
	json_init(&j, buf, sizeof(buf));
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		json_open_array(&j);
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		json_close_array(&j);
	assert_int_equal(json_end(&j, NULL), 0);
	json_init(&j, buf, sizeof(buf));
	for (i = 0; i <= JSON_DEPTH_MAX; i++)
		json_open_array(&j);
	assert_int_equal(json_end(&j, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compact),	 cmocka_unit_test(test_lines),
		cmocka_unit_test(test_overflow), cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_order),	 cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
