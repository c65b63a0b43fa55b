// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "httprange.h"

static int parse(const char *text, struct httprange *r)
{
	return httprange_parse((const uint8_t *)text, strlen(text), r);
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"",
		"bytes",
		"bytes ",
		"bytes *",
		"bytes */",
		"bytes */*",
		"bytes 0-9",
		"bytes 0-9/",
		"bytes 0-9/9",
		"bytes 5-4/9",
		"bytes -4/9",
		"bytes 5-/9",
		"bytes 0-9/10 ",
		"bytes  0-9/10",
		"bytes 0 -9/10",
		"bytes +0-9/10",
		"bytes 0x0-9/10",
		"bytes 0-9/10,20-29/30",
		"items 0-9/10",
		"Bytes=0-9/10",
		"bytes 0-9223372036854775808/*",
		"bytes 1-2/18446744073709551616",
	};
	struct httprange r;
	size_t i;

	(void)state;
	assert_int_equal(parse("bytes 0-9/10", &r), 0);
	assert_true(r.satisfied && r.sized && r.first == 0 && r.last == 9 && r.total == 10);
	assert_int_equal(parse("bytes 7-7/9223372036854775807", &r), 0);
	assert_true(r.first == 7 && r.last == 7 && r.total == INT64_MAX);
	assert_int_equal(parse("bytes 5-9/*", &r), 0);
	assert_true(r.satisfied && !r.sized && r.first == 5 && r.last == 9);
	assert_int_equal(parse("bytes */1234", &r), 0);
	assert_true(!r.satisfied && r.sized && r.total == 1234);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &r) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void test_number(void **state)
{
	uint64_t v = 1;

	(void)state;
#define NUMBER(text) httprange_number((const uint8_t *)(text), strlen(text), &v)
	assert_int_equal(NUMBER("0"), 0);
	assert_true(v == 0);
	assert_int_equal(NUMBER("9223372036854775807"), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(NUMBER("9223372036854775808"), -EINVAL);
	assert_int_equal(NUMBER("99999999999999999999999999999999999"), -EINVAL);
	assert_int_equal(NUMBER(""), -EINVAL);
	assert_int_equal(NUMBER("-1"), -EINVAL);
	assert_int_equal(NUMBER("1 "), -EINVAL);
	assert_int_equal(NUMBER("1, 1"), -EINVAL);
#undef NUMBER
}

static void test_tag(void **state)
{
	char tag[HTTPRANGE_TAG_SIZE], longest[2 * HTTPRANGE_TAG_SIZE];

	(void)state;
	assert_int_equal(httprange_tag((const uint8_t *)"\"ab\"", 4, tag), 0);
	assert_string_equal(tag, "\"ab\"");
	assert_int_equal(httprange_tag((const uint8_t *)"a\r\nb", 4, tag), -EINVAL);
	assert_string_equal(tag, "");
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(httprange_tag((uint8_t *)longest, HTTPRANGE_TAG_SIZE, tag), -EINVAL);
	assert_int_equal(httprange_tag((uint8_t *)longest, HTTPRANGE_TAG_SIZE - 1, tag), 0);
	assert_true(httprange_strong("\"x\""));
	assert_false(httprange_strong("W/\"x\""));
	assert_false(httprange_strong("x"));
	assert_false(httprange_strong("\""));
	assert_false(httprange_strong(""));
}

static void test_header(void **state)
{
	static const char *const lines[] = { "content-RANGE:\tbytes 5-9/10 ",
					     "Content-Length: 5",
					     "ETag: \"a b\"",
					     "Last-Modified: Fri, 27 Nov 2026 20:00:00 GMT",
					     "Content-Encoding: identity",
					     "X-Content-Length: 7",
					     "Content-Length",
					     "Content-Lengthy: 7",
					     "" };
	struct httprange_answer a = { 0 };
	size_t i;

	(void)state;
#define HEADER(text) httprange_header(&a, (const uint8_t *)(text), strlen(text))
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		HEADER(lines[i]);
	assert_true(a.has_range && !a.bad_range && a.range.first == 5 && a.range.last == 9);
	assert_true(a.has_length && !a.bad_length && a.length == 5);
	assert_string_equal(a.etag, "\"a b\"");
	assert_string_equal(a.date, "Fri, 27 Nov 2026 20:00:00 GMT");
	assert_false(a.encoded);
	HEADER("Content-Encoding: br");
	assert_true(a.encoded);
	HEADER("Content-Range: bytes 5-9/10"); /* twice */
	assert_true(a.bad_range);
	HEADER("Content-Length: 5");
	assert_true(a.bad_length);
#undef HEADER
}

/* A row: bytes next..end are wanted, of a total known before; the answer; what comes of it. */
struct row { /* NOLINT(clang-analyzer-optin.performance.Padding): in the order it is read */
	const char *name;
	uint64_t next, end, total;
	bool ranged;
	const char *etag, *date;
	int status;
	const char *range, *length, *new_etag, *new_date;
	bool encoded;
	int rc;
	uint64_t skip, take, ret_total;
};

#define ALL UINT64_MAX

static const struct row rows[] = {
	{ "a range", 100, 200, 0, true, 0, 0, 206, "bytes 100-199/1000", "100", 0, 0, false, 0, 0,
	  100, 1000 },
	{ "a range at the end", 100, 200, 0, true, 0, 0, 206, "bytes 100-149/150", "50", 0, 0,
	  false, 0, 0, 50, 150 },
	{ "a shorter range", 100, 200, 0, true, 0, 0, 206, "bytes 100-110/150", 0, 0, 0, false, 0,
	  0, 11, 150 },
	{ "total not known", 100, 200, 0, true, 0, 0, 206, "bytes 100-199/*", 0, 0, 0, false, 0, 0,
	  100, 0 },
	{ "ranges ignored", 100, 200, 0, true, 0, 0, 200, 0, "1000", 0, 0, false, 0, 100, 100,
	  1000 },
	{ "ignored, short", 100, 200, 0, true, 0, 0, 200, 0, "120", 0, 0, false, 0, 100, 20, 120 },
	{ "ignored, no length", 100, 200, 0, true, 0, 0, 200, 0, 0, 0, 0, false, 0, 100, 100, 0 },
	{ "ignored, ends before", 100, 200, 0, true, 0, 0, 200, 0, "100", 0, 0, false, -ENODATA, 0,
	  0, 0 },
	{ "ignored, too much", 5000, 5001, 0, true, 0, 0, 200, 0, "9000", 0, 0, false, -EFBIG, 0, 0,
	  0 },
	{ "all", 0, ALL, 0, false, 0, 0, 200, 0, "1000", 0, 0, false, 0, 0, 1000, 1000 },
	{ "all of nothing", 0, ALL, 0, false, 0, 0, 200, 0, "0", 0, 0, false, 0, 0, 0, 0 },
	{ "all, no length", 0, ALL, 0, false, 0, 0, 200, 0, 0, 0, 0, false, 0, 0, ALL, 0 },
	{ "all, too large", 0, ALL, 0, false, 0, 0, 200, 0, "2001", 0, 0, false, -EFBIG, 0, 0, 0 },
	{ "rest too large", 10, ALL, 0, true, 0, 0, 206, "bytes 10-2000/2001", 0, 0, 0, false,
	  -EFBIG, 0, 0, 0 },
	{ "begins later", 100, 200, 0, true, 0, 0, 206, "bytes 101-199/1000", 0, 0, 0, false,
	  -EPROTO, 0, 0, 0 },
	{ "begins earlier", 100, 200, 0, true, 0, 0, 206, "bytes 99-199/1000", 0, 0, 0, false,
	  -EPROTO, 0, 0, 0 },
	{ "ends later", 100, 200, 0, true, 0, 0, 206, "bytes 100-200/1000", 0, 0, 0, false, -EPROTO,
	  0, 0, 0 },
	{ "length against range", 100, 200, 0, true, 0, 0, 206, "bytes 100-199/1000", "101", 0, 0,
	  false, -EPROTO, 0, 0, 0 },
	{ "length is no number", 0, 200, 0, true, 0, 0, 200, 0, "1e3", 0, 0, false, -EPROTO, 0, 0,
	  0 },
	{ "no range said", 100, 200, 0, true, 0, 0, 206, 0, "100", 0, 0, false, -EPROTO, 0, 0, 0 },
	{ "bad range", 100, 200, 0, true, 0, 0, 206, "bytes 100-x/1", 0, 0, 0, false, -EPROTO, 0, 0,
	  0 },
	{ "206 without bytes", 100, 200, 0, true, 0, 0, 206, "bytes */1000", 0, 0, 0, false,
	  -EPROTO, 0, 0, 0 },
	{ "206 unasked", 0, ALL, 0, false, 0, 0, 206, "bytes 0-9/10", 0, 0, 0, false, -EPROTO, 0, 0,
	  0 },
	{ "200 with a range", 100, 200, 0, true, 0, 0, 200, "bytes 100-199/1000", 0, 0, 0, false,
	  -EPROTO, 0, 0, 0 },
	{ "compressed", 100, 200, 0, true, 0, 0, 206, "bytes 100-199/1000", 0, 0, 0, true, -EPROTO,
	  0, 0, 0 },
	{ "same tag", 100, 200, 1000, true, "\"a\"", "x", 206, "bytes 100-199/1000", 0, "\"a\"",
	  "y", false, 0, 0, 100, 1000 },
	{ "another tag", 100, 200, 1000, true, "\"a\"", 0, 206, "bytes 100-199/1000", 0, "\"b\"", 0,
	  false, -ESTALE, 0, 0, 0 },
	{ "another tag, all", 100, 200, 1000, true, "\"a\"", 0, 200, 0, "1000", "\"b\"", 0, false,
	  -ESTALE, 0, 0, 0 },
	{ "another date", 100, 200, 1000, true, 0, "x", 206, "bytes 100-199/1000", 0, 0, "y", false,
	  -ESTALE, 0, 0, 0 },
	{ "another total", 100, 200, 1000, true, 0, 0, 206, "bytes 100-199/1001", 0, 0, 0, false,
	  -ESTALE, 0, 0, 0 },
	{ "another length", 100, 200, 1000, true, 0, 0, 200, 0, "999", 0, 0, false, -ESTALE, 0, 0,
	  0 },
	{ "past the end", 100, 200, 0, true, 0, 0, 416, "bytes */100", "4", 0, 0, false, -ENODATA,
	  0, 0, 0 },
	{ "past the end, bare", 100, 200, 0, true, 0, 0, 416, 0, 0, 0, 0, false, -ENODATA, 0, 0,
	  0 },
	{ "past a new end", 100, 200, 1000, true, 0, 0, 416, "bytes */100", 0, 0, 0, false, -ESTALE,
	  0, 0, 0 },
	{ "past a new end, bare", 100, 200, 1000, true, 0, 0, 416, 0, 0, 0, 0, false, -ESTALE, 0, 0,
	  0 },
	{ "416 within", 100, 200, 0, true, 0, 0, 416, "bytes */101", 0, 0, 0, false, -EPROTO, 0, 0,
	  0 },
	{ "416 to no range", 0, ALL, 0, false, 0, 0, 416, 0, 0, 0, 0, false, -EPROTO, 0, 0, 0 },
};

static void test_judge(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct httprange_want want = { .next = r->next,
					       .end = r->end,
					       .ranged = r->ranged,
					       .total = r->total,
					       .skip_max = 4000,
					       .whole_max = 2000 };
		struct httprange_answer a = { .status = r->status, .encoded = r->encoded };
		struct httprange_take take = { 77, 77, 77 };
		struct err err = { "" };
		int rc;

		(void)snprintf(want.etag, sizeof(want.etag), "%s", r->etag ? r->etag : "");
		(void)snprintf(want.date, sizeof(want.date), "%s", r->date ? r->date : "");
		(void)snprintf(a.etag, sizeof(a.etag), "%s", r->new_etag ? r->new_etag : "");
		(void)snprintf(a.date, sizeof(a.date), "%s", r->new_date ? r->new_date : "");
		a.has_range = r->range != NULL;
		a.bad_range = r->range && parse(r->range, &a.range);
		a.has_length = r->length != NULL;
		a.bad_length = r->length && httprange_number((const uint8_t *)r->length,
							     strlen(r->length), &a.length);
		rc = httprange_judge(&want, &a, &take, &err);
		if (rc != r->rc)
			fail_msg("%s: %d, not %d (%s)", r->name, rc, r->rc, err.msg);
		if (rc ? take.take != 77 || !err.msg[0]
		       : take.skip != r->skip || take.take != r->take || take.total != r->ret_total)
			fail_msg("%s: skip %llu take %llu total %llu", r->name,
				 (unsigned long long)take.skip, (unsigned long long)take.take,
				 (unsigned long long)take.total);
	}
}

/* Every status is one of: taken, not there, not given, later, a broken server. */
static void test_status(void **state)
{
	int status;

	(void)state;
	for (status = -1; status < 1000; status++) {
		const struct httprange_want want = { .end = 10, .ranged = true };
		const struct httprange_answer a = { .status = status };
		struct httprange_take take;
		struct err err;
		int want_rc = -EPROTO;

		if (status == 404 || status == 410)
			want_rc = -ENOENT;
		else if (status == 401 || status == 403 || status == 407)
			want_rc = -EACCES;
		else if (status == 408 || status == 425 || status == 429 ||
			 (status >= 500 && status < 600))
			want_rc = -EAGAIN;
		else if (status == 416)
			want_rc = -ENODATA;
		else if (status == 200)
			want_rc = 0;
		if (httprange_judge(&want, &a, &take, &err) != want_rc)
			fail_msg("HTTP %d", status);
	}
}

static void test_backoff(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 100; n++) {
		uint32_t most = httprange_backoff_ms(n, 500, 16000, 0);
		uint32_t least = httprange_backoff_ms(n, 500, 16000, UINT32_MAX);

		assert_true(most == (n < 1 ? 500u : n < 6 ? 500u << (n - 1) : 16000u));
		assert_true(least == most / 2);
		assert_in_range(httprange_backoff_ms(n, 500, 16000, 1u << 30), least, most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_number),
		cmocka_unit_test(test_tag),	cmocka_unit_test(test_header),
		cmocka_unit_test(test_judge),	cmocka_unit_test(test_status),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
