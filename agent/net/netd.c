// SPDX-License-Identifier: Apache-2.0
/*
 * netd - brings the network interfaces up as network.conf says (lib/netconf.h, docs/network.md).
 * It opens its sockets and makes its folder as root, then becomes its own user with
 * CAP_NET_ADMIN and CAP_NET_RAW and nothing else. It parses nothing that comes from the network
 * but what the kernel hands on; DHCP is read by busybox's clients, each a process with less
 * rights than netd, whose event program sends checked, fixed-size messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/notify.h"
#include "agent/core/privileges.h"
#include "agent/net/iface.h"
#include "agent/net/place.h"
#include "agent/net/publish.h"
#include "io.h"

#define IFACES_MAX 16

struct netd {
	const char *conf_path, *data_conf_path, *run_dir, *resolv_link, *user;
	struct place place;
	struct iface_env env;
	struct rtnl rtnl;
	struct netconf conf;
	struct err problem; /* why the settings on DATA are not used */
	struct publish publish;
	struct iface iface[IFACES_MAX];
	bool asking; /* within rtnl_dump */
	bool again;  /* news were lost */
	int signal_fd;
	struct notify notify;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Settings: DATA's where they are there and right, else those of the root, else built in. */

static int read_conf(const char *path, struct netconf *ret_conf, struct err *err)
{
	static uint8_t buf[NETCONF_SIZE_MAX + 1];
	size_t len;
	int rc = io_read_file(path, buf, sizeof(buf), &len);

	if (rc)
		return rc == -ENOENT ? rc : err_sys(err, rc, "%s", path);
	rc = netconf_parse(buf, len, ret_conf, err);
	if (rc)
		err_prefix(err, "%s", path);
	return rc;
}

static void load_conf(struct netd *d)
{
	static const char built_in[] = "[interface eth*]\n";
	struct err err = { "" };
	int rc;

	d->problem.msg[0] = '\0';
	d->publish.config = "data";
	rc = read_conf(d->data_conf_path, &d->conf, &d->problem);
	if (rc == 0)
		return;
	d->publish.config = "system";
	rc = read_conf(d->conf_path, &d->conf, &err);
	if (rc) {
		d->publish.config = "built-in";
		if (rc != -ENOENT && d->problem.msg[0] == '\0')
			d->problem = err;
		(void)netconf_parse((const uint8_t *)built_in, sizeof(built_in) - 1, &d->conf,
				    NULL);
	}
	if (d->problem.msg[0])
		(void)dprintf(2, "settings refused: %s; using the %s ones\n", d->problem.msg,
			      d->publish.config);
}

/* News of the kernel. */

static struct iface *find(struct netd *d, uint32_t ifindex)
{
	size_t i;

	for (i = 0; ifindex != 0 && i < IFACES_MAX; i++)
		if (d->iface[i].ifindex == ifindex)
			return &d->iface[i];
	return NULL;
}

static struct iface *adopt(struct netd *d, const struct rtnl_news *n)
{
	const struct netconf_section *section = netconf_find(&d->conf, n->ifname);
	size_t i;

	if (!section || !n->ethernet || n->loopback)
		return NULL;
	for (i = 0; i < IFACES_MAX; i++) {
		struct iface *f = &d->iface[i];

		/* An entry whose clients are still ending is not free yet. */
		if (f->ifindex || f->dhcp4.pid || f->dhcp6.pid)
			continue;
		iface_init(f, n->ifindex, n->ifname, section, &d->env);
		return f;
	}
	(void)dprintf(2, "%s: left alone, %d interfaces are ruled already\n", n->ifname,
		      IFACES_MAX);
	return NULL;
}

static void on_link(struct netd *d, const struct rtnl_news *n)
{
	struct iface *f = find(d, n->ifindex);

	/* A new name may be ruled by another section. */
	if (f && strcmp(f->name, n->ifname) != 0) {
		iface_drop(f, now_ms());
		f->ifindex = 0;
		f = NULL;
	}
	if (!f) {
		f = adopt(d, n);
		if (!f)
			return;
	}
	iface_on_link(f, n->up, n->carrier, now_ms());
}

static void on_link_gone(struct iface *f)
{
	iface_on_link(f, false, false, now_ms());
	memset(&f->has, 0, sizeof(f->has));
	f->addr6_count = 0;
	f->ifindex = 0;
}

static void on_nd_option(struct iface *f, const struct rtnl_news *n)
{
	struct ndopt_rdnss rdnss;

	if (ndopt_read_rdnss(n->option, n->option_len, &rdnss) > 0)
		iface_on_rdnss(f, &rdnss, now_ms());
}

/* on_leftover - an address or a route with our mark that we do not know is of a former netd. */
static void on_leftover(struct netd *d, struct iface *f, const struct rtnl_news *n)
{
	size_t i;

	if (!d->asking)
		return;
	for (i = 0; n->kind == RTNL_OWN_ADDR && i < f->has.addrs; i++)
		if (netaddr_equal(&f->has.addr[i].addr, &n->addr))
			return;
	for (i = 0; n->kind == RTNL_OWN_ROUTE && i < f->has.routes; i++)
		if (netaddr_equal(&f->has.route[i].dst, &n->route.dst) &&
		    netaddr_equal(&f->has.route[i].via, &n->route.via))
			return;
	/* The dump's socket is busy: remember it as ours, the next sync takes it away. */
	if (n->kind == RTNL_OWN_ADDR && f->has.addrs < IFACE_ADDRS_MAX)
		f->has.addr[f->has.addrs++].addr = n->addr;
	if (n->kind == RTNL_OWN_ROUTE && f->has.routes < IFACE_ROUTES_MAX)
		f->has.route[f->has.routes++] = n->route;
}

static void on_news(void *ctx, const struct rtnl_news *n)
{
	struct netd *d = ctx;
	struct iface *f;

	if (n->kind == RTNL_LOST) {
		d->again = true;
		return;
	}
	if (n->kind == RTNL_LINK) {
		on_link(d, n);
		return;
	}
	f = find(d, n->ifindex);
	if (!f)
		return;
	switch (n->kind) {
	case RTNL_LINK_GONE:
		on_link_gone(f);
		break;
	case RTNL_RA_FLAGS:
		iface_on_ra(f, n, now_ms());
		break;
	case RTNL_RA_ROUTE:
	case RTNL_RA_ROUTE_GONE:
		f->ra_route = n->kind == RTNL_RA_ROUTE;
		break;
	case RTNL_ND_OPTION:
		on_nd_option(f, n);
		break;
	case RTNL_ADDR6:
	case RTNL_ADDR6_GONE:
		iface_on_addr6(f, &n->addr, n->kind == RTNL_ADDR6);
		break;
	case RTNL_OWN_ADDR:
	case RTNL_OWN_ROUTE:
		on_leftover(d, f, n);
		break;
	case RTNL_LINK:
	case RTNL_LOST:
		break;
	}
}

/* ask_all - everything anew; interfaces that are gone since are noticed by their silence. */
static int ask_all(struct netd *d, struct err *err)
{
	size_t i;
	int rc;

	d->again = false;
	d->asking = true;
	rc = rtnl_dump(&d->rtnl, on_news, d, err);
	d->asking = false;
	for (i = 0; i < IFACES_MAX; i++)
		if (d->iface[i].ifindex)
			iface_sync(&d->iface[i], now_ms());
	return rc;
}

/* Signals. */

static struct child *child_of(struct netd *d, pid_t pid, struct iface **ret_iface)
{
	size_t i;

	for (i = 0; i < IFACES_MAX; i++) {
		*ret_iface = &d->iface[i];
		if (d->iface[i].dhcp4.pid == pid)
			return &d->iface[i].dhcp4;
		if (d->iface[i].dhcp6.pid == pid)
			return &d->iface[i].dhcp6;
	}
	return NULL;
}

static void reap(struct netd *d)
{
	struct iface *f;
	struct child *c;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		c = child_of(d, pid, &f);
		if (c)
			iface_on_exit(f, c, now_ms());
	}
}

/* reload - let go of every interface, read the settings, begin again. */
static int reload(struct netd *d, struct err *err)
{
	size_t i;

	(void)dprintf(2, "reading the settings again\n");
	for (i = 0; i < IFACES_MAX; i++) {
		if (d->iface[i].ifindex == 0)
			continue;
		iface_drop(&d->iface[i], now_ms());
		d->iface[i].ifindex = 0;
	}
	load_conf(d);
	return ask_all(d, err);
}

/* Returns 1 to end, 0, or -errno. */
static int on_signal(struct netd *d, struct err *err)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			return 1;
		if (info.ssi_signo == SIGHUP) {
			int rc = reload(d, err);

			if (rc)
				return rc;
		}
		reap(d);
	}
	return 0;
}

/* The loop. */

static int timeout_ms(const struct netd *d)
{
	uint64_t first = d->notify.next_ms, now = now_ms();
	size_t i;

	for (i = 0; i < IFACES_MAX; i++) {
		uint64_t t = iface_timer(&d->iface[i]);

		if (t != 0 && (first == 0 || t < first))
			first = t;
	}
	if (first == 0)
		return -1;
	if (first <= now)
		return 0;
	return first - now > 60000 ? 60000 : (int)(first - now);
}

static int serve(struct netd *d, struct err *err)
{
	for (;;) {
		struct pollfd fds[2 + 2 * IFACES_MAX];
		struct child *whose[2 * IFACES_MAX];
		size_t i, n = 0;
		int rc;

		publish_write(&d->publish, &d->conf, d->iface, IFACES_MAX);
		notify_alive(&d->notify, now_ms());
		fds[0] = (struct pollfd){ .fd = d->signal_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = d->rtnl.news_fd, .events = POLLIN };
		for (i = 0; i < 2 * IFACES_MAX; i++) {
			struct child *c = i % 2 ? &d->iface[i / 2].dhcp6 : &d->iface[i / 2].dhcp4;

			if (c->event_fd < 0)
				continue;
			whose[n] = c;
			fds[2 + n++] = (struct pollfd){ .fd = c->event_fd, .events = POLLIN };
		}
		if (poll(fds, 2 + n, timeout_ms(d)) < 0 && errno != EINTR)
			return err_sys(err, -errno, "cannot wait");
		for (i = 0; i < n; i++) {
			struct iface *f = &d->iface[0];

			while (whose[i] != &f->dhcp4 && whose[i] != &f->dhcp6)
				f++;
			if (fds[2 + i].revents & POLLIN)
				iface_on_helper(f, whose[i], now_ms());
		}
		if (fds[1].revents) {
			rc = rtnl_news(&d->rtnl, on_news, d);
			if (rc)
				return err_sys(err, rc, "cannot read the kernel's news");
		}
		for (i = 0; i < IFACES_MAX; i++)
			if (iface_timer(&d->iface[i]) && iface_timer(&d->iface[i]) <= now_ms())
				iface_on_timer(&d->iface[i], now_ms());
		if (d->again && (rc = ask_all(d, err)))
			return rc;
		if (fds[0].revents && (rc = on_signal(d, err)))
			return rc < 0 ? rc : 0;
	}
}

/* Start-up, as root. */

static int make_places(struct netd *d, struct err *err)
{
	char target[160];
	int rc;

	rc = place_init(&d->place, d->run_dir, "netd", d->user, err);
	rc = rc ? rc : place_link(&d->place, "net", err);
	rc = rc ? rc : place_link(&d->place, "ntp", err);
	(void)snprintf(target, sizeof(target), "%s/resolv.conf", d->place.dir);
	return rc ? rc : place_point(d->resolv_link, target, err);
}

/* data_folder - the folder of the settings on DATA, or the one above where it is not made yet. */
static void data_folder(const struct netd *d, char *ret_path, size_t size)
{
	char *slash;

	(void)snprintf(ret_path, size, "%s", d->data_conf_path);
	do {
		slash = strrchr(ret_path, '/');
		if (!slash || slash == ret_path)
			return;
		*slash = '\0';
	} while (access(ret_path, F_OK));
}

static int drop_rights(struct netd *d, struct err *err)
{
	char data[256];
	struct privileges p = *privileges_of("netd");

	/* As the command line says; the folder on DATA may not be there yet. */
	data_folder(d, data, sizeof(data));
	p.user = d->user;
	p.paths[0].path = d->place.dir;
	p.paths[1].path = d->env.sys_ipv6;
	p.paths[2].path = d->conf_path;
	p.paths[3].path = data;
	p.paths[4].path = d->env.busybox;
	p.paths[5].path = d->env.event;
	return sandbox_enter(&p, err);
}

static int run(struct netd *d, struct err *err)
{
	int rc;

	notify_init(&d->notify);
	rc = make_places(d, err);
	rc = rc ? rc : place_signals(&d->signal_fd, err);
	rc = rc ? rc : rtnl_init(&d->rtnl, err);
	rc = rc ? rc : drop_rights(d, err);
	if (rc)
		return rc;
	load_conf(d);
	rc = ask_all(d, err);
	if (rc)
		return rc;
	publish_write(&d->publish, &d->conf, d->iface, IFACES_MAX);
	notify_ready(&d->notify);
	return serve(d, err);
}

int main(int argc, char **argv)
{
	static struct netd d = {
		.conf_path = "/etc/cairn/network.conf",
		.data_conf_path = "/data/config/network.conf",
		.run_dir = "/run/cairn",
		.resolv_link = "/run/resolv.conf",
		.user = "cairn-net",
		.env = { .busybox = "/usr/libexec/cairn/busybox",
			 .event = "/usr/libexec/cairn/net-event",
			 .sys_ipv6 = "/proc/sys/net/ipv6/conf" },
		.signal_fd = -1,
	};
	struct err err = { "" };
	size_t i;
	int opt;

	while ((opt = getopt(argc, argv, "c:d:r:l:b:e:u:")) != -1) {
		switch (opt) {
		case 'c':
			d.conf_path = optarg;
			break;
		case 'd':
			d.data_conf_path = optarg;
			break;
		case 'r':
			d.run_dir = optarg;
			break;
		case 'l':
			d.resolv_link = optarg;
			break;
		case 'b':
			d.env.busybox = optarg;
			break;
		case 'e':
			d.env.event = optarg;
			break;
		case 'u':
			d.user = *optarg ? optarg : NULL;
			break;
		default:
			(void)fprintf(stderr, "usage: netd [-c CONF] [-d DATA-CONF] [-r RUN-DIR] "
					      "[-l RESOLV-LINK] [-b BUSYBOX] [-e NET-EVENT] "
					      "[-u USER]\n");
			return 100;
		}
	}
	for (i = 0; i < IFACES_MAX; i++) {
		child_init(&d.iface[i].dhcp4);
		child_init(&d.iface[i].dhcp6);
	}
	d.env.rtnl = &d.rtnl;
	d.publish.dir = d.place.dir;
	d.publish.problem = d.problem.msg;
	if (run(&d, &err)) {
		(void)fprintf(stderr, "netd: %s\n", err.msg);
		return 111;
	}
	return 0;
}
