// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/io.h"

#define CONSOLES_MAX 4
/* A serial line at 115200 baud drains 1 KiB in 90 ms. */
#define CONSOLE_PATIENCE_MS 250

static int consoles[CONSOLES_MAX];
static size_t console_count;
static int kmsg_fd = -1;

/*
 * Nobody reads what is typed: the receiver is off and nothing is echoed, so that no input can
 * write between our lines. A service with `tty=` (the development shell) turns both on again.
 */
static void deafen(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t))
		return;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
	t.c_cflag &= ~(tcflag_t)CREAD;
	(void)tcsetattr(fd, TCSANOW, &t);
}

static void open_one(const char *name)
{
	char path[64];
	int fd;

	if (console_count == CONSOLES_MAX)
		return;
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	deafen(fd);
	consoles[console_count++] = fd;
}

void console_open(void)
{
	char active[128], *p = active, *name;

	if (console_count)
		return;
	if (kmsg_fd < 0)
		kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (!io_read_file("/sys/class/tty/console/active", active, sizeof(active), NULL))
		while ((name = strsep(&p, " \n")))
			if (*name)
				open_one(name);
	if (!console_count)
		open_one("console");
}

static void write_bounded(int fd, const char *buf, size_t len)
{
	int patience = 2;

	while (len) {
		ssize_t n = write(fd, buf, len);
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };

		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		} else if (!patience-- || poll(&pfd, 1, CONSOLE_PATIENCE_MS) <= 0) {
			return;
		}
	}
}

void console_write(const char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < console_count; i++)
		write_bounded(consoles[i], buf, len);
}

void console_say(const char *fmt, ...)
{
	/* Level 7 (debug): kept for dmesg, not printed a second time. */
	char line[640] = "<7>cairn: ";
	const size_t level = 3, head = 10;
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	(void)vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len++] = '\n';
	console_write(line + level, len - level);
	if (kmsg_fd >= 0)
		(void)!write(kmsg_fd, line, len);
}
