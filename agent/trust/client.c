// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "io.h"

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int trustd_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int trustd_send(int fd, const struct trustd_request *q, int passed)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = (void *)q, .iov_len = sizeof(*q) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (passed >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.space);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
	}
	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 1;
}

int trustd_take(int fd, struct trustd_reply *ret, int *ret_fd)
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
	struct cmsghdr *c;
	int passed = -1;
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	c = n ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&passed, CMSG_DATA(c), sizeof(int));
	if (passed >= 0 && (!ret_fd || (size_t)n != sizeof(*ret))) {
		(void)close(passed);
		passed = -1;
	}
	if (n == 0)
		return -EPIPE;
	if ((size_t)n != sizeof(*ret) || msg.msg_flags & MSG_TRUNC ||
	    ret->version != TRUSTD_VERSION || ret->len > sizeof(ret->body) ||
	    !memchr(ret->why, '\0', sizeof(ret->why))) {
		if (passed >= 0)
			(void)close(passed);
		return -EBADMSG;
	}
	if (ret_fd)
		*ret_fd = passed;
	return 1;
}

/* wait_for - the answer, for at most timeout_ms. */
static int wait_for(int fd, uint32_t timeout_ms, void (*feed)(void), struct trustd_reply *ret,
		    int *ret_fd)
{
	uint64_t end = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		uint64_t now = now_ms();
		int rc = trustd_take(fd, ret, ret_fd);

		if (rc)
			return rc < 0 ? rc : 0;
		if (now >= end)
			return -ETIMEDOUT;
		if (feed)
			feed();
		(void)poll(&pfd, 1, end - now < 1000 ? (int)(end - now) : 1000);
	}
}

int trustd_ask(const char *path, const struct trustd_request *q, int passed, uint32_t timeout_ms,
	       void (*feed)(void), struct trustd_reply *ret, int *ret_fd, struct err *err)
{
	int fd _cleanup_close_ = -1;
	int rc = trustd_connect(path, &fd);

	if (!rc) {
		rc = trustd_send(fd, q, passed);
		rc = rc < 0 ? rc : wait_for(fd, timeout_ms, feed, ret, ret_fd);
	}
	if (rc)
		return err_sys(err, rc, "service trust does not answer");
	if (ret->op != q->op)
		return err_set(err, -EBADMSG, "service trust answers another question");
	return ret->rc ? err_set(err, ret->rc, "%s", ret->why) : 0;
}

int trustd_ask_long(const char *path, const struct trustd_request *q, uint32_t timeout_ms,
		    uint8_t *ret_buf, size_t max, size_t *ret_len, struct err *err)
{
	int fd _cleanup_close_ = -1;
	struct trustd_reply r = { .left = 0 };
	size_t len = 0;
	int rc = trustd_connect(path, &fd);

	if (!rc)
		rc = trustd_send(fd, q, -1);
	rc = rc < 0 ? rc : 0;
	do {
		rc = rc ? rc : wait_for(fd, timeout_ms, NULL, &r, NULL);
		if (!rc && r.op != q->op)
			rc = -EBADMSG;
		if (rc)
			return err_sys(err, rc, "service trust does not answer");
		if (r.rc)
			return err_set(err, r.rc, "%s", r.why);
		if (r.len > max - len)
			return err_set(err, -ENOSPC, "service trust's answer is too long");
		memcpy(ret_buf + len, r.body, r.len);
		len += r.len;
	} while (r.left);
	*ret_len = len;
	return 0;
}

/* ask_for - an order whose answer is one struct of this size. */
static int ask_for(const char *path, const struct trustd_request *q, void (*feed)(void),
		   void *ret_body, size_t size, struct err *err)
{
	struct trustd_reply r;
	int rc = trustd_ask(path, q, -1, TRUSTD_TIMEOUT_MS, feed, &r, NULL, err);

	if (!rc && r.len != size)
		rc = err_set(err, -EBADMSG, "service trust answers in another form");
	if (!rc && size)
		memcpy(ret_body, r.body, size);
	explicit_bzero(&r, sizeof(r));
	return rc;
}

int trustd_data(const char *path, void (*feed)(void), struct trustd_data *ret, struct err *err)
{
	const struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_DATA };
	int rc = ask_for(path, &q, feed, ret, sizeof(*ret), err);

	if (!rc)
		ret->why[sizeof(ret->why) - 1] = '\0';
	return rc;
}

static int key_ok(struct trustd_key *key, struct err *err)
{
	if (keyhead_key_bytes(key->cipher) && key->key_bytes == keyhead_key_bytes(key->cipher))
		return 0;
	explicit_bzero(key, sizeof(*key));
	return err_set(err, -EBADMSG, "service trust gives a key of another size");
}

int trustd_data_key(const char *path, void (*feed)(void), struct trustd_key *ret, struct err *err)
{
	const struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_DATA_KEY };
	int rc = ask_for(path, &q, feed, ret, sizeof(*ret), err);

	return rc ? rc : key_ok(ret, err);
}

int trustd_data_new(const char *path, uint32_t cipher, void (*feed)(void), struct trustd_key *ret,
		    struct err *err)
{
	struct trustd_request q = {
		.version = TRUSTD_VERSION,
		.op = TRUSTD_DATA_NEW,
		.len = sizeof(cipher),
	};
	int rc;

	memcpy(q.body, &cipher, sizeof(cipher));
	rc = ask_for(path, &q, feed, ret, sizeof(*ret), err);
	return rc ? rc : key_ok(ret, err);
}

int trustd_data_wipe(const char *path, void (*feed)(void), struct err *err)
{
	const struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_DATA_WIPE };

	return ask_for(path, &q, feed, NULL, 0, err);
}

int trustd_seal(const char *path, const uint8_t *manifest, size_t len, int trust_fd,
		void (*feed)(void), struct err *err)
{
	struct trustd_request q = {
		.version = TRUSTD_VERSION,
		.op = TRUSTD_SEAL,
		.flags = trust_fd >= 0 ? TRUSTD_WITH_TRUST : 0,
		.len = (uint32_t)len,
	};
	struct trustd_reply r;

	if (len > sizeof(q.body))
		return err_set(err, -EFBIG, "the manifest is too large");
	memcpy(q.body, manifest, len);
	return trustd_ask(path, &q, trust_fd, TRUSTD_TIMEOUT_MS, feed, &r, NULL, err);
}

int trustd_good(const char *path, void (*feed)(void), struct err *err)
{
	const struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_GOOD };

	return ask_for(path, &q, feed, NULL, 0, err);
}
