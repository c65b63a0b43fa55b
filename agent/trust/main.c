// SPDX-License-Identifier: Apache-2.0
/*
 * trust - holds the TPM and the head of the DATA partition, and answers for both
 * (agent/trust/proto.h, docs/sealing.md). One process, one order at a time: a TPM does no more
 * either, and who asks has a limit of time of his own.
 *
 * It opens all that it will ever hold as root, then becomes user cairn-tpm without any right.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/core/notify.h"
#include "agent/core/privileges.h"
#include "agent/core/sandbox.h"
#include "agent/init/data.h"
#include "agent/trust/access.h"
#include "agent/trust/orders.h"
#include "io.h"

#define RUN_DIR "/run/cairn"
#define EMPTY_DIR RUN_DIR "/empty"
#define PEERS_MAX 8
#define SEND_S 5 /* who does not take his answer in this time loses it */

struct peer {
	int fd; /* -1: none */
	uint32_t access;
};

struct server {
	struct trustd t;
	struct access_users users;
	int listen_fd, signal_fd;
	struct peer peer[PEERS_MAX];
};

struct places {
	const char *tpm, *socket, *boot, *eventlog;
	bool stay; /* as who we are */
	struct volume_places volume;
};

/* Start-up, as root. */

static int make_places(struct err *err)
{
	if ((mkdir(RUN_DIR, 0755) && errno != EEXIST) ||
	    (mkdir(EMPTY_DIR, 0555) && errno != EEXIST))
		return err_sys(err, -errno, "cannot make " EMPTY_DIR);
	return 0;
}

static int listen_on(const char *path, int *ret_fd, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s is too long a name", path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(path);
	/* Everyone may connect: who asks what is decided by the peer's user. */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) || chmod(path, 0666) ||
	    listen(fd, PEERS_MAX))
		return err_sys(err, -errno, "cannot listen on %s", path);
	*ret_fd = fd;
	return 0;
}

static int catch_term(int *ret_fd, struct err *err)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? err_sys(err, -errno, "cannot make a signalfd") : 0;
}

static void open_all(struct server *s, const struct places *p)
{
	static struct data_disk disk;
	struct volume_places v = p->volume;
	struct err why = { "" };

	tpm_open(&s->t.tpm, p->tpm);
	if (s->t.tpm.there)
		measured_log(&s->t.measured, p->eventlog);
	if (!v.part && !data_disk_find(p->boot, &disk, &why))
		v.part = disk.part;
	volume_open(&s->t.volume, &v, &s->t.tpm, &s->t.measured);
	if (!v.part && !s->t.volume.why.msg[0])
		s->t.volume.why = why;
	if (s->t.tpm.why.msg[0] && s->t.tpm.there)
		(void)fprintf(stderr, "%s\n", s->t.tpm.why.msg);
	if (s->t.volume.why.msg[0])
		(void)fprintf(stderr, "%s\n", s->t.volume.why.msg);
}

/* Peers. */

static void drop(struct peer *p)
{
	io_close_p(&p->fd);
	p->fd = -1;
}

static int send_reply(void *ctx, const struct trustd_reply *r)
{
	const struct peer *p = ctx;
	ssize_t n;

	do {
		n = send(p->fd, r, sizeof(*r), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* receive - 0 with a whole request, or -errno: the peer is to be dropped. */
static int receive(int fd, struct trustd_request *ret, int *ret_passed)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	*ret_passed = -1;
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c = n ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_passed, CMSG_DATA(c), sizeof(int));
	if ((size_t)n != sizeof(*ret) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return n ? -EBADMSG : -EPIPE;
	return 0;
}

static void serve_peer(struct server *s, struct peer *p)
{
	static struct trustd_request q;
	int passed _cleanup_close_ = -1;
	int rc = receive(p->fd, &q, &passed);

	if (rc == -EAGAIN)
		return;
	rc = rc ? rc : orders_answer(&s->t, &q, p->access, passed, send_reply, p);
	if (rc)
		drop(p);
}

static void take_peer(struct server *s)
{
	const struct timeval limit = { .tv_sec = SEND_S };
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct ucred who;
	socklen_t len = sizeof(who);
	int i;

	if (fd < 0)
		return;
	for (i = 0; i < PEERS_MAX && s->peer[i].fd >= 0; i++)
		;
	if (i == PEERS_MAX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit))) {
		(void)close(fd);
		return;
	}
	s->peer[i].fd = fd;
	s->peer[i].access = access_mask(&s->users, (uint32_t)who.uid);
}

static int serve(struct server *s, struct err *err)
{
	for (;;) {
		struct pollfd fds[2 + PEERS_MAX];
		bool room = false;
		int i;

		for (i = 0; i < PEERS_MAX; i++) {
			fds[2 + i] = (struct pollfd){ .fd = s->peer[i].fd, .events = POLLIN };
			room = room || s->peer[i].fd < 0;
		}
		fds[0] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
		/* Who comes while all places are taken waits. */
		fds[1] = (struct pollfd){ .fd = room ? s->listen_fd : -1, .events = POLLIN };
		if (poll(fds, 2 + PEERS_MAX, -1) < 0 && errno != EINTR)
			return err_sys(err, -errno, "cannot wait");
		if (fds[0].revents)
			return 0;
		for (i = 0; i < PEERS_MAX; i++)
			if (fds[2 + i].fd >= 0 && fds[2 + i].revents)
				serve_peer(s, &s->peer[i]);
		if (fds[1].revents)
			take_peer(s);
	}
}

static int run(struct server *s, const struct places *p, struct err *err)
{
	struct notify notify;
	struct err ignored;
	int rc, i;

	notify_init(&notify);
	for (i = 0; i < PEERS_MAX; i++)
		s->peer[i].fd = -1;
	access_users(&s->users);
	rc = make_places(err);
	rc = rc ? rc : catch_term(&s->signal_fd, err);
	rc = rc ? rc : listen_on(p->socket, &s->listen_fd, err);
	if (rc)
		return rc;
	open_all(s, p);
	rc = p->stay ? 0 : sandbox_enter(privileges_of("trust"), err);
	if (rc)
		return rc;
	notify_ready(&notify);
	/* While `data` looks for its disk. */
	if (measured_read(&s->t.measured, &s->t.tpm, &ignored) == 0)
		(void)tpm_prepare(&s->t.tpm, &ignored);
	return serve(s, err);
}

static int usage(void)
{
	(void)fprintf(stderr,
		      "usage: trust [-t TPM] [-s SOCKET] [-p PARTITION] [-l EVENTLOG] "
		      "[-e FOLDER] [-n]\n"
		      "-e: release, trust, recovery and cmdline are there; -n: as who we are\n");
	return 100;
}

int main(int argc, char **argv)
{
	static char names[4][256];
	static const char *const files[] = { "release", "trust", "recovery", "cmdline" };
	static struct server s;
	struct places p = {
		.tpm = "/dev/tpmrm0",
		.socket = TRUSTD_SOCKET,
		.boot = RUN_DIR "/boot",
		.eventlog = "/sys/kernel/security/tpm0/binary_bios_measurements",
		.volume = {
			.release = "/etc/cairn/release",
			.trust = "/etc/cairn/trust",
			.recovery = "/etc/cairn/recovery",
			.cmdline = "/proc/cmdline",
		},
	};
	struct err err = { "" };
	int opt, i, rc;

	while ((opt = getopt(argc, argv, "t:s:p:l:e:n")) != -1) {
		switch (opt) {
		case 't':
			p.tpm = optarg;
			break;
		case 's':
			p.socket = optarg;
			break;
		case 'p':
			p.volume.part = optarg;
			break;
		case 'l':
			p.eventlog = optarg;
			break;
		case 'e':
			for (i = 0; i < 4; i++)
				(void)snprintf(names[i], sizeof(names[i]), "%s/%s", optarg,
					       files[i]);
			p.volume.release = names[0];
			p.volume.trust = names[1];
			p.volume.recovery = names[2];
			p.volume.cmdline = names[3];
			break;
		case 'n':
			p.stay = true;
			break;
		default:
			return usage();
		}
	}
	/* What the library would print says less than our own sentences. */
	(void)setenv("TSS2_LOG", "all+none", 1);
	rc = run(&s, &p, &err);
	volume_close(&s.t.volume);
	tpm_close(&s.t.tpm);
	if (rc)
		(void)fprintf(stderr, "trust: %s\n", err.msg);
	return rc ? 111 : 0;
}
