// SPDX-License-Identifier: Apache-2.0
/*
 * timed - keeps the clock right: runs busybox's ntpd with the servers that netd has found while
 * the network is there, and says in /run/cairn/time how far it is. It has no rights but to hand
 * CAP_SYS_TIME to ntpd, which can reach nothing else: netd has the network, this has the clock.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/notify.h"
#include "agent/core/privileges.h"
#include "agent/net/child.h"
#include "agent/net/event.h"
#include "agent/net/place.h"
#include "cmdline.h"
#include "io.h"
#include "netconf.h"

#define SERVERS_SIZE (NETCONF_NTP_MAX * NETCONF_HOST_SIZE)

struct timed {
	const char *run_dir, *busybox, *event, *user;
	char netd_dir[128];
	struct place place;
	struct notify notify;
	struct child ntpd;
	int signal_fd, watch_fd;
	bool online;
	char servers[SERVERS_SIZE]; /* as netd wrote them */
	char words[SERVERS_SIZE];   /* the same, cut for the command */
	struct net_event_time last;
	char written[256];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void command(void *owner, struct child_command *ret_command)
{
	struct privileges *p = &ret_command->privileges;
	struct timed *t = owner;
	size_t n = 0, servers = 0;
	char *rest = t->words, *w;

	*p = *privileges_of("ntpd");
	p->paths[0].path = t->netd_dir;
	p->paths[2].path = t->busybox;
	p->paths[3].path = t->event;
	ret_command->path = t->busybox;
	ret_command->argv[n++] = "ntpd";
	ret_command->argv[n++] = "-n";
	ret_command->argv[n++] = "-S";
	ret_command->argv[n++] = t->event;
	memcpy(t->words, t->servers, sizeof(t->words));
	while ((w = strsep(&rest, " ")) && servers < NETCONF_NTP_MAX) {
		/* Checked where they were read, and again here: a leading `-` is an option. */
		if (!netconf_host_ok(w))
			continue;
		ret_command->argv[n++] = "-p";
		ret_command->argv[n++] = w;
		servers++;
	}
}

static const char *state(const struct timed *t)
{
	if (t->servers[0] == '\0')
		return "none";
	if (!t->online)
		return t->last.synced ? "holding" : "waiting";
	return t->last.synced ? "synced" : "asking";
}

static void publish(struct timed *t)
{
	char text[sizeof(t->written)], path[160];
	int n, rc;

	n = snprintf(text, sizeof(text), "state=%s\nstratum=%u\noffset_us=%lld\ndrift_ppm=%lld\n",
		     state(t), t->last.stratum, (long long)t->last.offset_us,
		     (long long)t->last.drift_ppm);
	if (strcmp(text, t->written) == 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/time", t->place.dir);
	rc = io_replace_file(path, text, (size_t)n, 0644);
	if (rc)
		(void)dprintf(2, "cannot write %s: %s\n", path, strerror(-rc));
	else
		memcpy(t->written, text, sizeof(text));
}

static void read_word(const struct timed *t, const char *file, const char *key, char *ret_value,
		      size_t size)
{
	char path[192], text[2048];

	ret_value[0] = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s", t->netd_dir, file);
	if (!io_read_file(path, text, sizeof(text), NULL) &&
	    cmdline_get(text, key, ret_value, size))
		ret_value[0] = '\0';
}

/* follow_netd - the network or the servers may have changed. */
static void follow_netd(struct timed *t)
{
	char net[16], servers[SERVERS_SIZE];

	memset(servers, 0, sizeof(servers));
	read_word(t, "net", "state", net, sizeof(net));
	read_word(t, "ntp", "servers", servers, sizeof(servers));
	t->online = strcmp(net, "online") == 0;
	if (strcmp(servers, t->servers) != 0) {
		memcpy(t->servers, servers, sizeof(servers));
		(void)dprintf(2, "servers: %s\n", *servers ? servers : "none");
		child_event(&t->ntpd, RESPAWN_RESTART, now_ms(), command, t);
	}
	child_want(&t->ntpd, t->online && t->servers[0] != '\0', now_ms(), command, t);
}

static void on_ntpd(struct timed *t)
{
	struct net_event e;

	while (t->ntpd.event_fd >= 0 && child_receive(&t->ntpd, &e, sizeof(e))) {
		if (e.version != NET_EVENT_VERSION || e.kind != NET_EVENT_TIME)
			continue;
		if (e.time.stepped)
			(void)dprintf(2, "the clock was set, by %lld ms\n",
				      (long long)e.time.offset_us / 1000);
		if (e.time.synced && !t->last.synced)
			(void)dprintf(2, "synchronised, stratum %u\n", e.time.stratum);
		t->last = e.time;
	}
}

/* Returns 1 to end. */
static int on_signal(struct timed *t)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(t->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			return 1;
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid != t->ntpd.pid)
				continue;
			on_ntpd(t);
			child_event(&t->ntpd, RESPAWN_EXIT, now_ms(), command, t);
		}
	}
	return 0;
}

static int timeout_ms(const struct timed *t)
{
	uint64_t first = t->ntpd.timer_ms, now = now_ms();

	if (t->notify.next_ms && (first == 0 || t->notify.next_ms < first))
		first = t->notify.next_ms;
	if (first == 0)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

static int serve(struct timed *t, struct err *err)
{
	for (;;) {
		struct pollfd fds[3];
		char news[1024];

		notify_alive(&t->notify, now_ms());
		publish(t);
		fds[0] = (struct pollfd){ .fd = t->signal_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = t->watch_fd, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = t->ntpd.event_fd, .events = POLLIN };
		if (poll(fds, 3, timeout_ms(t)) < 0 && errno != EINTR)
			return err_sys(err, -errno, "cannot wait");
		if (fds[2].revents & POLLIN)
			on_ntpd(t);
		if (fds[1].revents) {
			/* What changed does not matter: all is read again. */
			while (read(t->watch_fd, news, sizeof(news)) > 0)
				;
			follow_netd(t);
		}
		if (t->ntpd.timer_ms && t->ntpd.timer_ms <= now_ms())
			child_event(&t->ntpd, RESPAWN_TIMER, now_ms(), command, t);
		if (fds[0].revents && on_signal(t))
			return 0;
	}
}

static int run(struct timed *t, struct err *err)
{
	struct privileges p = *privileges_of("timed");
	int rc;

	notify_init(&t->notify);
	(void)snprintf(t->netd_dir, sizeof(t->netd_dir), "%s/netd", t->run_dir);
	rc = place_init(&t->place, t->run_dir, "timed", t->user, err);
	rc = rc ? rc : place_link(&t->place, "time", err);
	rc = rc ? rc : place_signals(&t->signal_fd, err);
	if (rc)
		return rc;
	t->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (t->watch_fd < 0 || inotify_add_watch(t->watch_fd, t->netd_dir, IN_MOVED_TO) < 0)
		return err_sys(err, -errno, "cannot watch %s", t->netd_dir);
	/* As the command line says. */
	p.user = t->user;
	p.paths[0].path = t->place.dir;
	p.paths[1].path = t->netd_dir;
	p.paths[3].path = t->busybox;
	p.paths[4].path = t->event;
	rc = sandbox_enter(&p, err);
	if (rc)
		return rc;
	follow_netd(t);
	notify_ready(&t->notify);
	return serve(t, err);
}

int main(int argc, char **argv)
{
	static struct timed t = {
		.run_dir = "/run/cairn",
		.busybox = "/usr/libexec/cairn/busybox",
		.event = "/usr/libexec/cairn/net-event",
		.user = "cairn-ntp",
		.signal_fd = -1,
		.watch_fd = -1,
		.last = { .stratum = 16 },
	};
	struct err err = { "" };
	int opt;

	while ((opt = getopt(argc, argv, "r:b:e:u:")) != -1) {
		switch (opt) {
		case 'r':
			t.run_dir = optarg;
			break;
		case 'b':
			t.busybox = optarg;
			break;
		case 'e':
			t.event = optarg;
			break;
		case 'u':
			t.user = *optarg ? optarg : NULL;
			break;
		default:
			(void)fprintf(stderr,
				      "usage: timed [-r RUN-DIR] [-b BUSYBOX] [-e NET-EVENT] "
				      "[-u USER]\n");
			return 100;
		}
	}
	child_init(&t.ntpd);
	if (run(&t, &err)) {
		(void)fprintf(stderr, "timed: %s\n", err.msg);
		return 111;
	}
	return 0;
}
