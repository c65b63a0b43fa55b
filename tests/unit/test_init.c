// SPDX-License-Identifier: Apache-2.0
/* Parts of PID 1 that need no PID 1: the clock's floor, and the logs with a pipe of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"

/* The logs of this test lie in its own folder. */
#include "agent/init/log.h"
#undef LOG_DIR
#define LOG_DIR "."
#include "agent/init/clock.c" // NOLINT(bugprone-suspicious-include)
#include "agent/init/log.c"   // NOLINT(bugprone-suspicious-include)

static char said[4096];

void console_write(const char *buf, size_t len)
{
	size_t used = strlen(said);

	assert_true(used + len < sizeof(said));
	memcpy(said + used, buf, len);
	said[used + len] = '\0';
}

static void test_time(void **state)
{
	static const struct {
		const char *text;
		int64_t s; /* 0: refused */
	} cases[] = {
		{ "1795478400\n", 1795478400 },
		{ "1795478400", 1795478400 },
		{ "", 0 },
		{ "\n", 0 },
		{ "0", 0 },
		{ "1795478400x", 0 },
		{ "-1795478400", 0 },
		{ "1700000000", 0 }, /* before 2024 */
		{ "7258118401", 0 }, /* after 2200 */
		{ "99999999999999999999", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t s = 0;

		assert_int_equal(clock_parse_time(cases[i].text, &s), cases[i].s ? 0 : -EINVAL);
		assert_true(s == cases[i].s);
	}
	assert_true(clock_build_time("version=1\nbuild_time=1795478400\nx=1\n") == 1795478400);
	assert_true(clock_build_time("build_time=1795478400") == 1795478400);
	assert_true(clock_build_time("xbuild_time=1795478400\n") == 0);
	assert_true(clock_build_time("") == 0);
}

static void open_log(struct log *log, int *ret_write)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	log_init(log, "svc", true);
	log_attach(log, fds[0]);
	*ret_write = fds[1];
	said[0] = '\0';
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static const char *content(const char *path)
{
	static char text[2 * LOG_FILE_MAX];

	assert_int_equal(io_read_file(path, text, sizeof(text), NULL), 0);
	return text;
}

static void test_lines(void **state)
{
	struct log log;
	int fd;

	(void)state;
	open_log(&log, &fd);
	put(fd, "one\ncairn: ready \x1b[2J\ntw");
	log_read(&log, 1234);
	put(fd, "o\n\n\nlast words");
	log_drain(&log, 2000);
	assert_string_equal(content("svc"),
			    "1.234 one\n1.234 cairn: ready \x1b[2J\n2.000 two\n2.000 last words\n");
	assert_string_equal(said, "cairn: ready ?[2J\n");
	assert_string_equal(log.last, "last words");
	log_note(&log, 2001, "ended");
	assert_string_equal(log.last, "last words");
	assert_non_null(strstr(content("svc"), "2.001 init: ended\n"));
	(void)close(fd);
	log_read(&log, 2002);
	assert_int_equal(log.pipe_fd, -1);
}

/* Whatever comes, two files of 64 KiB; what is gone is counted to the byte. */
static void test_bound(void **state)
{
	struct log log;
	uint64_t stored = 0, now = 0;
	struct stat st, old;
	char line[513];
	int fd, i;

	(void)state;
	open_log(&log, &fd);
	memset(line, 'x', 512);
	line[511] = '\n';
	line[512] = '\0';
	for (i = 0; i < 1000; i++, now += LOG_WINDOW_MS) {
		put(fd, line);
		log_read(&log, now);
		stored += 512 + strlen("0.000 ") + (now >= 10000) + (now >= 100000);
	}
	assert_int_equal(stat("svc", &st), 0);
	assert_int_equal(stat("svc.1", &old), 0);
	assert_true(st.st_size <= LOG_FILE_MAX && old.st_size <= LOG_FILE_MAX);
	assert_true(log.lost_bytes == stored - (uint64_t)st.st_size - (uint64_t)old.st_size);
	assert_string_equal(said, "");
	(void)close(fd);
}

/* One that floods is not read before the window's end; a line without an end is cut. */
static void test_flood(void **state)
{
	static char flood[LOG_BURST_BYTES + 4096];
	struct log log;
	int fd;

	(void)state;
	open_log(&log, &fd);
	memset(flood, 'y', sizeof(flood));
	assert_int_equal(write(fd, flood, sizeof(flood)), sizeof(flood));
	assert_int_equal(log_due_ms(&log, 1000), 0);
	log_read(&log, 1000);
	assert_int_equal(log.window_used, LOG_BURST_BYTES);
	assert_int_equal(log_due_ms(&log, 1050), 1000 + LOG_WINDOW_MS);
	assert_int_equal(log_due_ms(&log, 1000 + LOG_WINDOW_MS), 0);
	log_read(&log, 1000 + LOG_WINDOW_MS);
	assert_int_equal(log.window_used, 4096);
	assert_true(log.line_used <= LOG_LINE_MAX);
	(void)close(fd);
}

static int go_to_scratch(void **state)
{
	static char dir[] = "/tmp/cairn-test-XXXXXX";

	*state = dir;
	return !mkdtemp(dir) || chdir(dir);
}

static int leave_scratch(void **state)
{
	(void)unlink("svc");
	(void)unlink("svc.1");
	return chdir("/") || rmdir(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, go_to_scratch, leave_scratch);
}
