// SPDX-License-Identifier: Apache-2.0
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/io.h"

#define BUF_BYTES 65536

/* One direction. */
struct way {
	int from, to;
	bool ended;
	size_t len, done;
	char buf[BUF_BYTES];
};

static int connect_port(const char *text)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)strtoul(text, NULL, 10));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* What came in goes out; at the end of it the other side is told. */
static int move(struct way *w, short in, short out)
{
	ssize_t n;

	if (w->len == w->done && in) {
		n = read(w->from, w->buf, sizeof(w->buf));
		if (n < 0)
			return errno == EINTR || errno == EAGAIN ? 0 : -errno;
		w->len = (size_t)n;
		w->done = 0;
		if (!n) {
			w->ended = true;
			(void)shutdown(w->to, SHUT_WR);
		}
		return 0;
	}
	if (w->done < w->len && out) {
		n = send(w->to, w->buf + w->done, w->len - w->done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EINTR || errno == EAGAIN ? 0 : -errno;
		w->done += (size_t)n;
	}
	return 0;
}

int relay(const char *port)
{
	static struct way up, down;
	int fd _cleanup_close_ = connect_port(port);
	int rc = 0;

	if (fd < 0)
		return -errno;
	up = (struct way){ .from = STDIN_FILENO, .to = fd };
	down = (struct way){ .from = fd, .to = STDIN_FILENO };
	while (!rc && !(up.ended && down.ended)) {
		struct way *ways[2] = { &up, &down };
		struct pollfd p[4];

		for (int i = 0; i < 2; i++) {
			bool full = ways[i]->done < ways[i]->len;

			p[2 * i] =
				(struct pollfd){ .fd = full || ways[i]->ended ? -1 : ways[i]->from,
						 .events = POLLIN };
			p[2 * i + 1] =
				(struct pollfd){ .fd = full ? ways[i]->to : -1, .events = POLLOUT };
		}
		if (poll(p, 4, -1) < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; !rc && i < 2; i++)
			rc = move(ways[i], p[2 * i].revents, p[2 * i + 1].revents);
	}
	return rc;
}
