// SPDX-License-Identifier: Apache-2.0
/* A service of every bad habit: misbehave HABIT. See tests/e2e/20-init-ns.sh. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void notify(const char *line)
{
	const char *fd = getenv("NOTIFY_FD");

	if (fd)
		(void)!write(atoi(fd), line, strlen(line));
}

static _Noreturn void forever(void)
{
	for (;;)
		pause();
}

static char last_line[64];
static size_t last_len;

/* Says on the console that it was asked to end, and ends. */
static void told_to_end(int sig)
{
	(void)sig;
	(void)!write(1, last_line, last_len);
	_exit(0);
}

static _Noreturn void good(void)
{
	int n = snprintf(last_line, sizeof(last_line), "cairn: term %s\n", getenv("SERVICE"));

	last_len = n > 0 ? (size_t)n : 0;
	signal(SIGTERM, told_to_end);
	notify("READY=1\n");
	forever();
}

static _Noreturn void daemonize(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			signal(SIGTERM, SIG_IGN);
			forever();
		}
		_exit(0);
	}
	wait(NULL);
	_exit(1);
}

static _Noreturn void flood(void)
{
	char line[200];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (;;)
		(void)!write(1, line, sizeof(line));
}

static _Noreturn void close_all(void)
{
	int fd;

	notify("READY=1\n");
	for (fd = 0; fd < 64; fd++)
		close(fd);
	forever();
}

/* Children of children: init inherits them, dead. */
static _Noreturn void orphans(void)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (fork() == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		wait(NULL);
	}
	puts("orphans done");
	fflush(stdout);
	good();
}

static void copy_lines(const char *path)
{
	char line[256];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Uid", 3) || !strncmp(line, "Gid", 3) ||
		    !strncmp(line, "Groups", 6) || !strncmp(line, "Cap", 3) ||
		    !strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "SigBlk", 6) ||
		    !strncmp(line, "SigIgn", 6))
			fputs(line, stdout);
	if (f)
		fclose(f);
}

static _Noreturn void rights(void)
{
	int fd;

	copy_lines("/proc/self/status");
	for (fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("fd %d\n", fd);
	printf("sid %d cwd-ok\n", getsid(0) == getpid());
	fflush(stdout);
	good();
}

int main(int argc, char **argv)
{
	const char *habit = argc > 1 ? argv[1] : "";

	if (!strcmp(habit, "crash")) {
		puts("about to crash");
		fflush(stdout);
		abort();
	} else if (!strcmp(habit, "hang")) {
		signal(SIGTERM, SIG_IGN);
		forever();
	} else if (!strcmp(habit, "silent")) {
		notify("READY=1\nWATCHDOG=1\n");
		forever();
	} else if (!strcmp(habit, "stubborn")) {
		signal(SIGTERM, SIG_IGN);
		notify("READY=1\n");
		forever();
	} else if (!strcmp(habit, "once")) {
		return 0;
	} else if (!strcmp(habit, "daemonize")) {
		daemonize();
	} else if (!strcmp(habit, "flood")) {
		flood();
	} else if (!strcmp(habit, "close")) {
		close_all();
	} else if (!strcmp(habit, "orphans")) {
		orphans();
	} else if (!strcmp(habit, "rights")) {
		rights();
	}
	good();
}
