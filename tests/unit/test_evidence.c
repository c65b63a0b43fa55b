// SPDX-License-Identifier: Apache-2.0
/* The container and the report in it; what they say is test_attest's business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "evidence.h"
#include "report.h"

static uint8_t buf[EVIDENCE_MAX + 16];
static size_t len;

/* begin - a container with these parts, a digit each, in this order; 0 or evidence_end's error. */
static int make(enum evidence_kind kind, const char *parts, size_t max)
{
	struct evidence_writer w;

	evidence_begin(&w, buf, max, kind);
	for (; *parts; parts++)
		evidence_add(&w, (enum evidence_part)(*parts - '0'), parts, 1);
	return evidence_end(&w, &len);
}

static void test_parts(void **state)
{
	static const struct {
		const char *parts;
		enum evidence_kind kind;
		int rc;
	} cases[] = {
		{ "12346789", EVIDENCE_QUOTE, 0 },
		{ "123456789", EVIDENCE_QUOTE, 0 },
		{ "23489", EVIDENCE_REQUEST, 0 },
		{ "234589", EVIDENCE_REQUEST, 0 },
		{ "2346789", EVIDENCE_QUOTE, -EINVAL },
		{ "1346789", EVIDENCE_QUOTE, -EINVAL },
		{ "1246789", EVIDENCE_QUOTE, -EINVAL },
		{ "1236789", EVIDENCE_QUOTE, -EINVAL },
		{ "1234789", EVIDENCE_QUOTE, -EINVAL },
		{ "1234689", EVIDENCE_QUOTE, -EINVAL },
		{ "1234679", EVIDENCE_QUOTE, -EINVAL },
		{ "1234678", EVIDENCE_QUOTE, -EINVAL },
		{ "123489", EVIDENCE_REQUEST, -EINVAL },
		{ "234689", EVIDENCE_REQUEST, -EINVAL },
		{ "3489", EVIDENCE_REQUEST, -EINVAL },
		{ "112346789", EVIDENCE_QUOTE, -EINVAL },
		{ "21346789", EVIDENCE_QUOTE, -EINVAL },
		{ "12346798", EVIDENCE_QUOTE, -EINVAL },
		{ "012346789", EVIDENCE_QUOTE, -EINVAL },
		{ "12346789:", EVIDENCE_QUOTE, -EINVAL },
		{ "12346789", (enum evidence_kind)3, -EINVAL },
		{ "", EVIDENCE_QUOTE, -EINVAL },
	};
	struct evidence e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (make(cases[i].kind, cases[i].parts, sizeof(buf)) != cases[i].rc)
			fail_msg("parts %s of kind %d", cases[i].parts, cases[i].kind);
	assert_int_equal(make(EVIDENCE_QUOTE, "123456789", sizeof(buf)), 0);
	assert_int_equal(evidence_parse(buf, len, &e, NULL), 0);
	assert_int_equal(e.kind, EVIDENCE_QUOTE);
	assert_ptr_equal(e.bound, buf);
	assert_int_equal(e.bound_len, EVIDENCE_HEAD + 7 * 9);
	for (i = 1; i < EVIDENCE_PARTS; i++) {
		assert_int_equal(e.part[i].len, 1);
		assert_int_equal(e.part[i].buf[0], '0' + i);
	}
}

static void test_sizes(void **state)
{
	struct evidence_writer w;
	size_t max;

	(void)state;
	for (max = 0; max < EVIDENCE_HEAD + 8 * 9; max++)
		assert_int_equal(make(EVIDENCE_QUOTE, "12346789", max), -ENOSPC);
	assert_int_equal(make(EVIDENCE_QUOTE, "12346789", max), 0);
	evidence_begin(&w, buf, sizeof(buf), EVIDENCE_QUOTE);
	evidence_add(&w, EVIDENCE_REPORT, buf + 100, EVIDENCE_SMALL_MAX + 1);
	assert_int_equal(evidence_end(&w, &len), -EFBIG);
	evidence_begin(&w, buf, sizeof(buf), EVIDENCE_QUOTE);
	evidence_add(&w, EVIDENCE_EVENTLOG, buf + 100, EVIDENCE_EVENTLOG_MAX + 1);
	assert_int_equal(evidence_end(&w, &len), -EFBIG);
}

/* Each field of the container itself with another value, each cut: refused. */
static void test_forms(void **state)
{
	struct evidence e;
	size_t i, at;

	(void)state;
	assert_int_equal(make(EVIDENCE_REQUEST, "23489", sizeof(buf)), 0);
	for (i = 0; i < len; i++) {
		uint8_t *part = malloc(i ? i : 1);

		assert_non_null(part);
		memcpy(part, buf, i);
		assert_int_equal(evidence_parse(part, i, &e, NULL), -EBADMSG);
		free(part);
	}
	for (at = 0; at < len; at++) {
		size_t in_part = (at - EVIDENCE_HEAD) % 9;

		if (at >= EVIDENCE_HEAD && in_part == 8)
			continue; /* content */
		for (i = 0; i < 8; i++) {
			buf[at] ^= (uint8_t)(1 << i);
			if (evidence_parse(buf, len, &e, NULL) != -EBADMSG)
				fail_msg("bit %zu of byte %zu", i, at);
			buf[at] ^= (uint8_t)(1 << i);
		}
	}
	assert_int_equal(evidence_parse(buf, EVIDENCE_MAX + 1u, &e, NULL), -EFBIG);
	/* A length that wraps around. */
	be32_store(buf + EVIDENCE_HEAD + 4, 0xffffffffu);
	assert_int_equal(evidence_parse(buf, len, &e, NULL), -EBADMSG);
}

/* Computed with sha256sum: docs/attestation.md, as an auditor does. */
static void test_qualify(void **state)
{
	struct evidence_ask ask;
	uint8_t got[SHA256_SIZE], again[SHA256_SIZE], inner[SHA256_SIZE];
	uint8_t text[16 + 32 + 32 + 32];

	(void)state;
	memset(ask.nonce, 0xa1, sizeof(ask.nonce));
	memset(ask.channel, 0xc2, sizeof(ask.channel));
	evidence_qualify(&ask, (const uint8_t *)"abc", 3, got);
	sha256("abc", 3, inner);
	memcpy(text, "cairn-evidence-1", 16);
	memcpy(text + 16, ask.nonce, 32);
	memcpy(text + 48, ask.channel, 32);
	memcpy(text + 80, inner, 32);
	sha256(text, sizeof(text), again);
	assert_memory_equal(got, again, sizeof(got));
}

static struct report good_report(void)
{
	struct report r = {
		.version = "1.2.3-rc1",
		.release = 12,
		.slot = "b",
		.primary = "a",
		.secureboot = "unsupported",
		.verity = "corrupt",
		.verdict = "failed",
		.what = "service:netd",
		.why = "ended with status 111 3 times in a row",
		.good = { 1, 0 },
		.tries = { 3, 0 },
		.marked = 0,
		.uptime_ms = 123456789,
	};

	memset(r.root, 0xab, sizeof(r.root));
	return r;
}

static void test_report(void **state)
{
	struct report r = good_report(), got;
	char text[REPORT_TEXT_MAX], again[REPORT_TEXT_MAX];
	size_t n, n2, i;

	(void)state;
	assert_int_equal(report_format(&r, text, &n), 0);
	assert_int_equal(report_parse((const uint8_t *)text, n, &got, NULL), 0);
	assert_string_equal(got.version, r.version);
	assert_string_equal(got.why, r.why);
	assert_int_equal(got.uptime_ms, r.uptime_ms);
	assert_int_equal(got.tries[0], 3);
	assert_memory_equal(got.root, r.root, sizeof(r.root));
	/* What is read back gives the same text: one form only. */
	for (i = 0; i < 8 * n; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		if (report_parse((const uint8_t *)text, n, &got, NULL) == 0) {
			assert_int_equal(report_format(&got, again, &n2), 0);
			assert_int_equal(n, n2);
			assert_memory_equal(text, again, n);
		}
		text[i / 8] ^= (char)(1 << i % 8);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(report_parse((const uint8_t *)text, i, &got, NULL), -EBADMSG);
	text[n] = '\n';
	assert_int_equal(report_parse((const uint8_t *)text, n + 1, &got, NULL), -EBADMSG);
}

static void test_report_words(void **state)
{
	struct report r = good_report(), got;
	char text[REPORT_TEXT_MAX];
	size_t n;

	(void)state;
	(void)snprintf(r.why, sizeof(r.why), "two\nlines and \xc3\xa9");
	assert_int_equal(report_format(&r, text, &n), 0);
	assert_int_equal(report_parse((const uint8_t *)text, n, &got, NULL), 0);
	assert_string_equal(got.why, "two?lines and ??");
	memset(r.why, 'w', sizeof(r.why) - 1);
	memset(r.what, 'w', sizeof(r.what) - 1);
	memset(r.version, 'v', sizeof(r.version) - 1);
	r.release = r.uptime_ms = UINT64_MAX;
	assert_int_equal(report_format(&r, text, &n), 0); /* the longest fits */
	assert_int_equal(report_parse((const uint8_t *)text, n, &got, NULL), 0);
	r = good_report();
	(void)snprintf(r.slot, sizeof(r.slot), "c");
	assert_int_equal(report_format(&r, text, &n), -EINVAL);
	r = good_report();
	(void)snprintf(r.verdict, sizeof(r.verdict), "fine");
	assert_int_equal(report_format(&r, text, &n), -EINVAL);
	r = good_report();
	r.tries[1] = 4;
	assert_int_equal(report_format(&r, text, &n), -EINVAL);
	r = good_report();
	r.version[0] = '\0';
	assert_int_equal(report_format(&r, text, &n), -EINVAL);
	r = good_report();
	(void)snprintf(r.version, sizeof(r.version), "1 2");
	assert_int_equal(report_format(&r, text, &n), -EINVAL);
}

static void test_report_from_status(void **state)
{
	static struct status s;
	char text[REPORT_TEXT_MAX];
	struct report r;
	size_t n;

	(void)state;
	memset(&s, 0, sizeof(s)); /* nothing known: still a report */
	report_from_status(&s, &r);
	assert_int_equal(report_format(&r, text, &n), 0);
	assert_string_equal(r.version, "-");
	assert_string_equal(r.verdict, "starting");
	(void)snprintf(s.version, sizeof(s.version), "2.0.0");
	s.release = 9;
	memset(s.root_hash, 'a', 64);
	(void)snprintf(s.slot, sizeof(s.slot), "b");
	(void)snprintf(s.update.primary, sizeof(s.update.primary), "a");
	s.update.good[1] = 1;
	s.update.tries[0] = 2;
	s.update.marked = true;
	s.secureboot = STATUS_SECUREBOOT_ON;
	s.verity = STATUS_VERITY_OK;
	s.verdict.kind = STATUS_VERDICT_FAILED;
	(void)snprintf(s.verdict.what, sizeof(s.verdict.what), "data");
	(void)snprintf(s.verdict.why, sizeof(s.verdict.why), "it is full");
	s.uptime_ms = 77;
	report_from_status(&s, &r);
	assert_int_equal(report_format(&r, text, &n), 0);
	text[n] = '\0';
	assert_string_equal(text, "cairn-report 1\nversion=2.0.0\nrelease=9\n"
				  "root=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
				  "slot=b\nprimary=a\na=0 2\nb=1 0\nsecureboot=on\nverity=ok\n"
				  "verdict=failed\nwhat=data\nwhy=it is full\nmarked=1\n"
				  "uptime_ms=77\nend\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_qualify),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_words),
		cmocka_unit_test(test_report_from_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
