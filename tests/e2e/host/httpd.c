// SPDX-License-Identifier: Apache-2.0
/*
 * usage: httpd [OPTION]... FOLDER
 * Serves FOLDER by HTTP/1.1 on 127.0.0.1 and ::1 (ranges, ETag, keep-alive) and misbehaves as told.
 * Prints `port N' when it listens. One process, one poll loop.
 *
 *   --port N            default: one that is free
 *   --any               listen on all addresses
 *   --log FILE          a line an answer: METHOD PATH range=A-B status=N sent=BYTES fault=NAME
 *   --tls CERT KEY      HTTPS (PEM files)
 *   --proxy             a proxy instead: CONNECT, and GET http://...; FOLDER is not used
 *   --auth USER:PASS    the proxy wants this
 *   --no-etag           neither ETag nor Last-Modified
 *   --redirect P=URL    302 for the path P
 *   --only TEXT         faults hit only paths that contain TEXT
 *   --down MS           how long `restart' refuses connections (default 1000)
 *   --fault NAME[@N|%N][xTIMES]   once if TIMES is not given, x0 always
 *
 * Faults at the object's byte N (%N: at the next multiple of N):
 *   truncate reset stall restart   the body ends there: FIN, RST, silence, RST for all and none
 *                       accepted for a while
 *   change              RST there; from then on other content of the same length, another ETag
 *   corrupt             one bit of that byte is flipped
 * Faults of the answer:
 *   ignore-range        200 and the whole object
 *   wrong-length        Content-Length is N (7) more, then FIN
 *   wrong-range         the range begins N (1) later than asked, as Content-Range says
 *   wrong-total         Content-Range's total is N (1) more
 *   bad-range           a Content-Range that is none
 *   redirect-loop       302 to itself, for ever
 *   endless             bytes without end, whatever was asked
 *   slow                N (1024) bytes a second
 *   gzip                Content-Encoding: gzip
 *   header-flood        header lines without end
 *   drop                the connection is closed before the answer
 *   404 416 500 503 ... that status
 */
#include "httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

static struct httpd_conn conns[HTTPD_CONNS];
static int listeners[2] = { -1, -1 };
static int64_t up_again_ms;
static const struct httpd_conf *serving;
static SSL_CTX *tls;

int64_t httpd_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct httpd_conn *conn_new(int fd, enum httpd_state state)
{
	const int size = 65536;

	for (int i = 0; i < HTTPD_CONNS; i++) {
		struct httpd_conn *c = &conns[i];

		if (c->state != CONN_FREE)
			continue;
		memset(c, 0, sizeof(*c));
		c->state = state;
		c->fd = fd;
		c->reply.file_fd = -1;
		/* Small: what was counted as sent is what the other side nearly has. */
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		return c;
	}
	(void)close(fd);
	return NULL;
}

static void conn_close(struct httpd_conf *conf, struct httpd_conn *c, bool reset)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_FREE)
		return;
	httpd_reply_end(conf, c);
	if (reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	SSL_free(c->ssl);
	(void)close(c->fd);
	c->state = CONN_FREE;
	if (c->peer) {
		struct httpd_conn *other = c->peer;

		other->peer = NULL;
		other->close_after = true;
		if (!other->out_len)
			conn_close(conf, other, false);
	}
}

/* --- bytes in and out, through TLS or not --- */

static ssize_t tls_result(struct httpd_conn *c, int n)
{
	int why;

	if (n > 0)
		return n;
	why = SSL_get_error(c->ssl, n);
	c->tls_wants_write = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	errno = ECONNRESET;
	return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t conn_read(struct httpd_conn *c, void *buf, size_t len)
{
	return c->ssl ? tls_result(c, SSL_read(c->ssl, buf, (int)len)) : recv(c->fd, buf, len, 0);
}

static ssize_t conn_write(struct httpd_conn *c, const void *buf, size_t len)
{
	return c->ssl ? tls_result(c, SSL_write(c->ssl, buf, (int)len))
		      : send(c->fd, buf, len, MSG_NOSIGNAL);
}

/* flush - 1 all is out, 0 wait, -1 the connection is lost. */
static int flush(struct httpd_conn *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = conn_write(c, c->out + c->out_at, c->out_len - c->out_at);

		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_len = 0;
	return 1;
}

/* --- listening --- */

static int listen_on(int family, unsigned int *port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)*port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof(a6);
	const int on = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	a6.sin6_addr = serving->any ? in6addr_any : in6addr_loopback;
	a4.sin_addr.s_addr = htonl(serving->any ? INADDR_ANY : INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if ((family == AF_INET6 ? bind(fd, (struct sockaddr *)&a6, sizeof(a6))
				: bind(fd, (struct sockaddr *)&a4, sizeof(a4))) ||
	    listen(fd, 16) || getsockname(fd, (struct sockaddr *)&a6, &len)) {
		(void)close(fd);
		return -1;
	}
	*port = ntohs(a6.sin6_port); /* at the same place in both families */
	return fd;
}

static int listen_all(struct httpd_conf *conf)
{
	listeners[0] = listen_on(AF_INET, &conf->port);
	if (listeners[0] < 0)
		return -errno;
	listeners[1] = listen_on(AF_INET6, &conf->port); /* a host may have none */
	return 0;
}

static void restart(struct httpd_conf *conf)
{
	for (int i = 0; i < 2; i++) {
		if (listeners[i] >= 0)
			(void)close(listeners[i]);
		listeners[i] = -1;
	}
	for (int i = 0; i < HTTPD_CONNS; i++)
		conn_close(conf, &conns[i], true);
	up_again_ms = httpd_now_ms() + conf->down_ms;
}

static void accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	const int on = 1;
	struct httpd_conn *c;

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = conn_new(fd, CONN_REQUEST);
	if (c && tls) {
		c->ssl = SSL_new(tls);
		(void)SSL_set_fd(c->ssl, fd);
		SSL_set_accept_state(c->ssl);
	}
}

struct httpd_conn *httpd_dial(struct httpd_conf *conf, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *to;
	struct httpd_conn *c = NULL;
	int fd;

	(void)conf;
	if (getaddrinfo(host, port, &hints, &to))
		return NULL;
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (connect(fd, to->ai_addr, to->ai_addrlen) == 0 || errno == EINPROGRESS))
		c = conn_new(fd, CONN_CONNECTING);
	else if (fd >= 0)
		(void)close(fd);
	freeaddrinfo(to);
	return c;
}

/* --- one connection's turn --- */

/* tunnel - what this side sends goes to the other. */
static int tunnel(struct httpd_conn *c)
{
	struct httpd_conn *to = c->peer;
	ssize_t n;

	if (!to || to->out_len)
		return 0; /* wait until it is out */
	n = conn_read(c, to->out, sizeof(to->out));
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	to->out_len = (size_t)n;
	to->reply.sent += (uint64_t)n;
	return flush(to) < 0 ? -1 : 0;
}

/* take_request - begin to answer where a whole request has come. */
static int take_request(struct httpd_conf *conf, struct httpd_conn *c)
{
	const char *end = strstr(c->in, "\r\n\r\n");

	if (end)
		httpd_answer(conf, c, (size_t)(end - c->in) + 4);
	return !end && c->in_len == sizeof(c->in) - 1 ? -1 : 0;
}

static int on_readable(struct httpd_conf *conf, struct httpd_conn *c)
{
	char drop[256];
	ssize_t n;

	if (c->state == CONN_TUNNEL)
		return tunnel(c);
	if (c->state != CONN_REQUEST) {
		/* The client speaks while we answer, or is gone. */
		n = c->ssl ? 1 : recv(c->fd, drop, sizeof(drop), MSG_PEEK);
		return n == 0 || (n < 0 && errno != EAGAIN) ? -1 : 0;
	}
	n = conn_read(c, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	return take_request(conf, c);
}

/* cut_now - the body ends here. Returns -1 to close. */
static int cut_now(struct httpd_conf *conf, struct httpd_conn *c)
{
	int left = 0;

	/* RST takes back what the other side has not acknowledged: wait for that. */
	if (c->reply.cut != CUT_CLOSE && c->reply.cut != CUT_STALL &&
	    ioctl(c->fd, SIOCOUTQ, &left) == 0 && left > 0)
		return 0;
	switch (c->reply.cut) {
	case CUT_STALL:
		httpd_reply_end(conf, c);
		c->state = CONN_STALLED;
		return 0;
	case CUT_RESTART:
		restart(conf);
		return 0;
	case CUT_CHANGE:
		conf->changed = true;
		break;
	default:
		break;
	}
	conn_close(conf, c, c->reply.cut != CUT_CLOSE);
	return 0;
}

static int reply_on(struct httpd_conf *conf, struct httpd_conn *c)
{
	for (int turn = 0; turn < 8 && c->state == CONN_REPLY; turn++) {
		struct httpd_reply *r = &c->reply;
		int rc = flush(c);

		if (rc <= 0)
			return rc;
		if (r->cut != CUT_NONE && r->pos >= r->cut_at)
			return cut_now(conf, c);
		if (r->pos < r->end || r->endless || r->head_flood) {
			if (!httpd_fill(c))
				return 0;
			continue;
		}
		httpd_reply_end(conf, c);
		c->state = CONN_REQUEST;
		if (c->close_after)
			return -1;
		return take_request(conf, c);
	}
	return 0;
}

static int on_writable(struct httpd_conf *conf, struct httpd_conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	switch (c->state) {
	case CONN_CONNECTING:
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error)
			return -1;
		c->state = CONN_TUNNEL;
		return flush(c) < 0 ? -1 : 0;
	case CONN_TUNNEL:
		return flush(c) < 0 ? -1 : 0;
	case CONN_REPLY:
		return reply_on(conf, c);
	default:
		return 0;
	}
}

/* events - what c waits for; rate-limited bodies wait for time alone. */
static short events(const struct httpd_conn *c, bool *ret_tick)
{
	if (c->tls_wants_write)
		return POLLOUT;
	switch (c->state) {
	case CONN_REQUEST:
	case CONN_STALLED:
		return POLLIN;
	case CONN_CONNECTING:
		return POLLOUT;
	case CONN_REPLY:
		*ret_tick = *ret_tick || c->reply.rate || c->reply.cut != CUT_NONE;
		return c->out_len ? POLLIN | POLLOUT : c->reply.rate ? POLLIN : POLLIN | POLLOUT;
	case CONN_TUNNEL:
		return (short)((c->out_len ? POLLOUT : 0) |
			       (c->peer && !c->peer->out_len ? POLLIN : 0));
	default:
		return 0;
	}
}

static void serve(struct httpd_conf *conf)
{
	struct pollfd fds[HTTPD_CONNS + 2];

	for (;;) {
		bool tick = up_again_ms != 0;

		for (int i = 0; i < HTTPD_CONNS; i++)
			fds[i] = (struct pollfd){
				.fd = conns[i].state == CONN_FREE ? -1 : conns[i].fd,
				.events = events(&conns[i], &tick),
			};
		for (int i = 0; i < 2; i++)
			fds[HTTPD_CONNS + i] =
				(struct pollfd){ .fd = listeners[i], .events = POLLIN };
		(void)poll(fds, HTTPD_CONNS + 2, tick ? 10 : -1);
		if (up_again_ms && httpd_now_ms() >= up_again_ms && listen_all(conf) == 0)
			up_again_ms = 0;
		for (int i = 0; i < HTTPD_CONNS; i++) {
			struct httpd_conn *c = &conns[i];
			int rc = 0;

			if (c->state == CONN_FREE || c->fd != fds[i].fd)
				continue;
			if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
				rc = on_readable(conf, c);
			if (rc == 0 && (fds[i].revents & POLLOUT || c->reply.rate))
				rc = c->state == CONN_REQUEST ? on_readable(conf, c)
							      : on_writable(conf, c);
			if (rc == 0 && c->state == CONN_TUNNEL && c->close_after && !c->out_len)
				rc = -1;
			if (rc)
				conn_close(conf, c, false);
		}
		for (int i = 0; i < 2; i++)
			if (listeners[i] >= 0 && fds[HTTPD_CONNS + i].fd == listeners[i] &&
			    fds[HTTPD_CONNS + i].revents)
				accept_one(listeners[i]);
	}
}

int main(int argc, char **argv)
{
	static struct httpd_conf conf = { .down_ms = 1000, .log_fd = -1 };

	(void)signal(SIGPIPE, SIG_IGN);
	serving = &conf;
	if (httpd_options(&conf, argc, argv) || !conf.root) {
		(void)fprintf(stderr, "usage: httpd [OPTION]... FOLDER (see httpd.c)\n");
		return 100;
	}
	conf.root_fd = open(conf.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (conf.root_fd < 0) {
		(void)fprintf(stderr, "httpd: %s: %s\n", conf.root, strerror(errno));
		return 111;
	}
	if (conf.cert) {
		tls = SSL_CTX_new(TLS_server_method());
		if (!tls || SSL_CTX_use_certificate_chain_file(tls, conf.cert) != 1 ||
		    SSL_CTX_use_PrivateKey_file(tls, conf.key, SSL_FILETYPE_PEM) != 1) {
			(void)fprintf(stderr, "httpd: no certificate and key\n");
			return 111;
		}
		(void)SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
						    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	if (listen_all(&conf)) {
		(void)fprintf(stderr, "httpd: port %u: %s\n", conf.port, strerror(errno));
		return 111;
	}
	(void)printf("port %u\n", conf.port);
	(void)fflush(stdout);
	serve(&conf);
	return 0;
}
