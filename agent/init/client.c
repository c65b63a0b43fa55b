// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "lib/io.h"

static int ask(const char *socket_path, const struct init_request *q, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rc = 0;

	if (strlen(socket_path) >= sizeof(addr.sun_path))
		rc = -ENAMETOOLONG;
	else
		(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", socket_path);
	if (fd < 0)
		return err_sys(err, -errno, "cannot make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!rc && connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		rc = -errno;
	if (!rc && send(fd, q, sizeof(*q), MSG_NOSIGNAL) != sizeof(*q))
		rc = -errno;
	if (rc) {
		io_close_p(&fd);
		return err_sys(err, rc, "cannot reach init at %s", socket_path);
	}
	return fd;
}

static int take(int fd, void *ret, size_t len, struct err *err)
{
	ssize_t n = recv(fd, ret, len, MSG_TRUNC);

	if (n < 0)
		return err_sys(err, errno == EAGAIN ? -ETIMEDOUT : -errno, "no answer from init");
	if (n != (ssize_t)len)
		return err_set(err, -EPROTO, "init answers with %zd bytes instead of %zu", n, len);
	return 0;
}

static int take_reply(int fd, struct init_reply *ret, struct err *err)
{
	int rc = take(fd, ret, sizeof(*ret), err);

	if (!rc && ret->version != INIT_PROTO_VERSION)
		rc = err_set(err, -EPROTO, "init speaks version %u", (unsigned int)ret->version);
	if (!rc && ret->rc)
		rc = err_sys(err, ret->rc, "init refuses");
	return rc;
}

int client_status(const char *socket_path, struct init_reply *ret_reply,
		  struct init_service *ret_services, size_t max, size_t *ret_count, struct err *err)
{
	const struct init_request q = { .version = INIT_PROTO_VERSION, .op = INIT_OP_STATUS };
	int fd _cleanup_close_ = ask(socket_path, &q, err);
	struct init_service rest;
	size_t i;
	int rc;

	if (fd < 0)
		return fd;
	rc = take_reply(fd, ret_reply, err);
	for (i = 0; !rc && i < ret_reply->count; i++)
		rc = take(fd, i < max ? &ret_services[i] : &rest, sizeof(rest), err);
	if (!rc)
		*ret_count = ret_reply->count < max ? ret_reply->count : max;
	return rc;
}

int client_order(const char *socket_path, enum init_op op, const char *name, struct err *err)
{
	struct init_request q = { .version = INIT_PROTO_VERSION, .op = op };
	struct init_reply reply;
	int fd _cleanup_close_ = -1;

	if (name && (size_t)snprintf(q.name, sizeof(q.name), "%s", name) >= sizeof(q.name))
		return err_set(err, -ENOENT, "no service %s", name);
	fd = ask(socket_path, &q, err);
	return fd < 0 ? fd : take_reply(fd, &reply, err);
}
