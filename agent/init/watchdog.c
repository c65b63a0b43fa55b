// SPDX-License-Identifier: Apache-2.0
#include "watchdog.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WATCHDOGS_MAX 4

static int fds[WATCHDOGS_MAX];
static size_t count;
static uint32_t timeout_s;
static uint64_t due_ms;

uint32_t watchdog_open(void)
{
	unsigned int i;

	for (i = 0; i < WATCHDOGS_MAX; i++) {
		char path[24];
		int fd, seconds = WATCHDOG_TIMEOUT_S;

		(void)snprintf(path, sizeof(path), "/dev/watchdog%u", i);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		/* A driver that cannot do 30 s says what it does instead. */
		if (ioctl(fd, WDIOC_SETTIMEOUT, &seconds) || seconds <= 0)
			if (ioctl(fd, WDIOC_GETTIMEOUT, &seconds) || seconds <= 0)
				seconds = WATCHDOG_TIMEOUT_S;
		fds[count++] = fd;
		if (!timeout_s || (uint32_t)seconds < timeout_s)
			timeout_s = (uint32_t)seconds;
	}
	return timeout_s;
}

uint64_t watchdog_feed(uint64_t now_ms)
{
	size_t i;

	if (!count)
		return 0;
	if (now_ms >= due_ms) {
		for (i = 0; i < count; i++)
			(void)ioctl(fds[i], WDIOC_KEEPALIVE, 0);
		due_ms = now_ms + (uint64_t)timeout_s * 1000 / 3;
	}
	return due_ms;
}

uint32_t watchdog_timeout_s(void)
{
	return timeout_s;
}
