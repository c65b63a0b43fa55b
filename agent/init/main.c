// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1. Sets the machine up, then runs one poll loop: services, their pipes, the control
 * socket, the watchdogs. It must never end (the kernel would panic) and never wait: what can
 * block, such as the disk, is done by children. After start-up it takes no memory.
 */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/core/sandbox.h"
#include "clock.h"
#include "console.h"
#include "control.h"
#include "lib/io.h"
#include "setup.h"
#include "shutdown.h"
#include "supervisor.h"
#include "watchdog.h"

/* Dead children taken a round, so that a storm of them starves nobody. */
#define REAP_MAX 64
/* The longest sleep: bounds what a lost event could cost. */
#define SLEEP_MAX_MS 60000

static uint64_t start_ms;

uint64_t main_start_ms(void)
{
	return start_ms;
}

/* 0, 1 and 2 lead nowhere: PID 1 reads no console, and its number 0 is never a client's. */
static void close_standard(void)
{
	int fd = open("/dev/null", O_RDWR), i;

	if (fd < 0)
		return;
	for (i = 0; i < 3; i++)
		if (fd != i)
			(void)dup2(fd, i);
	if (fd > 2)
		(void)close(fd);
}

static int block_signals(void)
{
	sigset_t all;
	int sig;

	/* Nothing from outside can end PID 1; only what says that a child ended is of interest. */
	(void)sigfillset(&all);
	for (sig = 1; sig < NSIG; sig++)
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
		    sig == SIGABRT)
			(void)sigdelset(&all, sig);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)sigemptyset(&all);
	(void)sigaddset(&all, SIGCHLD);
	return signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void raise_clock(void)
{
	char text[1024];
	int64_t built;

	if (io_read_file("/etc/cairn/release", text, sizeof(text), NULL))
		return;
	built = clock_build_time(text);
	if (built && clock_raise(built) == 1)
		console_say("the clock was behind the build's time and was set to it");
	if (strstr(text, "\nvariant=dev\n") || !strncmp(text, "variant=dev\n", 12))
		console_say("INSECURE DEVELOPMENT VARIANT: root shell on ttyS0 without a password");
}

static void spare_from_oom(void)
{
	int fd _cleanup_close_ = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)io_write(fd, "-1000", 5);
}

static void reap(int signal_fd, uint64_t now_ms)
{
	struct signalfd_siginfo si;
	int i;

	while (read(signal_fd, &si, sizeof(si)) == sizeof(si))
		;
	for (i = 0; i < REAP_MAX; i++) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return;
		supervisor_ended(pid, status, now_ms);
	}
	/* More are waiting; their signal is used up, so it is given again. */
	(void)kill(getpid(), SIGCHLD);
}

static int sleep_ms(uint64_t now_ms, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t due[] = { a, b, c };
	uint64_t ms = SLEEP_MAX_MS;
	size_t i;

	for (i = 0; i < 3; i++) {
		if (due[i] && due[i] <= now_ms)
			return 0;
		if (due[i] && due[i] - now_ms < ms)
			ms = due[i] - now_ms;
	}
	return (int)ms;
}

static _Noreturn void run(int signal_fd)
{
	static struct pollfd fds[1 + CONTROL_FDS + SUPERVISOR_FDS];
	enum init_op order = 0;
	uint64_t deadline_ms = 0;

	for (;;) {
		uint64_t now = clock_boot_ms(), services_due = supervisor_tick(now);
		uint64_t watchdog_due = watchdog_feed(now);
		size_t n = 1 + CONTROL_FDS;
		const char *vital = order ? NULL : supervisor_vital_late(now);
		enum init_op asked;

		if (vital) {
			console_say("reboot: service %s was not well for too long", vital);
			order = INIT_OP_REBOOT;
			deadline_ms = now + SHUTDOWN_SERVICES_MS;
			supervisor_stop_all(now);
		}

		if (order && (supervisor_stopped() || now >= deadline_ms)) {
			char alive[256];

			supervisor_name_alive(alive, sizeof(alive));
			if (alive[0])
				console_say("these services did not end in time:%s", alive);
			shutdown_finish(order);
		}
		fds[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		control_poll_fill(fds + 1);
		n += supervisor_poll_fill(fds + n, now);
		if (poll(fds, n, sleep_ms(now, services_due, watchdog_due, deadline_ms)) < 0)
			continue;
		now = clock_boot_ms();
		supervisor_poll_take(fds + 1 + CONTROL_FDS, n - 1 - CONTROL_FDS, now);
		if (fds[0].revents)
			reap(signal_fd, now);
		asked = control_poll_take(fds + 1, now,
					  order ? INIT_PHASE_STOPPING : INIT_PHASE_RUNNING);
		if (asked && !order) {
			order = asked;
			deadline_ms = now + SHUTDOWN_SERVICES_MS;
			supervisor_stop_all(now);
		}
	}
}

int main(void)
{
	static char cmdline[4096];
	struct err err = { "" };
	int signal_fd, rc;

	start_ms = clock_boot_ms();
	if (getpid() != 1)
		return 100;
	(void)reboot(RB_DISABLE_CAD);
	console_open();
	setup_mounts();
	close_standard();
	console_open();
	signal_fd = block_signals();
	spare_from_oom();
	(void)watchdog_open();
	(void)watchdog_feed(clock_boot_ms());
	setup_devices();
	setup_sysctls();
	setup_host();
	raise_clock();
	rc = control_open();
	if (rc)
		console_say("cannot open %s: %s", INIT_SOCKET, strerror(-rc));
	if (io_read_file("/proc/cmdline", cmdline, sizeof(cmdline), NULL))
		cmdline[0] = '\0';
	supervisor_load(cmdline);
	/* All that ever runs is started by us: it inherits this. */
	if (sandbox_guard(&err))
		console_say("%s", err.msg);
	/* From here on no page of PID 1 depends on a disk that may fail. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		console_say("cannot lock memory: %s", strerror(errno));
	run(signal_fd);
}
