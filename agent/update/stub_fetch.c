// SPDX-License-Identifier: Apache-2.0
/* Stands in for agent/update/fetch.c until that is there: every request is answered with -ENOSYS.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/core/parts.h"
#include "agent/core/sandbox.h"
#include "parts.h"
#include "proto.h"

/* Returns 1, or as part_receive. */
static int answer(int fd)
{
	static struct source_config in; /* the larger of the two */
	static struct source_data out;
	struct source_request q;
	ssize_t n = recv(fd, &in, sizeof(in), 0);

	if (n <= 0)
		return n ? -errno : -EPIPE;
	memset(&out, 0, sizeof(out));
	out.version = UPDATE_PROTO_VERSION;
	out.op = in.op;
	out.rc = -ENOSYS;
	out.last = 1;
	(void)snprintf(out.why, sizeof(out.why), "this build has no fetch");
	if ((size_t)n == sizeof(q)) {
		memcpy(&q, &in, sizeof(q));
		if (q.op == SOURCE_CANCEL)
			return 1;
		out.id = q.id;
	}
	return part_send(fd, &out, sizeof(out)) ? -EIO : 1;
}

int fetch_run(int main_fd, int asker_fd)
{
	const struct sandbox_caps none = { 0 };
	struct err err = { "" };

	if (sandbox_user(UPDATE_USER_FETCH, UPDATE_EMPTY_DIR, none, &err)) {
		(void)dprintf(2, "fetch: %s\n", err.msg);
		return 111;
	}
	for (;;) {
		struct pollfd fds[2] = { { .fd = main_fd, .events = POLLIN },
					 { .fd = asker_fd, .events = POLLIN } };
		int i, rc;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 111;
		for (i = 0; i < 2; i++)
			if (fds[i].revents && (rc = answer(fds[i].fd)) <= 0)
				return rc == -EPIPE ? 0 : 111;
	}
}
