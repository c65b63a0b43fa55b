// SPDX-License-Identifier: Apache-2.0
#include "qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEND_WAIT_MS 5000

void qmp_init(struct qmp *q, int fd)
{
	memset(q, 0, sizeof(*q));
	q->fd = fd;
}

static int send_line(struct qmp *q, const char *text, struct err *err)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(q->fd, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = q->fd, .events = POLLOUT };

			if (poll(&p, 1, SEND_WAIT_MS) == 0)
				return err_set(err, -ETIMEDOUT, "qemu does not take commands");
		} else if (n < 0 && errno != EINTR) {
			return err_sys(err, -errno, "control socket of qemu");
		}
	}
	return 0;
}

int qmp_send(struct qmp *q, const char *json, struct err *err)
{
	char line[2048];

	if (snprintf(line, sizeof(line), "%s\n", json) >= (int)sizeof(line))
		return err_set(err, -EMSGSIZE, "command for qemu: too long");
	q->sent++;
	return send_line(q, line, err);
}

int qmp_keys(struct qmp *q, const char *names, struct err *err)
{
	char json[1024] = "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[";
	size_t used = strlen(json);
	const char *sep = "";

	while (*names) {
		size_t n = strcspn(names, "-");

		if (n == 0 || n > 32 || used > sizeof(json) - 128)
			return err_set(err, -EINVAL, "key names: `%s'", names);
		used += (size_t)snprintf(json + used, sizeof(json) - used,
					 "%s{\"type\":\"qcode\",\"data\":\"%.*s\"}", sep, (int)n,
					 names);
		sep = ",";
		names += n + (names[n] == '-');
	}
	(void)snprintf(json + used, sizeof(json) - used, "],\"hold-time\":10}}");
	return qmp_send(q, json, err);
}

static int handle(struct qmp *q, const char *line, struct err *err)
{
	if (strncmp(line, "{\"QMP\"", 6) == 0)
		return qmp_send(q, "{\"execute\":\"qmp_capabilities\"}", err);
	if (strstr(line, "\"event\": \"RESET\"")) {
		/* The one that qemu starts with is not the guest's. */
		if (strstr(line, "\"guest\": true") || strstr(line, "guest-reset"))
			q->resets++;
		return 0;
	}
	if (strstr(line, "\"event\": \"SHUTDOWN\"")) {
		if (strstr(line, "guest-reset"))
			q->resets++;
		else
			q->shutdown = true;
		return 0;
	}
	if (strncmp(line, "{\"return\"", 9) != 0 && strncmp(line, "{\"error\"", 8) != 0)
		return 0;
	q->last_failed = line[2] == 'e';
	(void)snprintf(q->last, sizeof(q->last), "%.500s", line);
	q->answered++;
	q->ready = true;
	return 0;
}

int qmp_read(struct qmp *q, struct err *err)
{
	for (;;) {
		ssize_t n = read(q->fd, q->line + q->used, sizeof(q->line) - 1 - q->used);
		char *nl;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : err_sys(err, -errno, "control socket");
		if (n == 0)
			return err_set(err, -EPIPE, "qemu closed its control socket");
		q->used += (size_t)n;
		q->line[q->used] = '\0';
		while ((nl = memchr(q->line, '\n', q->used))) {
			int rc;

			*nl = '\0';
			rc = handle(q, q->line, err);
			if (rc)
				return rc;
			q->used -= (size_t)(nl + 1 - q->line);
			memmove(q->line, nl + 1, q->used);
		}
		if (q->used == sizeof(q->line) - 1)
			return err_set(err, -EMSGSIZE, "control socket: too long a line");
	}
}
