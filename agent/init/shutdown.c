// SPDX-License-Identifier: Apache-2.0
#include "shutdown.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "console.h"
#include "watchdog.h"

#define DATA "/data"
#define STEP_MS 20

/* In a child: any of this may wait for a disk that no longer answers. */
static _Noreturn void write_out(void)
{
	int status = 0;

	/* EINVAL: the data program unmounted it itself, as it should. */
	if (umount2(DATA, 0) && errno != EINVAL && errno != ENOENT) {
		console_say("cannot unmount %s: %s; made read-only", DATA, strerror(errno));
		status = mount(NULL, DATA, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0;
	}
	sync();
	_exit(status);
}

/* Reap until the child has ended or the time is over; 0: still there. */
static pid_t wait_fed(pid_t pid, uint64_t deadline_ms)
{
	for (;;) {
		uint64_t now = clock_boot_ms();
		pid_t got = waitpid(pid, NULL, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD))
			return pid;
		if (got <= 0 && now >= deadline_ms)
			return 0;
		(void)watchdog_feed(now);
		if (got <= 0)
			(void)poll(NULL, 0, STEP_MS);
	}
}

_Noreturn void shutdown_finish(enum init_op order)
{
	pid_t child;

	(void)kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	child = fork();
	if (!child)
		write_out();
	if (child > 0 && !wait_fed(child, clock_boot_ms() + SHUTDOWN_DISK_MS))
		console_say("the disk does not answer; going down without it");
	console_say("%s", order == INIT_OP_REBOOT ? "restarting" : "power off");
	(void)reboot(order == INIT_OP_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
	/* The firmware refused. The watchdogs are no longer fed and restart the machine. */
	console_say("cannot %s: %s", order == INIT_OP_REBOOT ? "restart" : "power off",
		    strerror(errno));
	(void)poll(NULL, 0, 2 * WATCHDOG_TIMEOUT_S * 1000);
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		(void)pause();
}
