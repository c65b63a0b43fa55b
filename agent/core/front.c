// SPDX-License-Identifier: Apache-2.0
/*
 * The part that answers on the status socket: a client connects, gets one JSON document, and the
 * connection is closed. Nothing a client sends is read. The document is made when somebody asks:
 * main is asked once for all clients that wait. Clients are few, each has a deadline, and one
 * that does not read keeps nobody else waiting.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "io.h"

#define CLIENTS_MAX 8
#define CLIENT_MS 5000u

struct client {
	int fd; /* -1: free */
	uint64_t until_ms;
	size_t len; /* of the document; 0: it waits for one */
	size_t sent;
	char text[STATUS_JSON_SIZE];
};

struct front {
	int main_fd, listen_fd;
	bool asked; /* main owes us an answer */
	struct client client[CLIENTS_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void let_go(struct client *c)
{
	io_close_p(&c->fd);
	c->fd = -1;
}

/* Returns 0, or -errno where main cannot be asked. */
static int take_client(struct front *f)
{
	const struct part_ask ask = { .version = PART_VERSION };
	struct client *c = f->client;
	int fd;

	while (c->fd >= 0)
		if (++c == f->client + CLIENTS_MAX)
			return 0;
	fd = accept4(f->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return 0;
	c->fd = fd;
	c->until_ms = now_ms() + CLIENT_MS;
	c->len = c->sent = 0;
	if (f->asked)
		return 0;
	f->asked = true;
	return part_send(f->main_fd, &ask, sizeof(ask));
}

static void send_more(struct client *c)
{
	while (c->sent < c->len) {
		ssize_t n = send(c->fd, c->text + c->sent, c->len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		c->sent += (size_t)n;
	}
	let_go(c);
}

static int take_answer(struct front *f)
{
	static struct status status;
	static char text[STATUS_JSON_SIZE];
	int rc = part_receive(f->main_fd, &status, sizeof(status));
	size_t i;

	if (rc <= 0)
		return rc;
	f->asked = false;
	rc = status_json(&status, text);
	for (i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &f->client[i];

		if (c->fd < 0 || c->len)
			continue;
		if (rc < 0) {
			let_go(c);
			continue;
		}
		memcpy(c->text, text, (size_t)rc);
		c->len = (size_t)rc;
		send_more(c);
	}
	return 0;
}

static int wait_ms(const struct front *f)
{
	uint64_t now = now_ms(), first = UINT64_MAX;
	size_t i;

	for (i = 0; i < CLIENTS_MAX; i++)
		if (f->client[i].fd >= 0 && f->client[i].until_ms < first)
			first = f->client[i].until_ms;
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

static int serve(struct front *f)
{
	for (;;) {
		struct pollfd fds[2 + CLIENTS_MAX];
		size_t i, n_free = 0;
		int rc;

		for (i = 0; i < CLIENTS_MAX; i++) {
			struct client *c = &f->client[i];

			fds[2 + i] = (struct pollfd){ .fd = c->fd };
			fds[2 + i].events = c->len ? POLLOUT : 0;
			n_free += c->fd < 0;
		}
		fds[0] = (struct pollfd){ .fd = f->main_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = n_free ? f->listen_fd : -1, .events = POLLIN };
		if (poll(fds, 2 + CLIENTS_MAX, wait_ms(f)) < 0) {
			if (errno == EINTR)
				continue;
			return 111;
		}
		for (i = 0; i < CLIENTS_MAX; i++) {
			struct client *c = &f->client[i];

			if (c->fd < 0)
				continue;
			if (fds[2 + i].revents & (POLLERR | POLLHUP | POLLNVAL))
				let_go(c);
			else if (fds[2 + i].revents & POLLOUT)
				send_more(c);
			if (c->fd >= 0 && c->until_ms <= now_ms())
				let_go(c);
		}
		if (fds[0].revents && (rc = take_answer(f)))
			return rc == -EPIPE ? 0 : 111;
		if (fds[1].revents & POLLIN && take_client(f))
			return 111;
	}
}

int part_front(int fd, int listen_fd)
{
	static struct front f;
	struct err err = { "" };
	size_t i;

	f.main_fd = fd;
	f.listen_fd = listen_fd;
	for (i = 0; i < CLIENTS_MAX; i++)
		f.client[i].fd = -1;
	if (sandbox_enter(privileges_of("agent-status"), &err)) {
		(void)dprintf(2, "front: %s\n", err.msg);
		return 111;
	}
	return serve(&f);
}
