// SPDX-License-Identifier: Apache-2.0
#include "uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t uevent_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int uevent_open(struct err *err)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return err_sys(err, -errno, "cannot open a uevent socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int rc = err_sys(err, -errno, "cannot listen for uevents");

		(void)close(fd);
		return rc;
	}
	return fd;
}

/* Takes all that waits; true where something was about a block device, or some were lost. */
static bool drain(int fd)
{
	bool block = false;

	for (;;) {
		char msg[4096];
		ssize_t n = recv(fd, msg, sizeof(msg), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS)
			block = true;
		else if (n <= 0)
			return block;
		else
			block |= memmem(msg, (size_t)n, "SUBSYSTEM=block", 15) != NULL;
	}
}

bool uevent_wait_block(int fd, int64_t until_ms)
{
	int64_t left;

	while ((left = until_ms - uevent_now_ms()) > 0) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, (int)left) > 0 && drain(fd))
			return true;
	}
	return false;
}
