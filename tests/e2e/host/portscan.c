// SPDX-License-Identifier: Apache-2.0
/*
 * usage: portscan ADDRESS[%INTERFACE]
 * Tries to connect to every TCP port of a machine. Prints `open PORT' for each that answers and
 * one closing line. Exit: 0 none is open, 1 some are, 100 usage, 111 the machine answers nothing
 * at all, so that a silent network is not taken for a closed machine.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>

#define IN_FLIGHT 128
#define ANSWER_MS 3000
#define TRIES 3
#define PORTS 65536

struct probe {
	int64_t since_ms;
	uint32_t port; /* 0: free */
	unsigned int tries;
};

static struct pollfd fds[IN_FLIGHT];
static struct probe probes[IN_FLIGHT];
static unsigned int n_open, n_refused, n_silent;

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int begin(int i, const struct addrinfo *to)
{
	struct sockaddr_storage a;
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(&a, to->ai_addr, to->ai_addrlen);
	if (to->ai_family == AF_INET6)
		((struct sockaddr_in6 *)&a)->sin6_port = htons((uint16_t)probes[i].port);
	else
		((struct sockaddr_in *)&a)->sin_port = htons((uint16_t)probes[i].port);
	fds[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	probes[i].since_ms = now_ms();
	/* The answer, refusals too, comes through poll. */
	(void)connect(fd, (struct sockaddr *)&a, to->ai_addrlen);
	return 0;
}

static void end(int i)
{
	(void)close(fds[i].fd);
	fds[i].fd = -1;
	probes[i].port = 0;
}

/* What came of one connection; silence is asked again. */
static int settle(int i, const struct addrinfo *to)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (!fds[i].revents && now_ms() - probes[i].since_ms < ANSWER_MS)
		return 0;
	if (fds[i].revents)
		(void)getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (fds[i].revents && !error) {
		(void)printf("open %u\n", probes[i].port);
		n_open++;
	} else if (fds[i].revents && error == ECONNREFUSED) {
		n_refused++;
	} else if (++probes[i].tries < TRIES) {
		(void)close(fds[i].fd);
		return begin(i, to);
	} else {
		n_silent++;
	}
	end(i);
	return 0;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *to;
	uint32_t next = 1;
	bool busy = true;
	int rc = 0;

	if (argc != 2 || getaddrinfo(argv[1], "1", &hints, &to)) {
		(void)fputs("usage: portscan ADDRESS[%INTERFACE]\n", stderr);
		return 100;
	}
	for (int i = 0; i < IN_FLIGHT; i++)
		fds[i].fd = -1;
	while (!rc && (busy || next < PORTS)) {
		busy = false;
		for (int i = 0; i < IN_FLIGHT && !rc; i++) {
			if (probes[i].port)
				rc = settle(i, to);
			if (!rc && !probes[i].port && next < PORTS) {
				probes[i] = (struct probe){ .port = next++ };
				rc = begin(i, to);
			}
			busy = busy || probes[i].port;
		}
		(void)poll(fds, IN_FLIGHT, 50);
	}
	freeaddrinfo(to);
	if (rc)
		(void)fprintf(stderr, "portscan: %s\n", strerror(-rc));
	(void)printf("%u open, %u refused, %u silent\n", n_open, n_refused, n_silent);
	if (rc || (!n_open && !n_refused))
		return 111;
	return n_open ? 1 : 0;
}
