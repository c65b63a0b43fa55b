// SPDX-License-Identifier: Apache-2.0
/*
 * Health: the built-in looks against an init, an agent and a disk of our own, and the part that
 * runs the integrator's programs, with programs that misbehave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/update/health.h"
#undef HEALTH_DIR
#define HEALTH_DIR "health.d"
#include "agent/update/runner.c" // NOLINT(bugprone-suspicious-include)

static uint64_t now;
static struct health h;
static int part_end;

uint64_t main_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(io_replace_file(path, text, strlen(text), mode), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* The part that runs the programs. */

static void program(const char *name, const char *script)
{
	char path[64], text[512];

	(void)snprintf(path, sizeof(path), HEALTH_DIR "/%s", name);
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file(path, text, 0755);
}

static struct health_answer run_them(uint32_t limit_ms)
{
	struct health_answer a = { .version = HEALTH_VERSION };

	run_all(limit_ms, &a);
	return a;
}

static int clear(void **state)
{
	(void)state;
	return system("rm -rf health.d ran probe* verdict dogs && mkdir health.d dogs"); // NOLINT
}

static void test_none(void **state)
{
	struct health_answer a;

	(void)state;
	a = run_them(1000);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.ran, 0);
	assert_int_equal(rmdir(HEALTH_DIR), 0);
	a = run_them(1000);
	assert_int_equal(a.rc, 0);
}

static void test_in_order(void **state)
{
	struct health_answer a;
	char ran[64];

	(void)state;
	program("20-b", "echo b >>ran; echo noise; echo noise >&2");
	program("10-a", "echo a >>ran; cat >&2; [ $# = 0 ]");
	program("30-c", "echo c >>ran");
	/* Not programs: no x, hidden, a folder. */
	write_file(HEALTH_DIR "/README", "x", 0644);
	program(".hidden", "exit 1");
	assert_int_equal(mkdir(HEALTH_DIR "/folder", 0755), 0);
	a = run_them(20000);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.ran, 3);
	assert_string_equal(a.what, "");
	assert_int_equal(io_read_file("ran", ran, sizeof(ran), NULL), 0);
	assert_string_equal(ran, "a\nb\nc\n");
}

static void test_fails(void **state)
{
	struct health_answer a;

	(void)state;
	program("10-well", "exit 0");
	program("20-sick", "echo first >&2; printf 'the \\tpump is off\\n' >&2; exit 3");
	program("30-never", "touch ran");
	a = run_them(20000);
	assert_int_not_equal(a.rc, 0);
	assert_int_equal(a.ran, 2);
	assert_string_equal(a.what, "20-sick");
	assert_string_equal(a.why, "the  pump is off");
	assert_int_not_equal(access("ran", F_OK), 0);
	program("20-sick", "exit 3");
	assert_string_equal(run_them(20000).why, "ended with status 3");
	program("20-sick", "kill -9 $$");
	assert_string_equal(run_them(20000).why, "ended by signal 9");
	write_file(HEALTH_DIR "/20-sick", "#!/no/such/interpreter\n", 0755);
	a = run_them(20000);
	assert_string_equal(a.why, "cannot be run: No such file or directory");
}

static void test_bad_habits(void **state)
{
	struct health_answer a;
	uint64_t begun;
	size_t i;

	(void)state;
	/* Never ends, and has closed its stderr. */
	program("10-hangs", "exec 2>&-; while :; do :; done");
	begun = main_now_ms();
	a = run_them(300);
	assert_int_equal(a.rc, -ETIME);
	assert_string_equal(a.why, "did not end in time");
	assert_true(main_now_ms() - begun < 10000);
	/* Leaves a child behind that holds stderr. */
	program("10-hangs", "(while :; do :; done) & exit 0");
	a = run_them(300);
	assert_int_equal(a.rc, 0);
	/* Writes without end: bounded, and the end of the line is what is kept. */
	program("10-hangs",
		"head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2; exit 1");
	a = run_them(20000);
	assert_string_equal(a.why, "end");
	program("10-hangs", "head -c 1000 /dev/zero | tr '\\0' x >&2; exit 1");
	a = run_them(20000);
	assert_int_equal(strlen(a.why), HEALTH_WHY_SIZE - 1);
	for (i = 0; a.why[i]; i++)
		assert_int_equal(a.why[i], 'x');
}

/* The looks. */

static struct status_service *service(const char *name, uint32_t health)
{
	struct status_service *s = &h.status.service[h.status.services++];

	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	s->health = health;
	return s;
}

static int watched(void **state)
{
	int pair[2];

	if (clear(state) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		return -1;
	memset(&h, 0, sizeof(h));
	initclient_init(&h.init);
	h.probe = "probe";
	h.verdict = "verdict";
	h.watchdogs = "dogs";
	h.part_fd = pair[0];
	part_end = pair[1];
	now = 1000000;
	h.status.services_known = true;
	(void)service("data", STATUS_OK);
	(void)service("install", STATUS_SKIPPED);
	write_file("verdict", "state=ready\nwhat=-\nwhy=\"\"\ntpm=2.0\n", 0644);
	health_begin(&h, 60, false, now);
	return 0;
}

static int unwatched(void **state)
{
	(void)state;
	(void)close(h.part_fd);
	(void)close(part_end);
	return 0;
}

static enum health_result turn(uint64_t ms)
{
	now += ms;
	return health_turn(&h, now);
}

static void programs_say(int rc, const char *what, const char *why)
{
	struct health_answer a = { .version = HEALTH_VERSION, .rc = rc };
	struct health_ask ask;

	assert_int_equal(part_receive(part_end, &ask, sizeof(ask)), 1);
	assert_in_range(ask.limit_ms, 1, 120000);
	(void)strcpy(a.what, what);
	(void)strcpy(a.why, why);
	assert_int_equal(part_send(part_end, &a, sizeof(a)), 0);
	assert_int_equal(health_part(&h, now), 0);
}

static void sick_is(const char *what, const char *why)
{
	struct health_ask ask;

	assert_int_equal(turn(6000), HEALTH_NOT_YET);
	assert_string_equal(h.what, what);
	assert_string_equal(h.why, why);
	assert_int_equal(part_receive(part_end, &ask, sizeof(ask)), 0);
}

static void test_healthy(void **state)
{
	(void)state;
	assert_int_equal(turn(0), HEALTH_NOT_YET);
	assert_int_equal(h.step, HEALTH_PROGRAMS);
	programs_say(0, "", "");
	assert_int_equal(turn(0), HEALTH_IS_GOOD);
	assert_int_equal(h.step, HEALTH_OFF);
	assert_int_not_equal(access("probe", F_OK), 0);
	assert_int_equal(turn(100000), HEALTH_NOT_YET);
}

static void test_looks(void **state)
{
	struct status_service *s;

	(void)state;
	health_begin(&h, 0, false, now);
	h.status.services_known = false;
	sick_is("init", "has not answered yet");
	h.status.services_known = true;
	s = service("netd", STATUS_STARTING);
	sick_is("service:netd", "is not up");
	(void)strcpy(s->reason, "ends at once");
	s->health = STATUS_FAILING;
	sick_is("service:netd", "ends at once");
	s->health = STATUS_STOPPED;
	s->critical = true;
	sick_is("service:netd", "ends at once");
	s->critical = false;
	write_file("verdict", "state=failed\nwhat=tpm\nwhy=\"does not answer\"\n", 0644);
	sick_is("tpm", "does not answer");
	write_file("verdict", "state=starting\nwhat=-\nwhy=\"\"\n", 0644);
	sick_is("-", "starting");
	assert_int_equal(unlink("verdict"), 0);
	sick_is("agent", "has given no verdict yet");
	write_file("verdict", "state=ready\n", 0644);
	write_file("dogs/watchdog0", "", 0644);
	sick_is("watchdog", "there is one, and init has not armed it");
	h.status.watchdog_s = 30;
	h.probe = "no-such-folder/probe";
	sick_is("data", "No such file or directory");
	h.probe = "probe";
	assert_int_equal(turn(6000), HEALTH_NOT_YET);
	programs_say(-EPERM, "10-pump", "is off");
	assert_string_equal(h.what, "10-pump");
	assert_string_equal(h.why, "is off");
}

static void test_sick_then_healthy(void **state)
{
	(void)state;
	assert_int_equal(turn(0), HEALTH_NOT_YET);
	programs_say(-EPERM, "10-pump", "is off");
	/* Not again at once, and again in time. */
	assert_int_equal(turn(1000), HEALTH_NOT_YET);
	assert_int_equal(h.step, HEALTH_LOOK);
	assert_int_equal(turn(5000), HEALTH_NOT_YET);
	programs_say(0, "", "");
	assert_int_equal(turn(0), HEALTH_IS_GOOD);
}

static void test_window(void **state)
{
	(void)state;
	assert_int_equal(unlink("verdict"), 0);
	assert_int_equal(turn(59000), HEALTH_NOT_YET);
	assert_int_equal(turn(1000), HEALTH_WINDOW_OVER);
	assert_string_equal(h.what, "agent");
	/* Once; later looks go on. */
	assert_int_equal(turn(1000), HEALTH_NOT_YET);
	/* Programs that do not end are over too. */
	write_file("verdict", "state=ready\n", 0644);
	health_begin(&h, 60, false, now);
	assert_int_equal(turn(0), HEALTH_NOT_YET);
	assert_int_equal(turn(60000), HEALTH_WINDOW_OVER);
	assert_string_equal(h.why, "the checks did not end in time");
}

static void test_channel(void **state)
{
	(void)state;
	health_begin(&h, 60, true, now);
	assert_int_equal(turn(0), HEALTH_WANTS_CHANNEL);
	assert_int_equal(turn(100), HEALTH_NOT_YET);
	health_channel(&h, "connection refused", now);
	assert_string_equal(h.what, "channel");
	assert_int_equal(turn(6000), HEALTH_WANTS_CHANNEL);
	health_channel(&h, NULL, now);
	programs_say(0, "", "");
	assert_int_equal(turn(0), HEALTH_IS_GOOD);
}

static int enter(void **state)
{
	static char dir[] = "/tmp/health.XXXXXX";

	*state = dir;
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int leave(void **state)
{
	if (clear(state) || system("rm -rf health.d dogs")) // NOLINT
		return -1;
	return chdir("/") || rmdir(*state) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_none, clear),
		cmocka_unit_test_setup(test_in_order, clear),
		cmocka_unit_test_setup(test_fails, clear),
		cmocka_unit_test_setup(test_bad_habits, clear),
		cmocka_unit_test_setup_teardown(test_healthy, watched, unwatched),
		cmocka_unit_test_setup_teardown(test_looks, watched, unwatched),
		cmocka_unit_test_setup_teardown(test_sick_then_healthy, watched, unwatched),
		cmocka_unit_test_setup_teardown(test_window, watched, unwatched),
		cmocka_unit_test_setup_teardown(test_channel, watched, unwatched),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
