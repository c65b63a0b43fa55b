// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diskconf.h"
#include "io.h"

static void test_shipped(void **state)
{
	static const struct {
		const char *name;
		unsigned int number;
	} parts[] = {
		{ "cairn-esp", 1 },    { "cairn-state", 2 },  { "cairn-boot-a", 3 },
		{ "cairn-root-a", 4 }, { "cairn-boot-b", 5 }, { "cairn-root-b", 6 },
		{ "cairn-data", 7 },   { "cairn-esp-2", 8 },
	};
	static uint8_t text[DISKCONF_MAX + 1];
	struct diskconf conf;
	struct err err = { "" };
	size_t len, i;

	(void)state;
	assert_int_equal(io_read_file("conf/disk.conf", text, sizeof(text), &len), 0);
	if (diskconf_parse(text, len, &conf, &err))
		fail_msg("conf/disk.conf: %s", err.msg);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_int_equal(diskconf_find(&conf, parts[i].name), parts[i].number);
	assert_int_equal(diskconf_find(&conf, "cairn"), 0);
	assert_int_equal(diskconf_find(&conf, ""), 0);
	/* Both slots alike, both ESPs alike. */
	assert_int_equal(conf.parts[2].size_mib, conf.parts[4].size_mib);
	assert_int_equal(conf.parts[3].size_mib, conf.parts[5].size_mib);
	assert_int_equal(conf.parts[0].size_mib, conf.parts[7].size_mib);
	assert_memory_equal(conf.parts[0].type, conf.parts[7].type, sizeof(conf.parts[0].type));
	for (i = 0; i < DISKCONF_PARTS_MAX; i++)
		assert_true(i == 6 || conf.parts[i].start_mib < conf.parts[6].start_mib);
}

#define TYPE "63616972-6e00-4000-8000-000000000002"
#define TOP "disk_guid=" TYPE "\nimage_mib=20\n"
#define P1 "p1_name=cairn-a\np1_type=" TYPE "\np1_guid=" TYPE "\np1_start_mib=1\np1_size_mib=4\n"
#define P2 "p2_name=cairn-b\np2_type=" TYPE "\np2_guid=" TYPE "\n"

static void test_texts(void **state)
{
	static const struct {
		const char *text, *why; /* NULL: good */
	} cases[] = {
		{ TOP P1, NULL },
		{ "# c\r\n\n" TOP P1 P2 "p2_start_mib=5\np2_size_mib=14 \t\n", NULL },
		{ TOP P1 P2 "p2_start_mib=5\np2_size_mib=15\n", "ends after MiB 19" },
		{ TOP P1 P2 "p2_start_mib=4\np2_size_mib=2\n", "overlap" },
		{ TOP P1 P2 "p2_start_mib=0\np2_size_mib=2\n", "cannot be `0`" },
		{ TOP P1 P2 "p2_start_mib=5\n", "go together" },
		{ TOP P1 P2 "p2_start_mib=5\np2_size_mib=-1\n", "cannot be `-1`" },
		{ TOP P1 P2 "p2_start_mib=5\np2_size_mib=16777217\n", "cannot be" },
		{ TOP P1 P2 "p2_start_mib=5\np2_size_mib=99999999999999999999\n", "cannot be" },
		{ TOP P1 "p1_size_mib=4\n", "twice" },
		{ TOP P1 "image_mib=4\n", "twice" },
		{ TOP P1 "p9_size_mib=4\n", "unknown key" },
		{ TOP P1 "p0_size_mib=4\n", "unknown key" },
		{ TOP P1 "p1_colour=4\n", "unknown key" },
		{ TOP P1 "p1\n", "line 8: no key=value" },
		{ TOP P1 "=\n", "unknown key" },
		{ TOP P1 "p2_name=A\n", "cannot be `A`" },
		{ TOP P1 "p2_name=\n", "cannot be" },
		{ TOP P1 "p2_name=0123456789012345678901234567890123456789\n", "cannot be" },
		{ TOP P1 "p2_guid=1\n", "cannot be" },
		{ TOP, "no partitions" },
		{ P1, "both needed" },
		{ "", "both needed" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diskconf conf;
		struct err err = { "" };
		int rc = diskconf_parse((const uint8_t *)cases[i].text, strlen(cases[i].text),
					&conf, &err);

		if (rc != (cases[i].why ? -EINVAL : 0) ||
		    (cases[i].why && !strstr(err.msg, cases[i].why)))
			fail_msg("case %zu: %d %s", i, rc, err.msg);
	}
}

static void test_size(void **state)
{
	static uint8_t text[DISKCONF_MAX + 1];
	struct diskconf conf;

	(void)state;
	memset(text, '#', sizeof(text));
	assert_int_equal(diskconf_parse(text, sizeof(text), &conf, NULL), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
