// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "updatelog.h"

static struct updatelog log_a, log_b;
static char text[UPDATELOG_SIZE_MAX];
static struct err err;

static int parse(const char *body)
{
	return updatelog_parse((const uint8_t *)body, strlen(body), &log_b, &err);
}

static void fill(struct updatelog *log)
{
	unsigned int i;

	memset(log, 0, sizeof(*log));
	for (i = 0; i < 20; i++) {
		struct updatelog_attempt *a = updatelog_begin(log);
		struct updatelog_refused f = { .time_s = i, .release = 100 + i };

		a->time_s = INT64_MAX;
		a->from = UINT64_MAX;
		a->release = UINT64_MAX - i;
		memset(a->version, 'v', sizeof(a->version) - 1);
		a->source = (enum updatelog_source)(i % UPDATELOG_SOURCES);
		a->kind = (enum updatelog_kind)(i % UPDATELOG_KINDS);
		a->outcome = (enum updatelog_outcome)(i % UPDATELOG_OUTCOMES);
		a->seconds = UINT32_MAX;
		a->fetched_bytes = UINT64_MAX;
		memset(a->manifest, 0xa0 + (int)i % 16, sizeof(a->manifest));
		a->has_root = i % 2;
		if (a->has_root)
			memset(a->root, (int)i, sizeof(a->root));
		memset(a->why, 'w', sizeof(a->why) - 1);
		f.has_manifest = i % 3;
		if (f.has_manifest)
			memset(f.manifest, (int)i, sizeof(f.manifest));
		f.has_root = true;
		memset(f.root, (int)i, sizeof(f.root));
		memset(f.why, 'y', sizeof(f.why) - 1);
		updatelog_refuse(log, &f);
	}
}

static void test_round_trip(void **state)
{
	size_t len;

	(void)state;
	fill(&log_a);
	assert_int_equal(log_a.attempts, UPDATELOG_ATTEMPTS);
	assert_int_equal(log_a.refuseds, UPDATELOG_REFUSED);
	/* The oldest four are gone. */
	assert_true(log_a.attempt[0].release == UINT64_MAX - 4);
	assert_true(log_a.refused[0].release == 104);
	len = updatelog_format(&log_a, text);
	assert_in_range(len, 1, UPDATELOG_SIZE_MAX - 1);
	if (updatelog_parse((const uint8_t *)text, len, &log_b, &err))
		fail_msg("%s", err.msg);
	assert_memory_equal(&log_a, &log_b, sizeof(log_a));
	/* Empty is a log too. */
	memset(&log_a, 0, sizeof(log_a));
	assert_int_equal(updatelog_format(&log_a, text), 0);
	assert_int_equal(updatelog_parse((const uint8_t *)text, 0, &log_b, &err), 0);
	assert_int_equal(log_b.attempts, 0);
}

static void test_texts_stay_in_their_line(void **state)
{
	struct updatelog_attempt *a;
	size_t len;

	(void)state;
	memset(&log_a, 0, sizeof(log_a));
	a = updatelog_begin(&log_a);
	(void)strcpy(a->version, "1.0 why=\nx");
	(void)strcpy(a->why, "two\nlines\t\x01 and=more \"words\"");
	len = updatelog_format(&log_a, text);
	assert_int_equal(updatelog_parse((const uint8_t *)text, len, &log_b, &err), 0);
	assert_int_equal(log_b.attempts, 1);
	assert_string_equal(log_b.attempt[0].version, "1.0_why=_x");
	assert_string_equal(log_b.attempt[0].why, "two lines   and=more \"words\"");
}

#define ATTEMPT(source, seconds)                                                                   \
	"attempt time=1 from=0 release=2 version=1 source=" source                                 \
	" kind=full outcome=good seconds=" seconds " fetched=0 manifest=- root=- why=\n"

static void test_refused_text(void **state)
{
	static const char good[] = "refused time=1 release=2 manifest=- root=- why=x\n";
	static const char *const bad[] = {
		"x\n",
		"refused time=1 release=2 manifest=- root=- why=x",
		"refused time=1 release=2 manifest=- root=-\n",
		"refused release=2 time=1 manifest=- root=- why=x\n",
		"refused time= release=2 manifest=- root=- why=x\n",
		"refused time=1 release=18446744073709551616 manifest=- root=- why=x\n",
		"refused time=9223372036854775808 release=2 manifest=- root=- why=x\n",
		"refused time=1 release=2 manifest=00 root=- why=x\n",
		"refused time=1 release=2 manifest=- root=- why=\x01\n",
		ATTEMPT("nowhere", "0"),
		ATTEMPT("channel", "4294967296"),
	};
	char many[2048] = "";
	size_t i;

	(void)state;
	assert_int_equal(parse(good), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(log_b.refuseds, 0);
	}
	for (i = 0; i <= UPDATELOG_REFUSED; i++)
		(void)strcat(many, good);
	assert_int_equal(parse(many), -EBADMSG);
	assert_int_equal(updatelog_parse((const uint8_t *)good, sizeof(good), &log_b, &err),
			 -EBADMSG);
}

static void test_find_and_forget(void **state)
{
	uint8_t one[SHA256_SIZE] = { 1 }, two[SHA256_SIZE] = { 2 };
	struct updatelog_refused f = { .release = 7, .has_root = true };

	(void)state;
	memset(&log_a, 0, sizeof(log_a));
	memcpy(f.root, one, sizeof(one));
	updatelog_refuse(&log_a, &f);
	updatelog_refuse(&log_a, &f);
	assert_int_equal(log_a.refuseds, 1);
	/* By number, however it comes; by root hash, whatever number it carries now. */
	assert_non_null(updatelog_find(&log_a, 7, two, two));
	assert_non_null(updatelog_find(&log_a, 8, NULL, one));
	assert_null(updatelog_find(&log_a, 8, two, two));
	assert_null(updatelog_find(&log_a, 8, one, NULL));
	/* Only a manifest: the release itself may come again, mended. */
	f = (struct updatelog_refused){ .has_manifest = true };
	memcpy(f.manifest, two, sizeof(two));
	updatelog_refuse(&log_a, &f);
	updatelog_refuse(&log_a, &f);
	assert_int_equal(log_a.refuseds, 2);
	assert_non_null(updatelog_find(&log_a, 9, two, NULL));
	assert_null(updatelog_find(&log_a, 9, one, NULL));
	assert_null(updatelog_find(&log_a, 0, NULL, NULL));
	assert_int_equal(updatelog_forget(&log_a, 8), 0);
	assert_int_equal(updatelog_forget(&log_a, 7), 1);
	assert_null(updatelog_find(&log_a, 7, NULL, one));
	assert_int_equal(updatelog_forget(&log_a, 0), 1);
	assert_int_equal(log_a.refuseds, 0);
}

static void test_last(void **state)
{
	unsigned int i;

	(void)state;
	memset(&log_a, 0, sizeof(log_a));
	assert_null(updatelog_last(&log_a, 0));
	for (i = 1; i <= 3; i++)
		updatelog_begin(&log_a)->release = i == 3 ? 1 : i;
	assert_ptr_equal(updatelog_last(&log_a, 0), &log_a.attempt[2]);
	assert_ptr_equal(updatelog_last(&log_a, 1), &log_a.attempt[2]);
	assert_ptr_equal(updatelog_last(&log_a, 2), &log_a.attempt[1]);
	assert_null(updatelog_last(&log_a, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_texts_stay_in_their_line),
		cmocka_unit_test(test_refused_text),
		cmocka_unit_test(test_find_and_forget),
		cmocka_unit_test(test_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
