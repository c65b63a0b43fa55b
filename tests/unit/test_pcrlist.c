// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "io.h"
#include "pcrlist.h"
#include "testlog.h"

#define APPLICATION 0x80000003u
#define PCRS (1u << 0 | 1u << 4 | 1u << 7 | 1u << 9)

/* A start: PCR, type, text of each event. */
struct event {
	uint32_t pcr, type;
	const char *text;
};
static const struct event start[] = {
	{ 0, 8, "version" },
	{ 7, 0x80000001, "SecureBoot" },
	{ 4, 5, "Calling EFI Application from Boot Option" },
	{ 7, 4, "separator" },
	{ 4, 4, "separator" },
	{ 1, 4, "separator" },
	{ 4, APPLICATION, "grub" },
	{ 8, 13, "set check_signatures=enforce" },
	{ 9, 13, "slot.cfg" },
	{ 9, 13, "vmlinuz" },
	{ 4, APPLICATION, "kernel" },
	{ 9, 6, "options" },
};
enum { EVENTS = sizeof(start) / sizeof(start[0]) };

static struct testlog log_;
static struct pcrlist list;
static struct pcrlist_result result;
static struct err err;

static void make(const struct event *events, size_t n)
{
	size_t i;

	testlog_init(&log_);
	for (i = 0; i < n; i++)
		testlog_add(&log_, events[i].pcr, events[i].type, events[i].text);
}

static void add(uint32_t pcr, const char *a, const char *b, const char *what)
{
	uint8_t digest[2][SHA256_SIZE];

	sha256(a, strlen(a), digest[0]);
	if (b)
		sha256(b, strlen(b), digest[1]);
	assert_int_equal(
		pcrlist_add(&list, pcr, (const uint8_t(*)[SHA256_SIZE])digest, b ? 2 : 1, what), 0);
}

/* The firmware's part as in `start`, then this release. */
static void reference(void)
{
	make(start, EVENTS);
	pcrlist_init(&list, PCRS);
	assert_int_equal(pcrlist_add_firmware(&list, log_.buf, log_.len, &err), 0);
	assert_int_equal(list.n, 5);
	add(4, "old grub", "grub", "boot loader");
	add(4, "kernel", NULL, "kernel");
	add(9, "slot.cfg", NULL, "slot.cfg");
	add(9, "vmlinuz", NULL, "vmlinuz");
	add(9, "options", NULL, "command line");
}

static enum pcrlist_verdict check(void)
{
	assert_int_equal(pcrlist_check(&list, log_.buf, log_.len, &result, &err), 0);
	pcrlist_explain(&result, &err);
	return result.verdict;
}

static void test_match(void **state)
{
	struct event other[EVENTS];

	(void)state;
	reference();
	assert_int_equal(check(), PCRLIST_MATCH);
	assert_string_equal(err.msg, "");
	/* The order of two PCRs says nothing; PCRs 1 and 8 are not judged. */
	memcpy(other, start, sizeof(start));
	other[0] = start[1];
	other[1] = start[0];
	other[5].text = other[7].text = "another";
	make(other, EVENTS);
	assert_int_equal(check(), PCRLIST_MATCH);
	/* The other loader that is allowed. */
	other[6].text = "old grub";
	make(other, EVENTS);
	assert_int_equal(check(), PCRLIST_MATCH);
}

/* Each judged event changed, left out, doubled, marked as no action, moved to another PCR. */
static void test_each_event(void **state)
{
	struct event other[EVENTS + 1];
	size_t i;

	(void)state;
	reference();
	for (i = 0; i < EVENTS; i++) {
		bool judged = PCRS & 1u << start[i].pcr;

		memcpy(other, start, sizeof(start));
		other[i].text = "changed";
		make(other, EVENTS);
		assert_int_equal(check(), judged ? PCRLIST_OTHER : PCRLIST_MATCH);
		if (judged) {
			assert_int_equal(result.got.index, i + 1);
			assert_int_equal(result.pcr, start[i].pcr);
		}

		memcpy(other, start, i * sizeof(start[0]));
		memcpy(other + i, start + i + 1, (EVENTS - 1 - i) * sizeof(start[0]));
		make(other, EVENTS - 1);
		assert_true((check() != PCRLIST_MATCH) == judged);

		memcpy(other, start, (i + 1) * sizeof(start[0]));
		memcpy(other + i + 1, start + i, (EVENTS - i) * sizeof(start[0]));
		make(other, EVENTS + 1);
		assert_true((check() != PCRLIST_MATCH) == judged);

		memcpy(other, start, sizeof(start));
		other[i].type = EVENTLOG_EV_NO_ACTION;
		make(other, EVENTS);
		assert_true((check() != PCRLIST_MATCH) == judged);

		/* Another type alone is no difference: nothing vouches for it. */
		other[i].type = 0x12345678;
		make(other, EVENTS);
		assert_int_equal(check(), PCRLIST_MATCH);

		other[i].pcr = start[i].pcr == 9 ? 4 : 9;
		make(other, EVENTS);
		assert_int_not_equal(check(), PCRLIST_MATCH);
	}
}

static void test_words(void **state)
{
	struct event other[EVENTS + 1];

	(void)state;
	reference();
	memcpy(other, start, sizeof(start));
	other[6].text = "evil grub";
	make(other, EVENTS);
	assert_int_equal(check(), PCRLIST_OTHER);
	assert_non_null(strstr(err.msg, "PCR 4, event 3 (7 of the log): expected boot loader ("));
	assert_non_null(strstr(err.msg, "or another that is allowed"));
	assert_non_null(strstr(err.msg, "got boot application ("));

	make(start, EVENTS - 1);
	assert_int_equal(check(), PCRLIST_MISSING);
	assert_non_null(strstr(err.msg, "PCR 9, event 3: expected command line ("));
	assert_non_null(strstr(err.msg, "got the end of the log"));
	assert_null(result.got.digest);

	memcpy(other, start, sizeof(start));
	other[EVENTS] = (struct event){ 9, 13, "one more" };
	make(other, EVENTS + 1);
	assert_int_equal(check(), PCRLIST_MORE);
	assert_string_equal(
		err.msg, "PCR 9, event 4 (13 of the log): expected nothing more, got boot loader "
			 "\"one more\" (58094382d8457966...)");
	assert_null(result.expected);
}

static void test_refused(void **state)
{
	uint8_t digest[5][SHA256_SIZE] = { 0 };
	const uint8_t(*d)[SHA256_SIZE] = (const uint8_t(*)[SHA256_SIZE])digest;
	uint32_t i;

	(void)state;
	pcrlist_init(&list, PCRS);
	assert_int_equal(pcrlist_add(&list, 8, d, 1, "not judged"), -EINVAL);
	assert_int_equal(pcrlist_add(&list, 32, d, 1, "none"), -EINVAL);
	assert_int_equal(pcrlist_add(&list, 4, d, 0, "none"), -EINVAL);
	assert_int_equal(pcrlist_add(&list, 4, d, 5, "too many"), -EINVAL);
	for (i = 0; i < PCRLIST_EVENTS_MAX; i++)
		assert_int_equal(pcrlist_add(&list, 4, d, 4, "one"), 0);
	assert_int_equal(pcrlist_add(&list, 4, d, 1, "too many"), -ENOSPC);

	/* An empty list takes nothing, a cut log matches nothing. */
	pcrlist_init(&list, PCRS);
	make(start, EVENTS);
	assert_int_equal(check(), PCRLIST_MORE);
	assert_int_equal(pcrlist_check(&list, log_.buf, log_.len - 1, &result, &err), -EBADMSG);
	/* A reference start without GRUB is none. */
	make(start, 6);
	assert_int_equal(pcrlist_add_firmware(&list, log_.buf, log_.len, &err), -ENOTSUP);
}

/* Descriptions of the events of a real firmware. */
static void test_describe(void **state)
{
	static const struct {
		uint32_t index;
		const char *text;
	} want[] = {
		{ 2, "firmware volume" },
		{ 4, "variable SecureBoot" },
		{ 9, "separator" },
		{ 10, "boot application kernel" },
		{ 12, "boot variable Boot0000" },
		{ 13, "firmware action \"Calling EFI Application from Boot Option\"" },
		{ 21, "tagged event \"LOADED_IMAGE::LoadOptions\"" },
	};
	static uint8_t buf[8192];
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	char text[80], small[8];
	size_t len, i = 0;

	(void)state;
	assert_int_equal(io_read_file("tests/data/eventlog/sha256.bin", buf, sizeof(buf), &len), 0);
	assert_int_equal(eventlog_init(&walk, buf, len, &err), 0);
	while (eventlog_next(&walk, &e, &err) > 0 && i < sizeof(want) / sizeof(want[0])) {
		if (e.index != want[i].index)
			continue;
		pcrlist_describe(&e, text, sizeof(text));
		assert_string_equal(text, want[i].text);
		pcrlist_describe(&e, small, sizeof(small));
		assert_int_equal(strlen(small), 7);
		assert_memory_equal(small, text, 7);
		i++;
	}
	assert_int_equal(i, sizeof(want) / sizeof(want[0]));
	e.type = 0x1234;
	e.data = (const uint8_t *)"a\nb";
	e.data_len = 3;
	pcrlist_describe(&e, text, sizeof(text));
	assert_string_equal(text, "event of type 0x1234");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),	 cmocka_unit_test(test_each_event),
		cmocka_unit_test(test_words),	 cmocka_unit_test(test_refused),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
