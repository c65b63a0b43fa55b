// SPDX-License-Identifier: Apache-2.0
/*
 * usage: fetch-drive KEY=VALUE... OBJECT[@OFFSET+LEN] OUT [OBJECT[@OFFSET+LEN] OUT]...
 * Starts the fetch part of service update as main does, asks it for objects one after the other,
 * writes them to files and prints a line for each:
 *   rc=N bytes=N offset=N total=N fetched=N why=TEXT
 * and last `peak_kib=N', the fetch part's peak of resident memory. Exit: 0 every rc was 0, 1 not,
 * 2 the part broke the protocol or ended.
 *
 * OBJECT: channel, trust/N, bundles/HEX. Keys: url, ca (none, public, operator), proxy, limit
 * (KiB/s), kind (folder, file, fd: url is opened here); both=1: each object is asked for by main
 * and writer at once, the second into OUT.2; cancel_at=BYTES; slow_ms=MS before each slice is
 * taken; tries, backoff_ms, backoff_max_ms, stall_s, connect_ms, skip_max, redirects: other bounds
 * than the part's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/update/fetch.h"
#include "hex.h"

struct ask {
	int fd, out_fd;
	struct source_request q;
	uint64_t next;
	bool done;
	struct source_data last;
};

static struct fetch_limits limits;
static struct source_config config = {
	.version = UPDATE_PROTO_VERSION,
	.op = SOURCE_CONFIG,
	.kind = SOURCE_FOLDER,
	.ca = SOURCE_CA_NONE,
};
static bool both;
static uint64_t cancel_at, slow_ms, burst;
static const char *then;
static uint32_t ids;

static _Noreturn void broken(const char *what)
{
	(void)printf("broken: %s\n", what);
	exit(2);
}

static int set(const char *key, const char *v)
{
	const struct {
		const char *key;
		uint32_t *value;
	} numbers[] = { { "tries", &limits.tries },
			{ "backoff_ms", &limits.backoff_ms },
			{ "backoff_max_ms", &limits.backoff_max_ms },
			{ "stall_s", &limits.stall_s },
			{ "connect_ms", &limits.connect_ms },
			{ "redirects", &limits.redirects },
			{ "limit", &config.limit_kib_s } };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].value = (uint32_t)strtoul(v, NULL, 10);
			return 0;
		}
	if (strcmp(key, "url") == 0)
		(void)snprintf(config.url, sizeof(config.url), "%s", v);
	else if (strcmp(key, "proxy") == 0)
		(void)snprintf(config.proxy, sizeof(config.proxy), "%s", v);
	else if (strcmp(key, "ca") == 0)
		config.ca = *v == 'p'	? SOURCE_CA_PUBLIC
			    : *v == 'o' ? SOURCE_CA_OPERATOR
					: SOURCE_CA_NONE;
	else if (strcmp(key, "kind") == 0)
		config.kind = strcmp(v, "fd") == 0     ? SOURCE_FD
			      : strcmp(v, "file") == 0 ? SOURCE_FILE
						       : SOURCE_FOLDER;
	else if (strcmp(key, "burst") == 0)
		burst = strtoull(v, NULL, 10);
	else if (strcmp(key, "then") == 0)
		then = v;
	else if (strcmp(key, "both") == 0)
		both = true;
	else if (strcmp(key, "skip_max") == 0)
		limits.skip_max = strtoull(v, NULL, 10);
	else if (strcmp(key, "cancel_at") == 0)
		cancel_at = strtoull(v, NULL, 10);
	else if (strcmp(key, "slow_ms") == 0)
		slow_ms = strtoull(v, NULL, 10);
	else
		return -EINVAL;
	return 0;
}

static int read_object(const char *text, struct source_request *q)
{
	unsigned long long offset = 0, len = 0;
	char hex[2 * SHA256_SIZE + 1] = "";
	const char *at = strchr(text, '@');

	memset(q, 0, sizeof(*q));
	q->version = UPDATE_PROTO_VERSION;
	q->op = SOURCE_READ;
	q->id = ++ids;
	if (at && sscanf(at, "@%llu+%llu", &offset, &len) != 2)
		return -EINVAL;
	q->offset = offset;
	q->len = len;
	if (strncmp(text, "channel", 7) == 0) {
		q->object = SOURCE_CHANNEL;
	} else if (strncmp(text, "trust/", 6) == 0) {
		q->object = SOURCE_TRUST;
		q->number = strtoull(text + 6, NULL, 10);
	} else if (strncmp(text, "bundles/", 8) == 0) {
		(void)snprintf(hex, sizeof(hex), "%.64s", text + 8);
		q->object = SOURCE_BUNDLE;
		return hex_decode(hex, q->digest, SHA256_SIZE);
	} else {
		return -EINVAL;
	}
	return 0;
}

static void receive(int fd, struct source_data *d)
{
	ssize_t n = recv(fd, d, sizeof(*d), 0);

	if (n != (ssize_t)sizeof(*d))
		broken(n == 0 ? "the part ended" : "a message of another size");
	if (d->version != UPDATE_PROTO_VERSION || d->len > SOURCE_SLICE_BYTES ||
	    !memchr(d->why, 0, sizeof(d->why)))
		broken("a bad message");
}

static void send_config(int fd)
{
	struct iovec iov = { .iov_base = &config, .iov_len = sizeof(config) };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct source_data d;
	int file;

	if (config.kind == SOURCE_FD) {
		file = open(config.url, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			broken("the file cannot be opened");
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &file, sizeof(file));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	if (sendmsg(fd, &msg, 0) != (ssize_t)sizeof(config))
		broken("CONFIG cannot be sent");
	receive(fd, &d);
	if (d.op != SOURCE_CONFIG || !d.last)
		broken("another answer to CONFIG");
	if (d.rc) {
		(void)printf("config rc=%d why=%s\n", d.rc, d.why);
		exit(1);
	}
}

static void take_slice(struct ask *a)
{
	const struct timespec slow = { .tv_sec = 0, .tv_nsec = (long)slow_ms * 1000000 };
	struct source_request stop = a->q;
	struct source_data *d = &a->last;

	if (slow_ms)
		(void)nanosleep(&slow, NULL);
	receive(a->fd, d);
	if (burst && d->id != a->q.id)
		return; /* of one that was cancelled */
	if (d->id != a->q.id || d->op != SOURCE_READ || d->offset != a->next ||
	    (a->q.len && d->offset + d->len > a->q.offset + a->q.len))
		broken("a slice of other bytes");
	if (pwrite(a->out_fd, d->bytes, d->len, (off_t)(a->next - a->q.offset)) != (ssize_t)d->len)
		broken("cannot write");
	a->next += d->len;
	a->done = d->last;
	if (cancel_at && !a->done && a->next >= cancel_at) {
		stop.op = SOURCE_CANCEL;
		cancel_at = 0;
		if (send(a->fd, &stop, sizeof(stop), 0) != (ssize_t)sizeof(stop))
			broken("CANCEL cannot be sent");
	}
}

/* cancelled_ones - READs that nobody waits for. */
static void cancelled_ones(const struct ask *a)
{
	struct source_request q = a->q;

	for (uint64_t i = 0; i < burst; i++) {
		q.id = 1000000 + (uint32_t)i;
		q.op = SOURCE_READ;
		if (send(a->fd, &q, sizeof(q), 0) != (ssize_t)sizeof(q))
			broken("READ cannot be sent");
		q.op = SOURCE_CANCEL;
		if (send(a->fd, &q, sizeof(q), 0) != (ssize_t)sizeof(q))
			broken("CANCEL cannot be sent");
	}
}

static int ask_all(struct ask *a, int n)
{
	struct pollfd fds[2];
	int i, bad = 0, left = n;

	for (i = 0; i < n; i++)
		cancelled_ones(&a[i]);
	for (i = 0; i < n; i++)
		if (send(a[i].fd, &a[i].q, sizeof(a[i].q), 0) != (ssize_t)sizeof(a[i].q))
			broken("READ cannot be sent");
	while (left) {
		for (i = 0; i < n; i++)
			fds[i] =
				(struct pollfd){ .fd = a[i].done ? -1 : a[i].fd, .events = POLLIN };
		if (poll(fds, (nfds_t)n, -1) < 0)
			continue;
		for (i = 0; i < n; i++)
			if (fds[i].revents) {
				take_slice(&a[i]);
				left -= a[i].done;
			}
	}
	for (i = 0; i < n; i++) {
		const struct source_data *d = &a[i].last;

		(void)printf("rc=%d bytes=%llu offset=%llu total=%llu fetched=%llu why=%s\n", d->rc,
			     (unsigned long long)(a[i].next - a[i].q.offset),
			     (unsigned long long)a[i].q.offset, (unsigned long long)d->total,
			     (unsigned long long)d->fetched, d->why);
		(void)close(a[i].out_fd);
		bad |= d->rc != 0;
	}
	(void)fflush(stdout);
	return bad;
}

int main(int argc, char **argv)
{
	int to_main[2], to_writer[2], i = 1, status, bad = 0;
	struct rusage use;
	pid_t pid;

	limits = fetch_limits_default;
	for (; i < argc && strchr(argv[i], '='); i++) {
		char *v = strchr(argv[i], '=');

		*v++ = '\0';
		if (set(argv[i], v)) {
			(void)fprintf(stderr, "fetch-drive: %s?\n", argv[i]);
			return 100;
		}
	}
	(void)alarm(120);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, to_main) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, to_writer))
		return 111;
	pid = fork();
	if (pid == 0) {
		(void)close(to_main[0]);
		(void)close(to_writer[0]);
		_exit(fetch_serve(to_main[1], to_writer[1], &limits));
	}
	(void)close(to_main[1]);
	(void)close(to_writer[1]);
	send_config(to_main[0]);
	for (; i + 1 < argc; i += 2) {
		const struct timespec moment = { .tv_nsec = 10000000 };
		struct ask asks[2] = { 0 };
		char second[256];

		while (ids && then && access(then, F_OK))
			(void)nanosleep(&moment, NULL);
		(void)snprintf(second, sizeof(second), "%s.2", argv[i + 1]);
		for (int n = 0; n < (both ? 2 : 1); n++) {
			asks[n].fd = n ? to_writer[0] : to_main[0];
			if (read_object(argv[i], &asks[n].q))
				return 100;
			asks[n].next = asks[n].q.offset;
			asks[n].out_fd = open(n ? second : argv[i + 1],
					      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
			if (asks[n].out_fd < 0)
				return 111;
		}
		bad |= ask_all(asks, both ? 2 : 1);
	}
	(void)close(to_main[0]);
	if (wait4(pid, &status, 0, &use) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		broken("the part did not end well");
	(void)printf("peak_kib=%ld\n", use.ru_maxrss);
	return bad;
}
