// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "console.h"
#include "lib/service.h"
#include "main.h"
#include "supervisor.h"
#include "watchdog.h"

#define CLIENT_IDLE_MS 10000

static int listen_fd = -1;
static struct client {
	int fd; /* 0: none (0 is /dev/null in PID 1) */
	uint64_t asked_ms;
} clients[INIT_CLIENTS];

int control_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = INIT_SOCKET };

	listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listen_fd < 0)
		return -errno;
	(void)unlink(INIT_SOCKET);
	if (bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)) || chmod(INIT_SOCKET, 0666) ||
	    listen(listen_fd, INIT_CLIENTS)) {
		int rc = -errno;

		(void)close(listen_fd);
		listen_fd = -1;
		return rc;
	}
	return 0;
}

void control_poll_fill(struct pollfd fds[static CONTROL_FDS])
{
	size_t i;

	fds[0] = (struct pollfd){ .fd = listen_fd, .events = POLLIN };
	for (i = 0; i < INIT_CLIENTS; i++)
		fds[1 + i] = (struct pollfd){ .fd = clients[i].fd > 0 ? clients[i].fd : -1,
					      .events = POLLIN };
}

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->fd = 0;
}

/* A free place, or that of the client who has asked nothing for the longest time. */
static void accept_one(uint64_t now_ms)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *best = &clients[0];
	size_t i;

	if (fd < 0)
		return;
	for (i = 1; i < INIT_CLIENTS && best->fd; i++)
		if (!clients[i].fd || clients[i].asked_ms < best->asked_ms)
			best = &clients[i];
	if (best->fd)
		drop(best);
	best->fd = fd;
	best->asked_ms = now_ms;
}

static int send_one(struct client *c, const void *msg, size_t len)
{
	ssize_t n = send(c->fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : -EIO;
}

static void answer(struct client *c, int rc, bool with_services, uint64_t now_ms,
		   enum init_phase phase)
{
	struct init_reply reply = {
		.version = INIT_PROTO_VERSION,
		.rc = rc,
		.count = with_services ? (uint32_t)supervisor_count() : 0,
		.phase = phase,
		.watchdog = watchdog_timeout_s() ? INIT_WATCHDOG_ARMED : INIT_WATCHDOG_NONE,
		.watchdog_timeout_s = watchdog_timeout_s(),
		.uptime_ms = now_ms,
		.init_start_ms = main_start_ms(),
	};
	size_t i;
	int failed = send_one(c, &reply, sizeof(reply));

	for (i = 0; i < reply.count && !failed; i++) {
		struct init_service s;

		supervisor_describe(i, now_ms, &s);
		failed = send_one(c, &s, sizeof(s));
	}
	if (failed)
		drop(c);
}

static int may_order(const struct client *c, struct ucred *ret_peer)
{
	socklen_t len = sizeof(*ret_peer);

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, ret_peer, &len))
		return -errno;
	return supervisor_may_order(ret_peer->uid) ? 0 : -EPERM;
}

static enum init_op serve(struct client *c, const struct init_request *q, uint64_t now_ms,
			  enum init_phase phase)
{
	struct ucred peer;
	int rc = 0;

	if (q->version != INIT_PROTO_VERSION || q->op < INIT_OP_STATUS ||
	    q->op > INIT_OP_POWEROFF || memchr(q->name, '\0', sizeof(q->name)) == NULL)
		rc = -EINVAL;
	else if (q->op != INIT_OP_STATUS)
		rc = may_order(c, &peer);
	if (!rc && q->op > INIT_OP_STATUS && q->op < INIT_OP_REBOOT)
		rc = supervisor_order((enum init_op)q->op, q->name, now_ms);
	else if (!rc && q->op >= INIT_OP_REBOOT && phase == INIT_PHASE_STOPPING)
		rc = -EBUSY;
	answer(c, rc, !rc && q->op == INIT_OP_STATUS, now_ms, phase);
	if (rc || q->op < INIT_OP_REBOOT)
		return 0;
	console_say("%s ordered by process %d of user %u",
		    q->op == INIT_OP_REBOOT ? "reboot" : "poweroff", (int)peer.pid,
		    (unsigned int)peer.uid);
	return (enum init_op)q->op;
}

enum init_op control_poll_take(const struct pollfd fds[static CONTROL_FDS], uint64_t now_ms,
			       enum init_phase phase)
{
	enum init_op order = 0;
	size_t i;

	for (i = 0; i < INIT_CLIENTS; i++) {
		struct client *c = &clients[i];
		struct init_request q;
		ssize_t n;

		if (!c->fd)
			continue;
		if (!fds[1 + i].revents || fds[1 + i].fd != c->fd) {
			if (now_ms - c->asked_ms > CLIENT_IDLE_MS)
				drop(c);
			continue;
		}
		n = recv(c->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n != (ssize_t)sizeof(q)) {
			drop(c);
			continue;
		}
		c->asked_ms = now_ms;
		if (!order)
			order = serve(c, &q, now_ms, phase);
	}
	/* Last, so that a new client's descriptor is not taken for a polled one. */
	if (fds[0].fd >= 0 && fds[0].revents)
		accept_one(now_ms);
	return order;
}
