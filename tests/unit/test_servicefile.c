// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "servicefile.h"

static int parse(const char *text, struct service_conf *c, struct err *err)
{
	return servicefile_parse("x", (const uint8_t *)text, strlen(text), c, err);
}

static void test_everything(void **state)
{
	static const char text[] = "# a comment\n"
				   "command=/bin/a  -x \"b c\" d\"e f\"g\n"
				   "user=root\n"
				   "groups=tpm adm\n"
				   "needs=data network\n"
				   "after=clock\n"
				   "type=notify\n"
				   "restart=on-failure\n"
				   "backoff_ms=100\n"
				   "max_backoff_ms=5000\n"
				   "reset_ms=1000\n"
				   "start_timeout_ms=0\n"
				   "stop_timeout_ms=300\n"
				   "watchdog_ms=2000\n"
				   "vital_ms=600000\n"
				   "memory_max=8M\n"
				   "pids_max=4\n"
				   "nofile=64\n"
				   "capabilities=CAP_NET_ADMIN CAP_CHECKPOINT_RESTORE\n"
				   "critical=yes\n"
				   "condition=!cmdline:cairn.install\n"
				   "oom_score_adj=-500\n"
				   "nice=-5\n"
				   "no_new_privs=no\n"
				   "console=yes\n"
				   "orders=yes\n"
				   "tty=/dev/ttyS0\n"
				   "runtime_dir=agent\n"
				   "state_dir=agent"; /* no newline at the end */
	struct service_conf c;
	struct err err = { "" };

	(void)state;
	if (parse(text, &c, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(c.argc, 4);
	assert_string_equal(c.text + c.argv[0], "/bin/a");
	assert_string_equal(c.text + c.argv[1], "-x");
	assert_string_equal(c.text + c.argv[2], "b c");
	assert_string_equal(c.text + c.argv[3], "de fg");
	assert_string_equal(c.user, "root");
	assert_string_equal(c.groups[1], "adm");
	assert_string_equal(c.needs[0], "data");
	assert_string_equal(c.needs[1], "network");
	assert_string_equal(c.needs[2], "");
	assert_string_equal(c.after[0], "clock");
	assert_int_equal(c.type, SERVICE_NOTIFY);
	assert_int_equal(c.restart, SERVICE_RESTART_ON_FAILURE);
	assert_int_equal(c.backoff_ms, 100);
	assert_int_equal(c.max_backoff_ms, 5000);
	assert_int_equal(c.reset_ms, 1000);
	assert_int_equal(c.start_timeout_ms, 0);
	assert_int_equal(c.stop_timeout_ms, 300);
	assert_int_equal(c.watchdog_ms, 2000);
	assert_int_equal(c.vital_ms, 600000);
	assert_int_equal(c.memory_max_bytes, 8 << 20);
	assert_int_equal(c.pids_max, 4);
	assert_int_equal(c.nofile, 64);
	assert_true(c.capabilities == (1ull << 12 | 1ull << 40));
	assert_true(c.critical && c.console && c.orders && !c.no_new_privs);
	assert_string_equal(c.condition, "!cmdline:cairn.install");
	assert_int_equal(c.oom_score_adj, -500);
	assert_int_equal(c.nice, -5);
	assert_string_equal(c.tty, "/dev/ttyS0");
	assert_string_equal(c.runtime_dir, "agent");
	assert_string_equal(c.state_dir, "agent");
}

static void test_defaults(void **state)
{
	struct service_conf c;
	struct err err = { "" };

	(void)state;
	assert_int_equal(parse("command=/a\nuser=root\n", &c, &err), 0);
	assert_int_equal(c.type, SERVICE_SIMPLE);
	assert_int_equal(c.restart, SERVICE_RESTART_ALWAYS);
	assert_int_equal(c.backoff_ms, 500);
	assert_int_equal(c.max_backoff_ms, 30000);
	assert_int_equal(c.memory_max_bytes, 64 << 20);
	assert_int_equal(c.pids_max, 32);
	assert_true(c.capabilities == 0 && c.no_new_privs && !c.critical && !c.orders);
}

static void test_refused(void **state)
{
#define OK "command=/a\nuser=root\n"
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "x: no command" },
		{ "command=/a\n", "x: no user" },
		{ "user=root\n", "x: no command" },
		{ OK "what=1\n", "x line 3: the key \"what\" is not known" },
		{ OK "# c\n\nuser=root\n", "x line 5: the key \"user\" is there twice" },
		{ OK "needs\n", "x line 3: no key=value" },
		{ OK "=1\n", "x line 3: the key \"\" is not known" },
		{ "command=a\nuser=root\n", "x line 1: command: the command is no absolute path" },
		{ "command=\nuser=root\n", "x line 1: command: the command is no absolute path" },
		{ "command=/a \"b\nuser=root\n", "x line 1: command: a quote is not closed" },
		{ "command=/a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\nuser=root\n",
		  "x line 1: command: more than 15 words" },
		{ OK "type=fork\n", "x line 3: type: \"fork\" is not known here" },
		{ OK "nice=20\n", "x line 3: nice: 20 is outside 0..19" },
		{ OK "nice=-21\n", "x line 3: nice: 21 is outside 0..20" },
		{ OK "nice=--1\n", "x line 3: nice: \"-1\" is no number" },
		{ OK "pids_max=0\n", "x line 3: pids_max: 0 is outside 1..32768" },
		{ OK "pids_max=1x\n", "x line 3: pids_max: \"1x\" is no number" },
		{ OK "pids_max=99999999999999999999\n",
		  "x line 3: pids_max: \"99999999999999999999\" is too large" },
		{ OK "memory_max=1K\n", "x line 3: memory_max: less than 256K" },
		{ OK "memory_max=17179869184G\n",
		  "x line 3: memory_max: 17179869184 is outside 1..8589934591" },
		{ OK "memory_max=G\n", "x line 3: memory_max: \"G\" is no number" },
		{ OK "critical=true\n", "x line 3: critical: \"true\" is neither yes nor no" },
		{ OK "capabilities=CAP_ROOT\n",
		  "x line 3: capabilities: \"CAP_ROOT\" is no capability" },
		{ OK "condition=x\n", "x line 3: condition: \"x\" is no condition (cmdline:KEY)" },
		{ OK "condition=cmdline:a b\n",
		  "x line 3: condition: \"cmdline:a b\" holds a key that cannot be" },
		{ OK "needs=\n", "x line 3: needs: a list without a name" },
		{ OK "needs=a b c d e f g h i\n", "x line 3: needs: more than 8 names" },
		{ OK "needs=../a\n", "x line 3: needs: \"../a\" is no name ([a-z][a-z0-9-]*)" },
		{ OK "state_dir=a/b\n",
		  "x line 3: state_dir: \"a/b\" is no name ([a-z][a-z0-9-]*)" },
		{ OK "tty=/etc/x\n", "x line 3: tty: \"/etc/x\" is no terminal below /dev" },
		{ OK "tty=/dev/../x\n", "x line 3: tty: \"/dev/../x\" is no terminal below /dev" },
		{ OK "backoff_ms=50000\n", "x: backoff_ms is above max_backoff_ms" },
		{ OK "type=oneshot\nrestart=always\n", "x: a oneshot cannot restart always" },
		{ OK "type=oneshot\nwatchdog_ms=1\n", "x: a oneshot has no watchdog" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct service_conf c;
		struct err err = { "" };

		assert_int_equal(parse(bad[i].text, &c, &err), -EINVAL);
		assert_string_equal(err.msg, bad[i].why);
		assert_string_equal(c.name, "x");
		assert_int_equal(c.argc, 0);
	}
}

static void test_bounds(void **state)
{
	struct service_conf c;
	struct err err = { "" };
	uint8_t buf[SERVICEFILE_MAX + 1];
	char line[600];

	(void)state;
	memset(buf, '\n', sizeof(buf));
	assert_int_equal(servicefile_parse("x", buf, sizeof(buf), &c, &err), -EFBIG);
	assert_int_equal(servicefile_parse("x", buf, sizeof(buf) - 1, &c, &err), -EINVAL);
	assert_string_equal(err.msg, "x: no command");
	memset(line, 'a', sizeof(line));
	memcpy(line, "command=/", 9);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(parse(line, &c, &err), -EINVAL);
	assert_string_equal(err.msg, "x line 1: longer than 512 bytes");
	assert_int_equal(servicefile_parse("x", (const uint8_t *)"a\0b", 3, &c, &err), -EINVAL);
	assert_string_equal(err.msg, "x line 1: holds a NUL");
	assert_int_equal(servicefile_parse("../x", buf, 0, &c, &err), -EINVAL);
	assert_int_equal(servicefile_parse("abcdefghijklmnopqrstuvwx", buf, 0, &c, &err), -EINVAL);
	/* One word of 503 bytes is the longest that a line can hold, and fits. */
	line[512] = '\0';
	(void)snprintf(line + 500, 20, "\nuser=root");
	assert_int_equal(parse(line, &c, &err), 0);
}

static void add(struct service_conf *c, const char *name, const char *needs, const char *after)
{
	char text[256];
	struct err err = { "" };

	(void)snprintf(text, sizeof(text), "command=/a\nuser=root\n%s%s%s%s%s%s",
		       needs[0] ? "needs=" : "", needs, needs[0] ? "\n" : "",
		       after[0] ? "after=" : "", after, after[0] ? "\n" : "");
	if (servicefile_parse(name, (const uint8_t *)text, strlen(text), c, &err))
		fail_msg("%s", err.msg);
}

static void test_resolve(void **state)
{
	struct service_conf c[8];

	(void)state;
	add(&c[0], "data", "", "");
	add(&c[1], "net", "data", "");
	add(&c[2], "agent", "net", "data nowhere");
	assert_int_equal(servicefile_resolve(c, 3), 0);
	assert_int_equal(c[1].needs_mask, 1);
	assert_int_equal(c[2].needs_mask, 2);
	assert_int_equal(c[2].after_mask, 1);

	add(&c[3], "lost", "gone", "");
	add(&c[4], "behind", "lost", "");
	assert_int_equal(servicefile_resolve(c, 5), 2);
	assert_string_equal(c[3].problem, "needs gone, which does not exist");
	assert_string_equal(c[4].problem, "needs lost, which cannot run");
	assert_string_equal(c[2].problem, "");
}

static void test_circles(void **state)
{
	struct service_conf c[8];

	(void)state;
	add(&c[0], "a", "b", "");
	add(&c[1], "b", "", "c");
	add(&c[2], "c", "a", "");
	add(&c[3], "self", "self", "");
	add(&c[4], "user", "a", "");
	add(&c[5], "free", "", "");
	assert_int_equal(servicefile_resolve(c, 6), 5);
	assert_string_equal(c[0].problem, "waits for itself: a -> b -> c -> a");
	assert_string_equal(c[1].problem, "waits for itself: b -> c -> a -> b");
	assert_string_equal(c[3].problem, "waits for itself: self -> self");
	assert_string_equal(c[4].problem, "needs a, which cannot run");
	assert_string_equal(c[5].problem, "");
}

/* What a full table of the worst links costs and gives: no overflow, an answer. */
static void test_full_table(void **state)
{
	static struct service_conf c[SERVICE_MAX];
	char name[8], next[8];
	size_t i;

	(void)state;
	for (i = 0; i < SERVICE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		(void)snprintf(next, sizeof(next), "s%zu", (i + 1) % SERVICE_MAX);
		add(&c[i], name, next, "");
	}
	assert_int_equal(servicefile_resolve(c, SERVICE_MAX), SERVICE_MAX);
}

/* The files that are shipped are understood, whole, in each variant. */
static size_t load(const char *dir, struct service_conf *c, size_t count)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return count;
	while ((e = readdir(d))) {
		char path[512], name[64];
		uint8_t buf[SERVICEFILE_MAX + 1];
		size_t len, n = strlen(e->d_name);
		struct err err = { "" };

		if (n < 6 || strcmp(e->d_name + n - 5, ".conf") != 0)
			continue;
		assert_true(count < SERVICE_MAX);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		(void)snprintf(name, sizeof(name), "%.*s", (int)(n - 5), e->d_name);
		assert_int_equal(io_read_file(path, buf, sizeof(buf), &len), 0);
		if (servicefile_parse(name, buf, len, &c[count++], &err))
			fail_msg("%s: %s", path, err.msg);
	}
	(void)closedir(d);
	return count;
}

static void test_shipped(void **state)
{
	static struct service_conf c[SERVICE_MAX];
	size_t count = load("rootfs/skeleton/etc/cairn/services", c, 0), i;

	(void)state;
	assert_true(count > 0);
	assert_int_equal(servicefile_resolve(c, count), 0);
	count = load("rootfs/skeleton-dev/etc/cairn/services", c, count);
	if (servicefile_resolve(c, count))
		for (i = 0; i < count; i++)
			if (c[i].problem[0])
				fail_msg("%s: %s", c[i].name, c[i].problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_resolve),	   cmocka_unit_test(test_circles),
		cmocka_unit_test(test_full_table), cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
