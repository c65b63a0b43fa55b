// SPDX-License-Identifier: Apache-2.0
/* Logs of real boots and the PCRs their TPMs had: tests/data/eventlog/README.md. The others are
 * built here from TCG PC Client Platform Firmware Profile 1.05 r23, section 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "eventlog.h"
#include "hex.h"
#include "io.h"

static uint8_t buf[65536];
static size_t len;
static struct err err;

static void load(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "tests/data/eventlog/%s.bin", name);
	assert_int_equal(io_read_file(path, buf, sizeof(buf), &len), 0);
}

static void check_real(const char *name, uint32_t events)
{
	static char text[4096];
	struct eventlog_pcrs pcrs;
	char path[128], *rest = text, *line;
	unsigned int nr, compared = 0;

	load(name);
	assert_int_equal(eventlog_replay(buf, len, &pcrs, &err), 0);
	assert_int_equal(pcrs.events, events);
	(void)snprintf(path, sizeof(path), "tests/data/eventlog/%s.pcrs", name);
	assert_int_equal(io_read_file(path, text, sizeof(text), NULL), 0);
	while ((line = strsep(&rest, "\n"))) {
		uint8_t want[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];

		if (sscanf(line, "%u %64s", &nr, hex) != 2)
			continue;
		assert_int_equal(hex_decode(hex, want, sizeof(want)), 0);
		assert_memory_equal(pcrs.pcr[nr], want, sizeof(want));
		compared++;
	}
	assert_int_equal(compared, 17);
}

static void test_sha256_bank(void **state)
{
	(void)state;
	check_real("sha256", 24);
}

static void test_four_banks(void **state)
{
	(void)state;
	check_real("banks4", 24);
}

/* Cut anywhere but between two events, it is refused. */
static void test_cut(void **state)
{
	struct eventlog log;
	struct eventlog_event e;
	struct eventlog_pcrs pcrs;
	size_t cut, whole = 0;

	(void)state;
	load("banks4");
	for (cut = 0; cut < len; cut++) {
		/* An allocation of that size, so that a sanitizer sees a byte too many. */
		uint8_t *part = malloc(cut ? cut : 1);
		int rc;

		assert_non_null(part);
		memcpy(part, buf, cut);
		rc = eventlog_replay(part, cut, &pcrs, &err);
		if (rc == 0)
			whole++;
		else
			assert_int_equal(rc, -EBADMSG);
		free(part);
	}
	assert_int_equal(eventlog_init(&log, buf, len, &err), 0);
	for (cut = 0; eventlog_next(&log, &e, &err) > 0; cut++)
		assert_int_equal(e.index, cut + 1);
	assert_int_equal(whole, cut);
}

/* A log by hand. */

static void begin(uint32_t algs)
{
	static const struct {
		uint16_t id, size;
	} alg[] = { { 0x000b, 32 }, { 0x0004, 20 } };
	uint32_t i;

	memset(buf, 0, sizeof(buf));
	le32_store(buf + 4, EVENTLOG_EV_NO_ACTION);
	le32_store(buf + 28, 28 + 4 * algs + 1);
	memcpy(buf + 32, "Spec ID Event03", 16);
	le32_store(buf + 32 + 24, algs);
	for (i = 0; i < algs; i++) {
		le16_store(buf + 32 + 28 + 4 * i, alg[i % 2].id);
		le16_store(buf + 32 + 30 + 4 * i, alg[i % 2].size);
	}
	len = 32 + 28 + 4 * algs + 1;
}

static void event(uint32_t pcr, uint32_t type, uint8_t fill, const void *data, uint32_t size)
{
	le32_store(buf + len, pcr);
	le32_store(buf + len + 4, type);
	le32_store(buf + len + 8, 1);
	le16_store(buf + len + 12, 0x000b);
	memset(buf + len + 14, fill, 32);
	le32_store(buf + len + 46, size);
	memcpy(buf + len + 50, data, size);
	len += 50 + size;
}

static int replay(struct eventlog_pcrs *pcrs)
{
	err.msg[0] = '\0';
	return eventlog_replay(buf, len, pcrs, &err);
}

static void test_empty(void **state)
{
	struct eventlog_pcrs pcrs;
	uint8_t ones[SHA256_SIZE];

	(void)state;
	begin(1);
	assert_int_equal(replay(&pcrs), 0);
	assert_int_equal(pcrs.events, 0);
	assert_int_equal(pcrs.extended, 0);
	memset(ones, 0xff, sizeof(ones));
	assert_memory_equal(pcrs.pcr[17], ones, sizeof(ones));
	assert_memory_equal(pcrs.pcr[22], ones, sizeof(ones));
	assert_int_equal(pcrs.pcr[16][0] | pcrs.pcr[23][0], 0);
}

static void test_startup_locality(void **state)
{
	struct eventlog_pcrs pcrs;
	uint8_t cat[2 * SHA256_SIZE], want[SHA256_SIZE];

	(void)state;
	begin(1);
	event(0, EVENTLOG_EV_NO_ACTION, 0, "StartupLocality\0\3", 17);
	event(0, 8, 0x11, "", 0);
	assert_int_equal(replay(&pcrs), 0);
	memset(cat, 0, SHA256_SIZE);
	cat[SHA256_SIZE - 1] = 3;
	memset(cat + SHA256_SIZE, 0x11, SHA256_SIZE);
	sha256(cat, sizeof(cat), want);
	assert_memory_equal(pcrs.pcr[0], want, sizeof(want));
	assert_int_equal(pcrs.extended, 1);
	/* After PCR 0 began, or for another PCR, it is a lie. */
	event(0, EVENTLOG_EV_NO_ACTION, 0, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&pcrs), -EBADMSG);
	begin(1);
	event(1, EVENTLOG_EV_NO_ACTION, 0, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&pcrs), -EBADMSG);
}

static void test_no_action_is_not_extended(void **state)
{
	struct eventlog_pcrs pcrs;

	(void)state;
	begin(1);
	event(0xffffffff, EVENTLOG_EV_NO_ACTION, 0x22, "vendor", 6);
	event(23, 13, 0x22, "x", 1);
	assert_int_equal(replay(&pcrs), 0);
	assert_int_equal(pcrs.events, 2);
	assert_int_equal(pcrs.extended, 1u << 23);
}

static void test_refused(void **state)
{
	struct eventlog_pcrs pcrs;
	size_t spec;

	(void)state;
	begin(1);
	event(24, 13, 0, "", 0);
	assert_int_equal(replay(&pcrs), -EBADMSG); /* no such PCR */
	begin(1);
	spec = len;
	event(1, 13, 0, "", 0);
	le32_store(buf + spec + 8, 2);
	assert_int_equal(replay(&pcrs), -EBADMSG); /* more digests than algorithms */
	le32_store(buf + spec + 8, 0);
	assert_int_equal(replay(&pcrs), -EBADMSG);
	le32_store(buf + spec + 8, 1);
	le16_store(buf + spec + 12, 0x000c);
	assert_int_equal(replay(&pcrs), -EBADMSG); /* an algorithm the head does not name */
	begin(1);
	event(1, 13, 0, "abc", 3);
	le32_store(buf + spec + 46, 0xffffffff);
	assert_int_equal(replay(&pcrs), -EBADMSG); /* a size past the end */
	begin(0);
	assert_int_equal(replay(&pcrs), -EBADMSG);
	begin(1);
	le16_store(buf + 32 + 28, 0x0004);
	le16_store(buf + 32 + 30, 20);
	assert_int_equal(replay(&pcrs), -ENOTSUP); /* SHA-1 only */
	begin(1);
	le16_store(buf + 32 + 30, 20);
	assert_int_equal(replay(&pcrs), -EBADMSG); /* a SHA-256 of 20 bytes */
	begin(3);
	assert_int_equal(replay(&pcrs), -EBADMSG); /* an algorithm twice */
	begin(1);
	buf[len - 1] = 1;
	assert_int_equal(replay(&pcrs), -EBADMSG); /* vendor bytes that are not there */
	begin(1);
	buf[32] = 's';
	assert_int_equal(replay(&pcrs), -EBADMSG);
	begin(1);
	le32_store(buf + 4, 1);
	assert_int_equal(replay(&pcrs), -EBADMSG);
	assert_int_equal(eventlog_replay(buf, EVENTLOG_SIZE_MAX + 1u, &pcrs, &err), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_bank),
		cmocka_unit_test(test_four_banks),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_startup_locality),
		cmocka_unit_test(test_no_action_is_not_extended),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
