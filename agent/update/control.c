// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io.h"
#include "policy.h"
#include "publish.h"

#define IDLE_MS 10000u
#define GROUPS_MAX 64

static struct client {
	int fd; /* 0: none */
	uint64_t asked_ms;
} clients[CONTROL_CLIENTS];
/* Who may order besides root: the group of the user that we are. */
static gid_t group;

int control_listen(struct update *u, struct err *err)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = UPDATE_SOCKET };

	group = getgid();
	u->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)unlink(UPDATE_SOCKET);
	/* Everyone may ask; orders are looked at one by one. */
	if (u->listen_fd < 0 || bind(u->listen_fd, (const struct sockaddr *)&at, sizeof(at)) ||
	    chmod(UPDATE_SOCKET, 0666) || listen(u->listen_fd, CONTROL_CLIENTS))
		return err_sys(err, -errno, "cannot listen on " UPDATE_SOCKET);
	return 0;
}

void control_fill(const struct update *u, struct pollfd fds[static CONTROL_FDS])
{
	size_t i;

	fds[0] = (struct pollfd){ .fd = u->listen_fd, .events = POLLIN };
	for (i = 0; i < CONTROL_CLIENTS; i++)
		fds[1 + i] = (struct pollfd){ .fd = clients[i].fd ? clients[i].fd : -1,
					      .events = POLLIN };
}

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->fd = 0;
}

/* A free place, or that of the client who has asked nothing for the longest time. */
static void accept_one(const struct update *u, uint64_t now)
{
	int fd = accept4(u->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *best = &clients[0];
	size_t i;

	if (fd < 0)
		return;
	for (i = 1; i < CONTROL_CLIENTS && best->fd; i++)
		if (!clients[i].fd || clients[i].asked_ms < best->asked_ms)
			best = &clients[i];
	if (best->fd)
		drop(best);
	best->fd = fd;
	best->asked_ms = now;
}

static bool may_order(int fd)
{
	gid_t groups[GROUPS_MAX];
	struct ucred peer;
	socklen_t len = sizeof(peer);
	size_t i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	if (peer.uid == 0 || peer.gid == group)
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return false;
	for (i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static int send_one(struct client *c, const void *message, size_t size)
{
	ssize_t n = send(c->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n == (ssize_t)size ? 0 : -EIO;
}

static void send_status(struct update *u, struct client *c, struct update_reply *r)
{
	static struct update_attempt a;
	static struct update_refused f;
	size_t i;
	int rc;

	publish_fill(u, r);
	rc = send_one(c, r, sizeof(*r));
	for (i = 0; i < r->attempts && !rc; i++) {
		a.version = UPDATE_CONTROL_VERSION;
		a.attempt = u->rec.log.attempt[i];
		rc = send_one(c, &a, sizeof(a));
	}
	for (i = 0; i < r->refuseds && !rc; i++) {
		f.version = UPDATE_CONTROL_VERSION;
		f.refused = u->rec.log.refused[i];
		rc = send_one(c, &f, sizeof(f));
	}
	if (rc)
		drop(c);
}

static void serve(struct update *u, struct client *c, struct update_request *q, int fd)
{
	struct update_reply r = { .version = UPDATE_CONTROL_VERSION };

	if (q->version != UPDATE_CONTROL_VERSION || q->op < UPDATE_OP_STATUS ||
	    q->op >= UPDATE_OPS || !memchr(q->text, '\0', sizeof(q->text))) {
		r.rc = -EINVAL;
		(void)snprintf(r.why, sizeof(r.why), "this is no order of version %u",
			       UPDATE_CONTROL_VERSION);
	} else if (q->op == UPDATE_OP_STATUS) {
		send_status(u, c, &r);
		return;
	} else if (!may_order(c->fd)) {
		r.rc = -EPERM;
		(void)snprintf(r.why, sizeof(r.why), "orders are for root and group cairn-update");
	} else {
		r.rc = policy_order(u, q, fd, r.why);
		if (r.rc && !r.why[0])
			(void)snprintf(r.why, sizeof(r.why), "%s", strerror(-r.rc));
	}
	if (send_one(c, &r, sizeof(r)))
		drop(c);
}

/* receive - one request, and the descriptor that came with it (-1). 1, 0 none, -errno. */
static int receive(int fd, struct update_request *ret, int *ret_fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;

	*ret_fd = -1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	for (c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL; c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	if (n == (ssize_t)sizeof(*ret) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 1;
	if (*ret_fd >= 0)
		io_close_p(ret_fd);
	return -EBADMSG;
}

void control_take(struct update *u, const struct pollfd fds[static CONTROL_FDS])
{
	uint64_t now = main_now_ms();
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *c = &clients[i];
		static struct update_request q;
		int fd = -1, rc;

		if (!c->fd)
			continue;
		if (!fds[1 + i].revents || fds[1 + i].fd != c->fd) {
			if (now - c->asked_ms > IDLE_MS && fds[0].revents)
				drop(c);
			continue;
		}
		rc = receive(c->fd, &q, &fd);
		if (rc > 0) {
			c->asked_ms = now;
			serve(u, c, &q, fd);
		} else if (rc < 0) {
			drop(c);
		}
		if (fd >= 0)
			(void)close(fd);
	}
	/* Last, so that a new client's descriptor is not taken for a polled one. */
	if (fds[0].revents)
		accept_one(u, now);
}
