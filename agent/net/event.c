// SPDX-License-Identifier: Apache-2.0
/*
 * net-event - what a shell script would be elsewhere: busybox's udhcpc, udhcpc6 and ntpd start it
 * with an action as argument and the facts in its environment. It checks them and sends one
 * message to the daemon that started the client, on the descriptor named in CAIRN_EVENT_FD.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/net/child.h"
#include "agent/net/event.h"

static const char *get_env(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

static long number(const char *name, long min, long max, long otherwise)
{
	const char *text = getenv(name);
	char *end;
	long v;

	if (!text || *text == '\0')
		return otherwise;
	v = strtol(text, &end, 10);
	return *end || v < min || v > max ? otherwise : v;
}

/* ntpd: step, stratum, periodic, unsync; stratum, poll_interval, freq_drift_ppm, offset. */
static int read_time(const char *action, struct net_event_time *ret_time)
{
	const char *offset = getenv("offset");
	struct net_event_time t = { 0 };
	double seconds = offset ? strtod(offset, NULL) : 0;

	if (strcmp(action, "step") != 0 && strcmp(action, "stratum") != 0 &&
	    strcmp(action, "periodic") != 0 && strcmp(action, "unsync") != 0)
		return -EINVAL;
	t.stepped = strcmp(action, "step") == 0;
	t.stratum = (uint32_t)number("stratum", 0, 16, 16);
	/* The client says 16 in the very event of its first step, and the truth in the next. */
	t.synced = t.stratum < 16 && strcmp(action, "unsync") != 0;
	t.poll_s = (uint32_t)number("poll_interval", 0, 1 << 20, 0);
	t.drift_ppm = number("freq_drift_ppm", -100000, 100000, 0);
	if (seconds > -1e9 && seconds < 1e9)
		t.offset_us = (int64_t)(seconds * 1e6);
	*ret_time = t;
	return 0;
}

int main(int argc, char **argv)
{
	struct net_event event;
	int fd = (int)number(CHILD_EVENT_ENV, 3, 1024, -1);
	int rc;

	if (argc < 2 || fd < 0) {
		(void)fprintf(stderr, "net-event: started by netd and timed only\n");
		return 100;
	}
	memset(&event, 0, sizeof(event));
	event.version = NET_EVENT_VERSION;
	if (getenv("interface")) {
		event.kind = NET_EVENT_LEASE;
		/* The daemon knows by the descriptor which client speaks; the family only helps
		 * here to read the environment. */
		rc = lease_read(argv[1], (unsigned int)number("CAIRN_FAMILY", 4, 6, 0), get_env,
				NULL, &event.lease);
	} else {
		event.kind = NET_EVENT_TIME;
		rc = read_time(argv[1], &event.time);
	}
	if (rc) {
		(void)fprintf(stderr, "net-event: %s: nothing that can be used\n", argv[1]);
		return 1;
	}
	if (send(fd, &event, sizeof(event), MSG_NOSIGNAL) != (ssize_t)sizeof(event)) {
		(void)fprintf(stderr, "net-event: %s: cannot send: %s\n", argv[1], strerror(errno));
		return 111;
	}
	return 0;
}
