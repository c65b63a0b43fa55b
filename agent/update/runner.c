// SPDX-License-Identifier: Apache-2.0
/*
 * The part that runs the integrator's health checks, as user cairn-health: every executable of
 * HEALTH_DIR in the order of the names, one at a time, without arguments, input or shell. Exit
 * status 0 is well; anything else, or no end in time, is not, and the last line that the program
 * wrote to stderr says why.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "health.h"
#include "io.h"
#include "main.h"
#include "parts.h"

#define PROGRAMS_MAX 32
#define PATH_SIZE 128

/* The last line, as it comes in. */
struct tail {
	char line[HEALTH_WHY_SIZE];
	size_t used;
	bool ended; /* the next byte begins a new line */
};

static void tail_feed(struct tail *t, const char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			t->ended = true;
			continue;
		}
		if (t->ended)
			t->used = 0;
		t->ended = false;
		if (t->used + 1 < sizeof(t->line))
			t->line[t->used++] = (unsigned char)buf[i] < ' ' ? ' ' : buf[i];
		t->line[t->used] = '\0';
	}
}

static _Noreturn void child(const char *path, int err_fd)
{
	static char *const envp[] = { (char *)"PATH=/usr/bin:/usr/sbin:/bin:/sbin", NULL };
	char *argv[] = { (char *)path, NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(err_fd, 2) < 0)
		_exit(127);
	/* All that is above 2 is close-on-exec. */
	(void)execve(path, argv, envp);
	(void)dprintf(2, "cannot be run: %s\n", strerror(errno));
	_exit(127);
}

/* follow - until the program has closed its stderr or the time is over. */
static void follow(int fd, struct tail *t, uint64_t until_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = main_now_ms();
		char buf[512];
		ssize_t n;

		if (now >= until_ms)
			return;
		if (poll(&p, 1, (int)(until_ms - now)) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return;
		tail_feed(t, buf, (size_t)n);
	}
}

/* wait_for - its end, however it closed its stderr; -ETIME where it had to be killed. */
static int wait_for(pid_t pid, uint64_t until_ms)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (main_now_ms() >= until_ms) {
			(void)kill(-pid, SIGKILL);
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return -ETIME;
		}
		(void)poll(NULL, 0, 20);
	}
	/* What it left behind. */
	(void)kill(-pid, SIGKILL);
	return status;
}

static int run_one(const char *name, uint64_t until_ms, struct health_answer *a)
{
	struct tail t = { .used = 0 };
	char path[PATH_SIZE];
	int pipe_fd[2], status;
	pid_t pid;

	(void)snprintf(path, sizeof(path), HEALTH_DIR "/%.31s", name);
	(void)snprintf(a->what, sizeof(a->what), "%.31s", name);
	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		child(path, pipe_fd[1]);
	(void)close(pipe_fd[1]);
	if (pid < 0) {
		(void)close(pipe_fd[0]);
		return -errno;
	}
	follow(pipe_fd[0], &t, until_ms);
	(void)close(pipe_fd[0]);
	status = wait_for(pid, until_ms);
	a->ran++;
	if (status == 0)
		return 0;
	if (t.used)
		(void)snprintf(a->why, sizeof(a->why), "%s", t.line);
	else if (status == -ETIME)
		(void)snprintf(a->why, sizeof(a->why), "did not end in time");
	else if (WIFSIGNALED(status))
		(void)snprintf(a->why, sizeof(a->why), "ended by signal %d", WTERMSIG(status));
	else
		(void)snprintf(a->why, sizeof(a->why), "ended with status %d", WEXITSTATUS(status));
	return status == -ETIME ? -ETIME : -EPERM;
}

static int is_check(const struct dirent *e)
{
	char path[PATH_SIZE];
	struct stat st;

	if (e->d_name[0] == '.' || strlen(e->d_name) >= HEALTH_WHAT_SIZE)
		return 0;
	(void)snprintf(path, sizeof(path), HEALTH_DIR "/%.31s", e->d_name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

static void run_all(uint32_t limit_ms, struct health_answer *a)
{
	uint64_t until_ms = main_now_ms() + limit_ms;
	struct dirent **list = NULL;
	int n = scandir(HEALTH_DIR, &list, is_check, alphasort), i;

	for (i = 0; i < n; i++) {
		if (a->rc == 0 && i < PROGRAMS_MAX)
			a->rc = run_one(list[i]->d_name, until_ms, a);
		free(list[i]);
	}
	free(list);
	if (a->rc && !a->why[0])
		(void)snprintf(a->why, sizeof(a->why), "%s", strerror(-a->rc));
	if (!a->rc)
		a->what[0] = '\0';
}

int health_run(int main_fd)
{
	struct health_ask ask;
	struct err err = { "" };
	int rc;

	if (sandbox_enter(privileges_of("update-health"), &err)) {
		(void)dprintf(2, "health: %s\n", err.msg);
		return 111;
	}
	while ((rc = part_receive(main_fd, &ask, sizeof(ask))) > 0) {
		struct health_answer a = { .version = HEALTH_VERSION };

		if (ask.version != HEALTH_VERSION)
			return 111;
		run_all(ask.limit_ms, &a);
		if (part_send(main_fd, &a, sizeof(a)))
			return 111;
	}
	return rc == -EPIPE ? 0 : 111;
}
