// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NET_IFACE_H
#define CAIRN_NET_IFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/net/child.h"
#include "agent/net/rtnl.h"
#include "lease.h"
#include "ndopt.h"
#include "netconf.h"

/*
 * One network interface: what is known of it, what it should have, what it was given.
 * Everything that changes it (the cable, a lease, an advertisement, the settings) changes the
 * facts and calls iface_sync, which works out the addresses and routes it should have now and
 * brings the kernel there. So there is one way to each state, whatever came before.
 */

#define IFACE_ADDRS_MAX (NETCONF_ADDRS_MAX + 2)
#define IFACE_ROUTES_MAX (NETCONF_ROUTES_MAX + LEASE_ROUTES_MAX + 3)
#define IFACE_ADDR6_MAX 8

/* Where the helpers are; the same for all interfaces. */
struct iface_env {
	struct rtnl *rtnl;
	const char *busybox;  /* udhcpc and udhcpc6 by argv[0] */
	const char *event;    /* net-event */
	const char *sys_ipv6; /* /proc/sys/net/ipv6/conf */
};

/* What an interface has, or should have. */
struct iface_set {
	struct rtnl_addr addr[IFACE_ADDRS_MAX];
	size_t addrs;
	struct rtnl_route route[IFACE_ROUTES_MAX];
	size_t routes;
};

struct iface {
	uint32_t ifindex; /* 0: this entry is free */
	char name[NETCONF_IFNAME_SIZE];
	const struct netconf_section *conf; /* never NULL in a used entry */
	const struct iface_env *env;
	bool up, carrier;
	bool ra_route; /* the kernel has a default route of a router's */
	bool ra_managed, ra_other;
	bool dhcp6_stateless; /* how the running udhcpc6 was started */
	struct child dhcp4, dhcp6;
	struct lease lease4, lease6;		   /* event is LEASE_BOUND while it holds */
	uint64_t lease4_until_ms, lease6_until_ms; /* CLOCK_MONOTONIC; 0: no end */
	struct ndopt_rdnss rdnss;
	uint64_t rdnss_until_ms;
	uint64_t solicit_ms;		       /* next question to the routers; 0: none */
	unsigned int solicits;		       /* questions left */
	struct netaddr addr6[IFACE_ADDR6_MAX]; /* global IPv6 addresses the kernel has */
	size_t addr6_count;
	struct iface_set has;
};

/* iface_init - begin to rule an interface: its IPv6 ways, its MTU, up. */
void iface_init(struct iface *f, uint32_t ifindex, const char *name,
		const struct netconf_section *conf, const struct iface_env *env);

/* iface_sync - bring addresses, routes and DHCP clients to what the facts ask for. */
void iface_sync(struct iface *f, uint64_t now_ms);

/* iface_drop - the settings changed or we end: take away what was given, end its clients. */
void iface_drop(struct iface *f, uint64_t now_ms);

/* Facts; each but the last two is followed by iface_sync. */
void iface_on_link(struct iface *f, bool up, bool carrier, uint64_t now_ms);
void iface_on_ra(struct iface *f, const struct rtnl_news *news, uint64_t now_ms);
void iface_on_rdnss(struct iface *f, const struct ndopt_rdnss *rdnss, uint64_t now_ms);
void iface_on_addr6(struct iface *f, const struct netaddr *addr, bool there);
/* iface_on_helper - read what a DHCP client's event program sent. */
void iface_on_helper(struct iface *f, struct child *c, uint64_t now_ms);
void iface_on_exit(struct iface *f, struct child *c, uint64_t now_ms);

/* iface_timer - when something is due; 0: never. iface_on_timer - do what is due. */
uint64_t iface_timer(const struct iface *f);
void iface_on_timer(struct iface *f, uint64_t now_ms);

/* iface_addr - the address it is known by, of family 4 or 6; NULL none. */
const struct netaddr *iface_addr(const struct iface *f, unsigned int family);
/* iface_online - has it an address and a way out. */
bool iface_online(const struct iface *f);

#endif
