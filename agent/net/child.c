// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"

#define TERM_TO_KILL_MS 2000u

void child_init(struct child *c)
{
	memset(c, 0, sizeof(*c));
	c->event_fd = -1;
}

static _Noreturn void fail_in_child(const char *what)
{
	(void)dprintf(2, "cannot start a helper: %s\n", what);
	_exit(111);
}

/* In the new process: nothing of ours but the event socket and the log. */
static _Noreturn void become(const struct child_command *cmd, int event_fd, pid_t parent)
{
	static char env_fd[] = CHILD_EVENT_ENV "=9";
	const char *const env[] = { env_fd, cmd->env, NULL };
	struct err err = { "" };
	sigset_t none;
	int null;

	_Static_assert(CHILD_EVENT_FD == 9, "env_fd names it");
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0)
		fail_in_child("/dev/null");
	/* dup2 onto itself would keep close-on-exec. */
	if (event_fd == CHILD_EVENT_FD ? fcntl(event_fd, F_SETFD, 0) < 0
				       : dup2(event_fd, CHILD_EVENT_FD) < 0)
		fail_in_child("event socket");
	if (sandbox_program(&cmd->privileges, &err))
		fail_in_child(err.msg);
	/* It ends with us, also where we ended before this line. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) || getppid() != parent)
		_exit(111);
	(void)execve(cmd->path, (char *const *)(uintptr_t)cmd->argv, (char *const *)(uintptr_t)env);
	fail_in_child(cmd->path);
}

static int spawn(struct child *c, child_command_fn *command, void *owner)
{
	struct child_command cmd = { 0 };
	pid_t self = getpid();
	int pair[2];
	pid_t pid;

	command(owner, &cmd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	pid = fork();
	if (pid < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return -errno;
	}
	if (pid == 0)
		become(&cmd, pair[1], self);
	(void)close(pair[1]);
	c->event_fd = pair[0];
	c->pid = pid;
	return 0;
}

static void gone(struct child *c)
{
	io_close_p(&c->event_fd);
	c->event_fd = -1;
	c->pid = 0;
}

void child_event(struct child *c, enum respawn_event event, uint64_t now_ms,
		 child_command_fn *command, void *owner)
{
	struct respawn_step step = respawn_next(c->state, event);

	if (event == RESPAWN_EXIT)
		gone(c);
	if (event == RESPAWN_TIMER)
		c->timer_ms = 0;
	c->state = step.next;
	switch (step.action) {
	case RESPAWN_SPAWN:
		c->timer_ms = 0;
		c->started_ms = now_ms;
		if (spawn(c, command, owner))
			child_event(c, RESPAWN_EXIT, now_ms, command, owner);
		break;
	case RESPAWN_TERM:
	case RESPAWN_KILL:
		if (c->pid > 0)
			(void)kill(c->pid, step.action == RESPAWN_TERM ? SIGTERM : SIGKILL);
		c->timer_ms = now_ms + TERM_TO_KILL_MS;
		break;
	case RESPAWN_ARM:
		c->timer_ms = now_ms + respawn_backoff_ms(&c->short_runs, now_ms - c->started_ms);
		break;
	case RESPAWN_DISARM:
		c->timer_ms = 0;
		break;
	case RESPAWN_NOTHING:
	case RESPAWN_ACTIONS:
		break;
	}
}

void child_want(struct child *c, bool wanted, uint64_t now_ms, child_command_fn *command,
		void *owner)
{
	child_event(c, wanted ? RESPAWN_WANT : RESPAWN_UNWANT, now_ms, command, owner);
}

int child_receive(struct child *c, void *ret_message, size_t size)
{
	for (;;) {
		struct iovec iov = { .iov_base = ret_message, .iov_len = size };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n = recvmsg(c->event_fd, &msg, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if ((size_t)n == size && !(msg.msg_flags & MSG_TRUNC))
			return 1;
	}
}
