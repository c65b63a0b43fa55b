// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NET_RTNL_H
#define CAIRN_NET_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "netaddr.h"
#include "netconf.h"

/*
 * The part of rtnetlink (rtnetlink(7)) that netd needs: requests with their answers on one
 * socket, the kernel's news on another. Addresses and routes of ours carry RTNL_PROTO, so that a
 * netd that starts again knows them and takes away those of its former life.
 */

#define RTNL_PROTO 67 /* IFA_PROTO and rtm_protocol: free for local use */

/* One address of an interface, and how long it may be used. */
struct rtnl_addr {
	struct netaddr addr;
	uint32_t valid_s; /* UINT32_MAX: for ever; not part of its identity */
	uint32_t metric;  /* of the route to its network */
};

struct rtnl_route {
	struct netaddr dst; /* prefix 0: the default route */
	struct netaddr via; /* none: on the link */
	uint32_t metric;
	bool onlink; /* the gateway is no neighbour by any address of ours */
};

enum rtnl_news_kind {
	RTNL_LINK, /* an interface is there, or changed */
	RTNL_LINK_GONE,
	RTNL_ADDR6, /* a global IPv6 address that may be used came or changed */
	RTNL_ADDR6_GONE,
	RTNL_OWN_ADDR,	/* an address with RTNL_PROTO */
	RTNL_OWN_ROUTE, /* a route with RTNL_PROTO */
	RTNL_RA_FLAGS,	/* what the last router advertisement asked for */
	RTNL_RA_ROUTE,	/* a default route learnt from an advertisement */
	RTNL_RA_ROUTE_GONE,
	RTNL_ND_OPTION, /* an option of a router advertisement */
	RTNL_LOST,	/* news were lost: everything must be asked again */
};

struct rtnl_news {
	enum rtnl_news_kind kind;
	uint32_t ifindex;
	char ifname[NETCONF_IFNAME_SIZE]; /* LINK */
	bool ethernet, loopback;	  /* LINK */
	bool up, carrier;		  /* LINK: by us, by the cable */
	bool ra_managed, ra_other;	  /* RA_FLAGS */
	struct netaddr addr;		  /* ADDR6, OWN_ADDR */
	struct rtnl_route route;	  /* OWN_ROUTE */
	const uint8_t *option;		  /* ND_OPTION, valid during the call */
	size_t option_len;
};

typedef void rtnl_handler(void *ctx, const struct rtnl_news *news);

struct rtnl {
	int request_fd; /* orders and their acknowledgements, within RTNL_TIMEOUT_MS */
	int dump_fd;	/* apart, because handlers give orders while a dump is read */
	int news_fd;	/* for poll */
	uint32_t seq;
};

#define RTNL_TIMEOUT_MS 2000

int rtnl_init(struct rtnl *r, struct err *err);
void rtnl_release(struct rtnl *r);

/* rtnl_dump - ask for all links, addresses, routes of ours and RA flags; each comes as news. */
int rtnl_dump(struct rtnl *r, rtnl_handler *handler, void *ctx, struct err *err);
/* rtnl_news - read what waits on news_fd. Errors: as recv(2), but never -EAGAIN. */
int rtnl_news(struct rtnl *r, rtnl_handler *handler, void *ctx);

int rtnl_link_up(struct rtnl *r, uint32_t ifindex, bool up);
int rtnl_link_mtu(struct rtnl *r, uint32_t ifindex, uint32_t mtu);
/* rtnl_addr_set - add it, or renew its times. rtnl_addr_del - -EADDRNOTAVAIL is no error. */
int rtnl_addr_set(struct rtnl *r, uint32_t ifindex, const struct rtnl_addr *addr);
int rtnl_addr_del(struct rtnl *r, uint32_t ifindex, const struct netaddr *addr);
int rtnl_route_set(struct rtnl *r, uint32_t ifindex, const struct rtnl_route *route);
int rtnl_route_del(struct rtnl *r, uint32_t ifindex, const struct rtnl_route *route);

#endif
