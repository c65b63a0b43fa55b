// SPDX-License-Identifier: Apache-2.0
/*
 * update - the main part (agent/update/parts.h has the whole picture): starts the others, gives up
 * its rights, and then only waits: for them, for orders, and for the time.
 *
 * init starts it as user cairn-update with a few capabilities; none is left when it says READY.
 */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/notify.h"
#include "agent/core/parts.h"
#include "agent/core/sandbox.h"
#include "fault.h"
#include "io.h"
#include "parts.h"
#include "proto.h"

#define RUN_DIR "/run/cairn/update"
#define STATE_DIR "/data/cairn/update"

struct update {
	struct notify notify;
	int signal_fd, writer_fd, fetch_fd;
	pid_t writer, fetch;
};

uint64_t main_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Start-up, with rights. */

static int make_folder(const char *path, unsigned int mode, struct err *err)
{
	return mkdir(path, mode) && errno != EEXIST ? err_sys(err, -errno, "cannot make %s", path)
						    : 0;
}

static int make_places(struct err *err)
{
	int rc = make_folder("/run/cairn", 0755, err);

	rc = rc ? rc : make_folder(UPDATE_EMPTY_DIR, 0555, err);
	rc = rc ? rc : make_folder(UPDATE_MEDIA_DIR, 0755, err);
	rc = rc ? rc : make_folder(RUN_DIR, 0755, err);
	rc = rc ? rc : make_folder("/data/cairn", 0755, err);
	return rc ? rc : make_folder(STATE_DIR, 0700, err);
}

static int make_pair(int pair[2], struct err *err)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)
		       ? err_sys(err, -errno, "cannot make a socket pair")
		       : 0;
}

/* The parts have each other and main, and nothing else of main's. */
static int start_parts(struct update *u, struct err *err)
{
	int writer[2] = { -1, -1 }, fetch[2] = { -1, -1 }, source[2] = { -1, -1 };
	int rc, i;

	rc = make_pair(writer, err);
	rc = rc ? rc : make_pair(fetch, err);
	rc = rc ? rc : make_pair(source, err);
	for (i = 0; i < 2 && !rc; i++) {
		pid_t pid = fork();

		if (pid < 0)
			rc = err_sys(err, -errno, "cannot start a part");
		if (pid == 0) {
			io_close_p(&u->notify.fd);
			io_close_p(&writer[0]);
			io_close_p(&fetch[0]);
			io_close_p(i ? &writer[1] : &fetch[1]);
			io_close_p(&source[i ? 0 : 1]);
			_exit(i ? fetch_run(fetch[1], source[1])
				: writer_run(writer[1], source[0]));
		}
		*(i ? &u->fetch : &u->writer) = pid;
	}
	io_close_p(&writer[1]);
	io_close_p(&fetch[1]);
	io_close_p(&source[0]);
	io_close_p(&source[1]);
	u->writer_fd = writer[0];
	u->fetch_fd = fetch[0];
	if (!rc &&
	    (fcntl(u->writer_fd, F_SETFL, O_NONBLOCK) || fcntl(u->fetch_fd, F_SETFL, O_NONBLOCK)))
		rc = err_sys(err, -errno, "cannot prepare a socket");
	return rc;
}

static int drop_rights(struct err *err)
{
	const struct sandbox_caps none = { 0 };
	const struct sandbox_path paths[] = {
		{ "/run/cairn", SANDBOX_READ },
		{ RUN_DIR, SANDBOX_READ | SANDBOX_WRITE },
		{ "/etc/cairn", SANDBOX_READ },
		{ "/data/config", SANDBOX_READ },
		{ "/sys/class/watchdog", SANDBOX_READ },
		{ STATE_DIR, SANDBOX_READ | SANDBOX_WRITE },
	};
	/* As who init started us: the group that may use DATA's reserve stays. */
	int rc = sandbox_user(NULL, NULL, none, err);

	if (rc)
		return rc;
	rc = sandbox_paths(paths, sizeof(paths) / sizeof(paths[0]), err);
	if (rc && rc != -ENOSYS)
		return rc;
	return sandbox_limits(64, err);
}

static int catch_signals(struct update *u, struct err *err)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_sys(err, -errno, "cannot block signals");
	u->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return u->signal_fd < 0 ? err_sys(err, -errno, "cannot make a signalfd") : 0;
}

/* Returns 1 to end as asked, 0, or -errno where a part is lost. */
static int on_signal(struct update *u, struct err *err)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	if (read(u->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGTERM)
		return 1;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == u->writer || pid == u->fetch)
			return err_set(err, -ECHILD, "the %s part ended with status 0x%x",
				       pid == u->writer ? "writer" : "fetch", (unsigned int)status);
	return 0;
}

static int serve(struct update *u, struct err *err)
{
	for (;;) {
		struct pollfd fds[1] = { { .fd = u->signal_fd, .events = POLLIN } };
		uint64_t now = main_now_ms();
		int rc;

		notify_alive(&u->notify, now);
		if (poll(fds, 1, u->notify.next_ms > now ? (int)(u->notify.next_ms - now) : 1000) <
			    0 &&
		    errno != EINTR)
			return err_sys(err, -errno, "cannot wait");
		rc = fds[0].revents ? on_signal(u, err) : 0;
		if (rc)
			return rc < 0 ? rc : 0;
	}
}

static int run(struct update *u, struct err *err)
{
	int rc = make_places(err);

	fault_init();
	rc = rc ? rc : start_parts(u, err);
	rc = rc ? rc : catch_signals(u, err);
	rc = rc ? rc : drop_rights(err);
	if (rc)
		return rc;
	notify_ready(&u->notify);
	return serve(u, err);
}

int main(void)
{
	static struct update u = { .signal_fd = -1, .writer_fd = -1, .fetch_fd = -1 };
	struct err err = { "" };

	(void)signal(SIGPIPE, SIG_IGN);
	notify_init(&u.notify);
	if (run(&u, &err)) {
		(void)fprintf(stderr, "update: %s\n", err.msg);
		return 111;
	}
	return 0;
}
