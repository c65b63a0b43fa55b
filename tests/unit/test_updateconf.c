// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "updateconf.h"

static struct updateconf conf;
static struct err err;

static int parse(const char *text)
{
	err.msg[0] = '\0';
	return updateconf_parse(&conf, (const uint8_t *)text, strlen(text), &err);
}

static void test_defaults(void **state)
{
	(void)state;
	updateconf_defaults(&conf);
	assert_int_equal(parse("# nothing\n\n  \n"), 0);
	assert_string_equal(conf.channel, "");
	assert_int_equal(conf.poll_s, 3600);
	assert_int_equal(conf.jitter_pct, 20);
	assert_int_equal(conf.health_window_s, 300);
	assert_int_equal(conf.ca, UPDATECONF_CA_PUBLIC);
	assert_false(conf.has_window);
	assert_false(conf.require_channel);
	assert_true(conf.reboot_auto);
	assert_true(conf.stick);
}

static void test_whole_and_over_it(void **state)
{
	(void)state;
	updateconf_defaults(&conf);
	assert_int_equal(parse("channel=https://updates.example.org:8443/stable/\n"
			       "name=stable\n"
			       " poll_s = 600 \r\n"
			       "jitter_pct=0\n"
			       "window=23:30-04:05\n"
			       "bandwidth_kib_s=512\n"
			       "proxy=http://proxy.example.org:3128\n"
			       "ca=operator\n"
			       "health_window_s=60\n"
			       "require=channel\n"
			       "reboot=ordered\n"
			       "stick=no"),
			 0);
	assert_string_equal(conf.channel, "https://updates.example.org:8443/stable/");
	assert_string_equal(conf.name, "stable");
	assert_int_equal(conf.poll_s, 600);
	assert_int_equal(conf.jitter_pct, 0);
	assert_true(conf.has_window);
	assert_int_equal(conf.window_from, 23 * 60 + 30);
	assert_int_equal(conf.window_to, 4 * 60 + 5);
	assert_int_equal(conf.bandwidth_kib_s, 512);
	assert_string_equal(conf.proxy, "http://proxy.example.org:3128");
	assert_int_equal(conf.ca, UPDATECONF_CA_OPERATOR);
	assert_int_equal(conf.health_window_s, 60);
	assert_true(conf.require_channel);
	assert_false(conf.reboot_auto);
	assert_false(conf.stick);
	/* The second file replaces what it says, and only that. */
	assert_int_equal(parse("channel=\nwindow=\nreboot=auto\n"), 0);
	assert_string_equal(conf.channel, "");
	assert_false(conf.has_window);
	assert_true(conf.reboot_auto);
	assert_int_equal(conf.poll_s, 600);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"poll\n",
		"poll_s=9\n",
		"poll_s=2592001\n",
		"poll_s=060\n",
		"poll_s=-60\n",
		"poll_s=\n",
		"poll_s=99999999999\n",
		"poll_s=60\npoll_s=60\n",
		"jitter_pct=51\n",
		"window=1:00-2:00\n",
		"window=01:00-24:00\n",
		"window=01:60-02:00\n",
		"window=01:00-01:00\n",
		"window=01:00,02:00\n",
		"channel=ftp://example.org/\n",
		"channel=example.org\n",
		"channel=http://\n",
		"channel=http:///x\n",
		"channel=http://user:password@example.org/\n",
		"channel=http://-x/\n",
		"channel=http://example.org/a b\n",
		"channel=http://example.org/#x\n",
		"channel=file://x\n",
		"channel=file:///\n",
		"channel=file:///media/../etc\n",
		"proxy=https://example.org:1\n",
		"proxy=http://example.org/x\n",
		"ca=all\n",
		"require=yes\n",
		"reboot=never\n",
		"stick=1\n",
		"name=a b\n",
		"name=a/b\n",
	};
	static const uint8_t nul[] = { 's', 't', 'i', 'c', 'k', '=', 'n', 'o', 0, '\n' };
	static char long_text[UPDATECONF_SIZE_MAX + 2];
	struct updateconf before;
	size_t i;

	(void)state;
	updateconf_defaults(&conf);
	before = conf;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		if (strncmp(err.msg, "line ", 5) != 0)
			fail_msg("%s: no line in `%s'", bad[i], err.msg);
		/* All of it or nothing. */
		assert_memory_equal(&conf, &before, sizeof(conf));
	}
	assert_int_equal(updateconf_parse(&conf, nul, sizeof(nul), &err), -EINVAL);
	memset(long_text, '\n', sizeof(long_text) - 1);
	assert_int_equal(parse(long_text), -EFBIG);
	memset(long_text, 'x', 1000);
	assert_int_equal(updateconf_parse(&conf, (const uint8_t *)long_text, 1000, &err), -EINVAL);
	assert_memory_equal(&conf, &before, sizeof(conf));
}

/* A file that a newer release wrote, read by an older one after a rollback. */
static void test_unknown_key(void **state)
{
	(void)state;
	updateconf_defaults(&conf);
	assert_int_equal(parse("channel=http://a/\nnewer_key=5\npoll_s=60\n"), 0);
	assert_string_equal(conf.channel, "http://a/");
	assert_int_equal(conf.poll_s, 60);
	assert_string_equal(err.msg, "line 2: unknown key newer_key, passed over");
}

static void test_urls(void **state)
{
	static const char *const good[] = { "http://a", "https://[2001:db8::1]:8443/x/",
					    "http://a/x?y=z", "file:///run/cairn/media/cairn" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!updateconf_url_ok(good[i]))
			fail_msg("refused: %s", good[i]);
}

/* What the release ships says what its comments say. */
static void test_shipped(void **state)
{
	char text[UPDATECONF_SIZE_MAX];

	(void)state;
	updateconf_defaults(&conf);
	if (io_read_file("rootfs/skeleton/etc/cairn/update.conf", text, sizeof(text), NULL))
		skip();
	if (parse(text) || err.msg[0])
		fail_msg("%s", err.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_whole_and_over_it),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_urls),
		cmocka_unit_test(test_unknown_key), cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
