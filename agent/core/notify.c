// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

static long env_number(const char *name, long max)
{
	const char *text = getenv(name);
	char *end;
	long v = text && *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;

	return v < 0 || *end || v > max ? -1 : v;
}

void notify_init(struct notify *n)
{
	long ms = env_number("WATCHDOG_MS", 1L << 30);

	n->fd = (int)env_number("NOTIFY_FD", 1023);
	n->watchdog_ms = ms > 0 ? (uint32_t)ms : 0;
	n->next_ms = 0;
	if (n->fd >= 0 && fcntl(n->fd, F_SETFD, FD_CLOEXEC) < 0)
		n->fd = -1;
}

static void say(struct notify *n, const char *line)
{
	if (n->fd >= 0)
		(void)io_write(n->fd, line, strlen(line));
}

void notify_ready(struct notify *n)
{
	say(n, "READY=1\n");
}

void notify_alive(struct notify *n, uint64_t now_ms)
{
	if (n->fd < 0 || n->watchdog_ms == 0 || (n->next_ms && now_ms < n->next_ms))
		return;
	say(n, "WATCHDOG=1\n");
	n->next_ms = now_ms + n->watchdog_ms / 3;
}
