// SPDX-License-Identifier: Apache-2.0
/*
 * fetch - the part that holds the network (agent/update/parts.h has the whole picture): answers
 * READs of main and of the writer with slices. It checks nothing that matters: what it sends is
 * checked by who asked.
 */
#include "agent/update/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/privileges.h"
#include "agent/update/fault.h"
#include "agent/update/parts.h"
#include "hex.h"
#include "io.h"

#define SLICE_OLD_MS 250 /* a slow link's bytes do not wait for a full slice */

const struct fetch_limits fetch_limits_default = {
	.connect_ms = 20000,
	.stall_s = 30,
	.stall_bytes = 1024,
	.tries = 7,
	.backoff_ms = 500,
	.backoff_max_ms = 30000,
	.redirects = 5,
	.skip_max = 256u << 20,
};

uint64_t fetch_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- slices --- */

/* send_data - 0, -EAGAIN the socket is full, -EPIPE the asker is gone. */
static int send_data(int fd, const struct source_data *d)
{
	ssize_t n;

	do {
		n = send(fd, d, sizeof(*d), MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*d))
		return 0;
	/* A lost asker is seen, and ends us, when its socket is read. */
	return n < 0 && errno == EAGAIN ? -EAGAIN : -EPIPE;
}

static void next_read(struct fetch_read *r);

/* slice_send - returns false where it has to wait for the socket. */
static bool slice_send(struct fetch_read *r)
{
	struct source_data *d = &r->slice;
	bool first = d->offset == r->queue[0].offset;

	r->blocked = send_data(r->fd, d) == -EAGAIN;
	if (r->blocked)
		return false;
	if (first)
		fault_point("fetch-slice");
	d->offset += d->len;
	d->len = 0;
	if (r->ended)
		next_read(r);
	return true;
}

bool fetch_room(struct fetch_read *r, size_t len)
{
	if (r->ended || r->blocked)
		return false;
	return sizeof(r->slice.bytes) - r->slice.len >= len || slice_send(r);
}

void fetch_put(struct fetch_read *r, const void *buf, size_t len)
{
	if (r->slice.len == 0)
		r->slice_ms = fetch_now_ms();
	memcpy(r->slice.bytes + r->slice.len, buf, len);
	r->slice.len += (uint32_t)len;
	r->next += len;
}

void fetch_end(struct fetch_read *r, int rc, const struct err *err)
{
	char path[96];

	r->ended = true;
	fetch_http_stop(r);
	fetch_file_stop(r);
	r->slice.last = 1;
	r->slice.rc = rc;
	fetch_object(&r->queue[0], path, sizeof(path));
	if (rc)
		(void)snprintf(r->slice.why, sizeof(r->slice.why), "%.24s: %.160s", path,
			       err ? err->msg : strerror(-rc));
	if (!r->blocked)
		(void)slice_send(r);
}

void fetch_object(const struct source_request *q, char *ret_path, size_t size)
{
	char hex[2 * SHA256_SIZE + 1];

	switch (q->object) {
	case SOURCE_CHANNEL:
		(void)snprintf(ret_path, size, "channel");
		break;
	case SOURCE_TRUST:
		(void)snprintf(ret_path, size, "trust/%llu", (unsigned long long)q->number);
		break;
	default:
		hex_encode(q->digest, sizeof(q->digest), hex);
		(void)snprintf(ret_path, size, "bundles/%s.cairn", hex);
		break;
	}
}

/* --- READs --- */

static void begin_read(struct fetch_read *r)
{
	const struct source_request *q = &r->queue[0];
	struct err err = { "" };

	r->busy = true;
	r->ended = false;
	memset(&r->slice, 0, offsetof(struct source_data, bytes));
	r->slice.version = UPDATE_PROTO_VERSION;
	r->slice.op = q->op;
	r->slice.id = q->id;
	r->slice.offset = r->next = q->offset;
	r->end = q->len ? q->offset + q->len : UINT64_MAX;
	fault_point("fetch-read");
	if (r->cancelled[0]) {
		fetch_end(r, -ECANCELED, NULL);
	} else if (r->f->kind == FETCH_HTTP) {
		fetch_http_begin(r);
	} else if (r->f->kind == FETCH_FILE) {
		fetch_file_begin(r);
	} else {
		(void)err_set(&err, -ENODEV, "no source is set");
		fetch_end(r, -ENODEV, &err);
	}
}

/* next_read - the READ under way has had its last slice. */
static void next_read(struct fetch_read *r)
{
	r->busy = false;
	r->queued--;
	memmove(&r->queue[0], &r->queue[1], r->queued * sizeof(r->queue[0]));
	memmove(&r->cancelled[0], &r->cancelled[1], r->queued * sizeof(r->cancelled[0]));
}

/* cancel - the READ with this id; NULL: all. */
static void cancel(struct fetch_read *r, const uint32_t *id)
{
	unsigned int i;

	for (i = 0; i < r->queued; i++)
		if (!id || r->queue[i].id == *id)
			r->cancelled[i] = true;
	if (r->busy && !r->ended && r->cancelled[0])
		fetch_end(r, -ECANCELED, NULL);
}

/* --- messages --- */

static int on_request(struct fetch_read *r, const struct source_request *q)
{
	if (q->op == SOURCE_CANCEL) {
		cancel(r, &q->id);
		return 0;
	}
	if (q->op != SOURCE_READ || q->object < SOURCE_CHANNEL || q->object > SOURCE_BUNDLE ||
	    q->len > UINT64_MAX / 4 || q->offset > UINT64_MAX / 4)
		return -EBADMSG;
	r->queue[r->queued] = *q;
	r->cancelled[r->queued++] = false;
	return 0;
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int on_config(struct fetch *f, const struct source_config *c, int fd)
{
	unsigned int i;

	if (c->op != SOURCE_CONFIG || c->kind < SOURCE_FOLDER || c->kind > SOURCE_FD ||
	    c->ca < SOURCE_CA_NONE || c->ca > SOURCE_CA_OPERATOR ||
	    !is_text(c->url, sizeof(c->url)) || !is_text(c->proxy, sizeof(c->proxy)) ||
	    (c->kind == SOURCE_FD) != (fd >= 0)) {
		io_close_p(&fd);
		return -EBADMSG;
	}
	/* What was asked of the old source is not answered from the new one. */
	for (i = 0; i < 2; i++)
		cancel(&f->read[i], NULL);
	f->config = *c;
	f->kind = FETCH_NONE;
	io_close_p(&f->source_fd);
	f->source_fd = -1;
	f->config_err.msg[0] = '\0';
	if (fd >= 0 || strncmp(c->url, "file:", 5) == 0)
		f->config_rc = fetch_file_config(f, fd, &f->config_err);
	else
		f->config_rc = fetch_http_config(f, &f->config_err);
	f->config_answer = true;
	fault_point("fetch-config");
	return 0;
}

/* answer_config - goes before any slice of a READ that came later. */
static void answer_config(struct fetch *f)
{
	static struct source_data d;

	memset(&d, 0, offsetof(struct source_data, bytes));
	d.version = UPDATE_PROTO_VERSION;
	d.op = SOURCE_CONFIG;
	d.rc = f->config_rc;
	d.last = 1;
	(void)snprintf(d.why, sizeof(d.why), "%.*s", (int)sizeof(d.why) - 1, f->config_err.msg);
	f->config_answer = send_data(f->read[0].fd, &d) == -EAGAIN;
}

/* receive_fd - a message and the descriptor that may come along (the first; others are closed). */
static ssize_t receive_fd(int socket_fd, void *buf, size_t size, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n = recvmsg(socket_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (n < 0)
		return n;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		size_t at;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, (const char *)c + at, sizeof(fd));
			if (*ret_fd < 0)
				*ret_fd = fd;
			else
				(void)close(fd);
		}
	}
	return msg.msg_flags & MSG_TRUNC ? (ssize_t)size + 1 : n;
}

/* on_message - 0, -EPIPE the other part is gone, -EBADMSG it speaks otherwise. */
static int on_message(struct fetch *f, struct fetch_read *r)
{
	union {
		uint32_t version;
		struct source_config config;
		struct source_request request;
	} m;
	int fd;
	ssize_t n = receive_fd(r->fd, &m, sizeof(m), &fd);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	if ((size_t)n >= sizeof(m.version) && m.version == UPDATE_PROTO_VERSION) {
		if (r == &f->read[0] && (size_t)n == sizeof(m.config))
			return on_config(f, &m.config, fd);
		if ((size_t)n == sizeof(m.request) && fd < 0)
			return on_request(r, &m.request);
	}
	io_close_p(&fd);
	return -EBADMSG;
}

/* --- the loop --- */

/* config_waits - the answer to a CONFIG is still to be sent over this socket. */
static bool config_waits(const struct fetch *f, const struct fetch_read *r)
{
	return r == &f->read[0] && f->config_answer;
}

/* on_read - what this asker's socket and the clock allow. */
static void on_read(struct fetch *f, struct fetch_read *r, bool writable, uint64_t now)
{
	if (config_waits(f, r) && !r->blocked)
		answer_config(f);
	if (r->blocked && writable && slice_send(r) && r->busy && f->kind == FETCH_HTTP)
		fetch_http_unblock(r);
	while (!r->busy && r->queued && !r->blocked && !config_waits(f, r))
		begin_read(r);
	if (r->busy && !r->ended && f->kind == FETCH_FILE)
		fetch_file_on(r);
	if (r->busy && !r->ended && !r->blocked && r->slice.len &&
	    now - r->slice_ms >= SLICE_OLD_MS)
		(void)slice_send(r);
}

static int wait_ms(const struct fetch *f, uint64_t now)
{
	uint64_t due = now + 60000;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct fetch_read *r = &f->read[i];

		if (r->blocked || config_waits(f, r))
			continue; /* for the socket */
		if (r->queued && (!r->busy || f->kind == FETCH_FILE))
			return 0;
		if (r->again_ms && r->again_ms < due)
			due = r->again_ms;
		if (r->slice.len && r->slice_ms + SLICE_OLD_MS < due)
			due = r->slice_ms + SLICE_OLD_MS;
	}
	return due <= now ? 0 : (int)(due - now);
}

static int serve(struct fetch *f, struct err *err)
{
	for (;;) {
		struct curl_waitfd fds[2];
		uint64_t now;
		int i, rc;

		for (i = 0; i < 2; i++) {
			fds[i].fd = f->read[i].fd;
			fds[i].revents = 0;
			fds[i].events = f->read[i].queued < FETCH_QUEUE ? CURL_WAIT_POLLIN : 0;
			if (f->read[i].blocked || config_waits(f, &f->read[i]))
				fds[i].events |= CURL_WAIT_POLLOUT;
		}
		if (curl_multi_poll(f->multi, fds, 2, wait_ms(f, fetch_now_ms()), NULL))
			return err_set(err, -EIO, "cannot wait");
		for (i = 0; i < 2; i++) {
			if (!(fds[i].revents & CURL_WAIT_POLLIN))
				continue;
			rc = on_message(f, &f->read[i]);
			if (rc == -EPIPE && i == 0)
				return 0;
			if (rc)
				return err_sys(err, rc, "the %s part is lost",
					       i ? "writer" : "main");
		}
		now = fetch_now_ms();
		for (i = 0; i < 2; i++)
			on_read(f, &f->read[i], fds[i].revents & CURL_WAIT_POLLOUT, now);
		fetch_http_on(f, now);
	}
}

/* --- start-up, as root --- */

static int make_places(struct fetch *f, struct err *err)
{
	static const char *const dirs[] = { "/run/cairn", UPDATE_MEDIA_DIR, FETCH_RESOLV_DIR };
	size_t i;

	/* Rules of the sandbox want them to be there; netd takes its own as it finds it. */
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(dirs[i], 0755) && errno != EEXIST)
			return err_sys(err, -errno, "cannot make %s", dirs[i]);
	f->media_fd = open(UPDATE_MEDIA_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return f->media_fd < 0 ? err_sys(err, -errno, "cannot open " UPDATE_MEDIA_DIR) : 0;
}

int fetch_serve(int main_fd, int asker_fd, const struct fetch_limits *limits)
{
	static struct fetch f;
	struct err err = { "" };
	int rc, i;

	f.limits = *limits;
	f.source_fd = f.media_fd = -1;
	f.read[0].fd = main_fd;
	f.read[1].fd = asker_fd;
	for (i = 0; i < 2; i++) {
		f.read[i].f = &f;
		f.read[i].file_fd = -1;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	rc = make_places(&f, &err);
	rc = rc ? rc : sandbox_enter(privileges_of("update-fetch"), &err);
	rc = rc ? rc : fetch_http_init(&f, &err);
	rc = rc ? rc : serve(&f, &err);
	if (rc)
		(void)fprintf(stderr, "update: fetch: %s\n", err.msg);
	return rc ? 111 : 0;
}

int fetch_run(int main_fd, int asker_fd)
{
	return fetch_serve(main_fd, asker_fd, &fetch_limits_default);
}
