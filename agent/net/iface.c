// SPDX-License-Identifier: Apache-2.0
#include "iface.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/event.h"
#include "io.h"

#define SOLICITS 3
#define SOLICIT_FIRST_MS 300u
#define SOLICIT_NEXT_MS 4000u /* RFC 4861, RTR_SOLICITATION_INTERVAL */

/* A line of the log, by stderr. */
#define LOG(f, fmt, ...) ((void)dprintf(2, "%s: " fmt "\n", (f)->name, __VA_ARGS__))

static void told(const struct iface *f, int rc, const char *what)
{
	if (rc)
		LOG(f, "cannot %s: %s", what, strerror(-rc));
}

/* set_ipv6 - one of the kernel's switches of this interface. A kernel without it is no error. */
static void set_ipv6(const struct iface *f, const char *key, const char *value)
{
	char path[128];
	int fd _cleanup_close_ = -1;

	if (snprintf(path, sizeof(path), "%s/%s/%s", f->env->sys_ipv6, f->name, key) >=
	    (int)sizeof(path))
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	told(f, fd < 0 ? -errno : io_write(fd, value, strlen(value)), key);
}

void iface_init(struct iface *f, uint32_t ifindex, const char *name,
		const struct netconf_section *conf, const struct iface_env *env)
{
	bool is_auto = conf->ipv6 == NETCONF_IPV6_AUTO;
	char metric[16];

	memset(f, 0, sizeof(*f));
	f->ifindex = ifindex;
	memcpy(f->name, name, sizeof(f->name));
	f->conf = conf;
	f->env = env;
	child_init(&f->dhcp4);
	child_init(&f->dhcp6);
	(void)snprintf(metric, sizeof(metric), "%u", conf->metric);
	/* 2: also on a machine that forwards, as one with containers will. */
	set_ipv6(f, "accept_ra", is_auto ? "2" : "0");
	set_ipv6(f, "autoconf", is_auto ? "1" : "0");
	set_ipv6(f, "ra_defrtr_metric", metric);
	set_ipv6(f, "accept_redirects", "0");
	set_ipv6(f, "disable_ipv6", conf->ipv6 == NETCONF_IPV6_OFF ? "1" : "0");
	if (conf->mtu)
		told(f, rtnl_link_mtu(env->rtnl, ifindex, conf->mtu), "set the MTU");
	told(f, rtnl_link_up(env->rtnl, ifindex, true), "bring it up");
}

/*
 * solicit - ask routers to advertise at once (RFC 4861, section 6.3.7). The kernel asks when an
 * interface comes up, but not when its cable returns or when netd starts again.
 */
static void solicit(const struct iface *f)
{
	static const uint8_t message[8] = { 133 }; /* the kernel fills in the checksum */
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = f->ifindex };
	int fd _cleanup_close_ = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	const int hops = 255;

	if (fd < 0)
		return;
	to.sin6_addr.s6_addr[0] = 0xff;
	to.sin6_addr.s6_addr[1] = 0x02;
	to.sin6_addr.s6_addr[15] = 0x02; /* all routers */
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
	/* Lost where there is no link-local address yet; the kernel asks by itself then. */
	(void)sendto(fd, message, sizeof(message), MSG_DONTWAIT, (struct sockaddr *)&to,
		     sizeof(to));
}

/* The wanted set. */

static void want_addr(struct iface_set *w, const struct netaddr *a, uint32_t valid_s,
		      uint32_t metric)
{
	if (a->family == 0 || w->addrs == IFACE_ADDRS_MAX)
		return;
	w->addr[w->addrs++] =
		(struct rtnl_addr){ .addr = *a, .valid_s = valid_s, .metric = metric };
}

static bool is_neighbour(const struct iface_set *w, const struct netaddr *via)
{
	size_t i;

	if (via->family == 6 && via->addr[0] == 0xfe && (via->addr[1] & 0xc0) == 0x80)
		return true;
	for (i = 0; i < w->addrs; i++)
		if (netaddr_contains(&w->addr[i].addr, via))
			return true;
	return false;
}

static void want_route(struct iface_set *w, const struct netaddr *dst, const struct netaddr *via,
		       uint32_t metric)
{
	struct rtnl_route *r = &w->route[w->routes];

	if (via->family == 0 || w->routes == IFACE_ROUTES_MAX)
		return;
	memset(r, 0, sizeof(*r));
	r->dst = *dst;
	r->via = *via;
	r->metric = metric;
	r->onlink = !is_neighbour(w, via);
	w->routes++;
}

/* Addresses first: whether a gateway is a neighbour depends on all of them. */
static void want_all(const struct iface *f, struct iface_set *w)
{
	static const struct netaddr default4 = { .family = 4 }, default6 = { .family = 6 };
	const struct netconf_section *c = f->conf;
	const struct lease *l4 = f->lease4.event == LEASE_BOUND ? &f->lease4 : NULL;
	const struct lease *l6 = f->lease6.event == LEASE_BOUND ? &f->lease6 : NULL;
	size_t i;

	w->addrs = w->routes = 0;
	if (!f->carrier)
		return;
	for (i = 0; i < c->addresses; i++)
		want_addr(w, &c->address[i], UINT32_MAX, c->metric);
	if (l4)
		want_addr(w, &l4->addr, l4->time_s, c->metric);
	if (l6)
		want_addr(w, &l6->addr, l6->time_s, c->metric);
	want_route(w, &default4, &c->gateway4, c->metric);
	want_route(w, &default6, &c->gateway6, c->metric);
	for (i = 0; i < c->routes; i++)
		want_route(w, &c->route[i].dst, &c->route[i].via, c->metric);
	if (!l4)
		return;
	if (c->gateway4.family == 0)
		want_route(w, &default4, &l4->gateway, c->metric);
	for (i = 0; i < l4->routes; i++)
		want_route(w, &l4->route[i].dst, &l4->route[i].via, c->metric);
}

static bool same_route(const struct rtnl_route *a, const struct rtnl_route *b)
{
	return netaddr_equal(&a->dst, &b->dst) && netaddr_equal(&a->via, &b->via) &&
	       a->metric == b->metric && a->onlink == b->onlink;
}

static const struct rtnl_addr *find_addr(const struct iface_set *set, const struct rtnl_addr *a)
{
	size_t i;

	for (i = 0; i < set->addrs; i++)
		if (netaddr_equal(&set->addr[i].addr, &a->addr))
			return &set->addr[i];
	return NULL;
}

static bool has_route(const struct iface_set *set, const struct rtnl_route *r)
{
	size_t i;

	for (i = 0; i < set->routes; i++)
		if (same_route(&set->route[i], r))
			return true;
	return false;
}

/* reconcile - routes go before the addresses they lean on and come after them. */
static void reconcile(struct iface *f, const struct iface_set *w)
{
	struct rtnl *r = f->env->rtnl;
	size_t i;

	for (i = 0; i < f->has.routes; i++)
		if (!has_route(w, &f->has.route[i]))
			told(f, rtnl_route_del(r, f->ifindex, &f->has.route[i]), "remove a route");
	for (i = 0; i < f->has.addrs; i++)
		if (!find_addr(w, &f->has.addr[i]))
			told(f, rtnl_addr_del(r, f->ifindex, &f->has.addr[i].addr),
			     "remove an address");
	for (i = 0; i < w->addrs; i++)
		told(f, rtnl_addr_set(r, f->ifindex, &w->addr[i]), "set an address");
	for (i = 0; i < w->routes; i++)
		told(f, rtnl_route_set(r, f->ifindex, &w->route[i]), "set a route");
	f->has = *w;
}

static bool set_equal(const struct iface_set *a, const struct iface_set *b)
{
	size_t i;

	if (a->addrs != b->addrs || a->routes != b->routes)
		return false;
	for (i = 0; i < a->addrs; i++) {
		const struct rtnl_addr *other = find_addr(b, &a->addr[i]);

		if (!other || other->valid_s != a->addr[i].valid_s)
			return false;
	}
	for (i = 0; i < a->routes; i++)
		if (!has_route(b, &a->route[i]))
			return false;
	return true;
}

/* DHCP clients. */

static void may(const struct iface *f, const char *name, struct privileges *ret)
{
	*ret = *privileges_of(name);
	ret->paths[0].path = f->env->busybox;
	ret->paths[1].path = f->env->event;
}

static void command4(void *owner, struct child_command *ret_command)
{
	const struct iface *f = owner;
	const char *const argv[] = { "udhcpc",	     "-f", "-i",    f->name, "-s",
				     f->env->event,  "-t", "4",	    "-T",    "2",
				     "-A",	     "8",  "-O",    "mtu",   "-O",
				     "staticroutes", "-V", "cairn", NULL };

	ret_command->path = f->env->busybox;
	memcpy(ret_command->argv, argv, sizeof(argv));
	ret_command->env = "CAIRN_FAMILY=4";
	may(f, "udhcpc", &ret_command->privileges);
}

static void command6(void *owner, struct child_command *ret_command)
{
	const struct iface *f = owner;
	const char *const argv[] = { "udhcpc6", "-f",  "-i",
				     f->name,	"-s",  f->env->event,
				     "-t",	"4",   "-T",
				     "2",	"-A",  "8",
				     "-O",	"dns", f->dhcp6_stateless ? "-l" : NULL,
				     NULL };

	ret_command->path = f->env->busybox;
	memcpy(ret_command->argv, argv, sizeof(argv));
	ret_command->env = "CAIRN_FAMILY=6";
	may(f, "udhcpc6", &ret_command->privileges);
}

static void sync_clients(struct iface *f, uint64_t now_ms)
{
	bool want4 = f->carrier && f->conf->ipv4 == NETCONF_IPV4_DHCP;
	bool want6 =
		f->carrier && f->conf->ipv6 == NETCONF_IPV6_AUTO && (f->ra_managed || f->ra_other);
	bool stateless = !f->ra_managed;

	if (!want4)
		memset(&f->lease4, 0, sizeof(f->lease4));
	if (!want6)
		memset(&f->lease6, 0, sizeof(f->lease6));
	child_want(&f->dhcp4, want4, now_ms, command4, f);
	if (want6 && f->dhcp6_stateless != stateless) {
		f->dhcp6_stateless = stateless;
		child_event(&f->dhcp6, RESPAWN_RESTART, now_ms, command6, f);
	}
	child_want(&f->dhcp6, want6, now_ms, command6, f);
}

void iface_sync(struct iface *f, uint64_t now_ms)
{
	struct iface_set wanted;

	sync_clients(f, now_ms);
	want_all(f, &wanted);
	if (!set_equal(&wanted, &f->has))
		reconcile(f, &wanted);
}

void iface_drop(struct iface *f, uint64_t now_ms)
{
	const struct iface_set nothing = { 0 };

	f->carrier = false;
	sync_clients(f, now_ms);
	reconcile(f, &nothing);
}

/* Facts. */

void iface_on_link(struct iface *f, bool up, bool carrier, uint64_t now_ms)
{
	if (f->up == up && f->carrier == carrier)
		return;
	if (f->carrier != carrier)
		LOG(f, "link %s", carrier ? "up" : "down");
	f->up = up;
	f->carrier = carrier;
	f->solicits = carrier && f->conf->ipv6 == NETCONF_IPV6_AUTO ? SOLICITS : 0;
	f->solicit_ms = f->solicits ? now_ms + SOLICIT_FIRST_MS : 0;
	/* Name servers of the old cable do not hold at the next one. The flags stay: the kernel
	 * tells them only when they change. */
	memset(&f->rdnss, 0, sizeof(f->rdnss));
	f->rdnss_until_ms = 0;
	iface_sync(f, now_ms);
}

void iface_on_ra(struct iface *f, const struct rtnl_news *news, uint64_t now_ms)
{
	f->ra_managed = news->ra_managed;
	f->ra_other = news->ra_other;
	iface_sync(f, now_ms);
}

void iface_on_rdnss(struct iface *f, const struct ndopt_rdnss *rdnss, uint64_t now_ms)
{
	if (!f->carrier || f->conf->ipv6 != NETCONF_IPV6_AUTO)
		return;
	f->rdnss = *rdnss;
	f->rdnss_until_ms = 0;
	if (rdnss->lifetime_s == 0)
		memset(&f->rdnss, 0, sizeof(f->rdnss));
	else if (rdnss->lifetime_s != NDOPT_FOREVER)
		f->rdnss_until_ms = now_ms + 1000ull * rdnss->lifetime_s;
}

void iface_on_addr6(struct iface *f, const struct netaddr *addr, bool there)
{
	size_t i;

	for (i = 0; i < f->addr6_count; i++)
		if (netaddr_equal(&f->addr6[i], addr))
			break;
	if (there && i == f->addr6_count && i < IFACE_ADDR6_MAX)
		f->addr6[f->addr6_count++] = *addr;
	if (!there && i < f->addr6_count) {
		f->addr6_count--;
		memmove(&f->addr6[i], &f->addr6[i + 1], (f->addr6_count - i) * sizeof(f->addr6[0]));
	}
}

static void on_lease(struct iface *f, const struct lease *l, uint64_t now_ms)
{
	struct lease *mine = l->family == 4 ? &f->lease4 : &f->lease6;
	uint64_t *until = l->family == 4 ? &f->lease4_until_ms : &f->lease6_until_ms;
	char text[NETADDR_TEXT_SIZE];

	if (l->event == LEASE_FAILED) {
		if (mine->event != LEASE_FAILED && mine->event != LEASE_BOUND)
			LOG(f, "no DHCPv%u server answers", l->family);
		if (mine->event != LEASE_BOUND)
			*mine = *l;
		return;
	}
	if (l->event == LEASE_BOUND) {
		netaddr_format(&l->addr, true, text);
		if (!netaddr_equal(&mine->addr, &l->addr) || mine->event != LEASE_BOUND)
			LOG(f, "DHCPv%u: %s", l->family,
			    *text ? text : "no address, settings only");
		*until = l->time_s == LEASE_FOREVER ? 0 : now_ms + 1000ull * l->time_s;
		*mine = *l;
	} else {
		if (mine->event == LEASE_BOUND)
			LOG(f, "DHCPv%u: lease gone", l->family);
		memset(mine, 0, sizeof(*mine));
		*until = 0;
	}
	iface_sync(f, now_ms);
}

void iface_on_helper(struct iface *f, struct child *c, uint64_t now_ms)
{
	struct net_event e;

	while (c->event_fd >= 0 && child_receive(c, &e, sizeof(e))) {
		if (e.version != NET_EVENT_VERSION || e.kind != NET_EVENT_LEASE ||
		    !lease_ok(&e.lease) || e.lease.family != (c == &f->dhcp4 ? 4u : 6u)) {
			LOG(f, "%s", "a message of a DHCP client was refused");
			continue;
		}
		/* A client that is being ended has nothing to say any more. */
		if (c->state == RESPAWN_RUNNING)
			on_lease(f, &e.lease, now_ms);
	}
}

void iface_on_exit(struct iface *f, struct child *c, uint64_t now_ms)
{
	iface_on_helper(f, c, now_ms);
	child_event(c, RESPAWN_EXIT, now_ms, c == &f->dhcp4 ? command4 : command6, f);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t iface_timer(const struct iface *f)
{
	uint64_t t = earlier(f->dhcp4.timer_ms, f->dhcp6.timer_ms);

	t = earlier(t, f->lease4_until_ms);
	t = earlier(t, f->lease6_until_ms);
	t = earlier(t, f->rdnss_until_ms);
	return earlier(t, f->solicit_ms);
}

static bool due(uint64_t at_ms, uint64_t now_ms)
{
	return at_ms != 0 && at_ms <= now_ms;
}

void iface_on_timer(struct iface *f, uint64_t now_ms)
{
	if (due(f->dhcp4.timer_ms, now_ms))
		child_event(&f->dhcp4, RESPAWN_TIMER, now_ms, command4, f);
	if (due(f->dhcp6.timer_ms, now_ms))
		child_event(&f->dhcp6, RESPAWN_TIMER, now_ms, command6, f);
	if (due(f->lease4_until_ms, now_ms)) {
		memset(&f->lease4, 0, sizeof(f->lease4));
		f->lease4_until_ms = 0;
	}
	if (due(f->lease6_until_ms, now_ms)) {
		memset(&f->lease6, 0, sizeof(f->lease6));
		f->lease6_until_ms = 0;
	}
	if (due(f->rdnss_until_ms, now_ms)) {
		memset(&f->rdnss, 0, sizeof(f->rdnss));
		f->rdnss_until_ms = 0;
	}
	if (due(f->solicit_ms, now_ms)) {
		solicit(f);
		f->solicit_ms = --f->solicits ? now_ms + SOLICIT_NEXT_MS : 0;
	}
	iface_sync(f, now_ms);
}

const struct netaddr *iface_addr(const struct iface *f, unsigned int family)
{
	size_t i;

	for (i = 0; i < f->has.addrs; i++)
		if (f->has.addr[i].addr.family == family)
			return &f->has.addr[i].addr;
	return family == 6 && f->addr6_count ? &f->addr6[0] : NULL;
}

bool iface_online(const struct iface *f)
{
	bool way6 = f->ra_route;
	bool way4 = false;
	size_t i;

	if (!f->carrier)
		return false;
	for (i = 0; i < f->has.routes; i++) {
		if (f->has.route[i].dst.prefix != 0)
			continue;
		if (f->has.route[i].dst.family == 4)
			way4 = true;
		else
			way6 = true;
	}
	return (way4 && iface_addr(f, 4)) || (way6 && iface_addr(f, 6));
}
