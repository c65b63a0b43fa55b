// SPDX-License-Identifier: Apache-2.0
#include "rtnl.h"

#include <errno.h>
#include <net/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

/* Of the kernel's net/if_inet6.h, which it does not export: flags of the last advertisement. */
#define RA_OTHERCONF 0x80u
#define RA_MANAGED 0x40u

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif
#define ATTR_IFA_PROTO 11 /* IFA_PROTO, kernel 5.18 */

/* A request being built; attributes that do not fit make `bad`. */
struct request {
	union {
		struct nlmsghdr head;
		uint8_t bytes[512];
	} u;
	bool bad;
};

static void *begin(struct request *q, uint16_t type, uint16_t flags, size_t body)
{
	memset(q, 0, sizeof(*q));
	q->u.head.nlmsg_type = type;
	q->u.head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->u.head.nlmsg_len = NLMSG_LENGTH(body);
	return NLMSG_DATA(&q->u.head);
}

static void put(struct request *q, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(q->u.head.nlmsg_len);
	struct rtattr *attr = (struct rtattr *)(void *)(q->u.bytes + at);

	if (at + RTA_SPACE(len) > sizeof(q->u.bytes)) {
		q->bad = true;
		return;
	}
	attr->rta_type = type;
	attr->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	q->u.head.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

static void put_u32(struct request *q, uint16_t type, uint32_t v)
{
	put(q, type, &v, sizeof(v));
}

static size_t addr_size(const struct netaddr *a)
{
	return a->family == 4 ? 4 : 16;
}

static uint8_t af_of(const struct netaddr *a)
{
	return a->family == 4 ? AF_INET : AF_INET6;
}

static int send_request(struct rtnl *r, int fd, struct request *q)
{
	if (q->bad)
		return -EMSGSIZE;
	q->u.head.nlmsg_seq = ++r->seq;
	if (send(fd, q->u.bytes, q->u.head.nlmsg_len, 0) < 0)
		return -errno;
	return 0;
}

/* One datagram of the kernel's; others' are dropped. Returns its length or -errno. */
static ssize_t receive(int fd, uint8_t *buf, size_t size)
{
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return from.nl_pid == 0 ? n : 0;
}

/* Attributes by type: the last one of each. */
static void attributes(const struct rtattr *attr, size_t len, const struct rtattr **ret_table,
		       size_t count)
{
	memset(ret_table, 0, count * sizeof(const struct rtattr *));
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		size_t type = attr->rta_type & NLA_TYPE_MASK;

		if (type < count)
			ret_table[type] = attr;
	}
}

static uint32_t attr_u32(const struct rtattr *attr, uint32_t otherwise)
{
	uint32_t v;

	if (!attr || RTA_PAYLOAD(attr) < sizeof(v))
		return otherwise;
	memcpy(&v, RTA_DATA(attr), sizeof(v));
	return v;
}

static bool attr_addr(const struct rtattr *attr, uint8_t af, uint8_t prefix,
		      struct netaddr *ret_addr)
{
	size_t size = af == AF_INET ? 4 : 16;

	memset(ret_addr, 0, sizeof(*ret_addr));
	if (!attr || RTA_PAYLOAD(attr) != size || (af != AF_INET && af != AF_INET6))
		return false;
	ret_addr->family = af == AF_INET ? 4 : 6;
	ret_addr->prefix = prefix;
	memcpy(ret_addr->addr, RTA_DATA(attr), size);
	return true;
}

static void on_ra_flags(const struct rtattr *protinfo, struct rtnl_news *news,
			rtnl_handler *handler, void *ctx)
{
	const struct rtattr *t[IFLA_INET6_MAX + 1];
	uint32_t flags;

	if (!protinfo)
		return;
	attributes(RTA_DATA(protinfo), RTA_PAYLOAD(protinfo), t, IFLA_INET6_MAX + 1);
	flags = attr_u32(t[IFLA_INET6_FLAGS], 0);
	news->kind = RTNL_RA_FLAGS;
	news->ra_managed = flags & RA_MANAGED;
	news->ra_other = flags & RA_OTHERCONF;
	handler(ctx, news);
}

static void on_link(const struct nlmsghdr *head, rtnl_handler *handler, void *ctx)
{
	const struct ifinfomsg *info = NLMSG_DATA(head);
	const struct rtattr *t[IFLA_MAX + 1];
	struct rtnl_news news = { 0 };

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return;
	attributes(IFLA_RTA(info), IFLA_PAYLOAD(head), t, IFLA_MAX + 1);
	news.ifindex = (uint32_t)info->ifi_index;
	if (info->ifi_family == AF_INET6) {
		if (head->nlmsg_type == RTM_NEWLINK)
			on_ra_flags(t[IFLA_PROTINFO], &news, handler, ctx);
		return;
	}
	if (info->ifi_family != AF_UNSPEC)
		return;
	news.kind = head->nlmsg_type == RTM_NEWLINK ? RTNL_LINK : RTNL_LINK_GONE;
	news.ethernet = info->ifi_type == ARPHRD_ETHER;
	news.loopback = info->ifi_flags & IFF_LOOPBACK;
	news.up = info->ifi_flags & IFF_UP;
	news.carrier = news.up && info->ifi_flags & IFF_LOWER_UP;
	if (t[IFLA_IFNAME] && RTA_PAYLOAD(t[IFLA_IFNAME]) <= sizeof(news.ifname))
		memcpy(news.ifname, RTA_DATA(t[IFLA_IFNAME]), RTA_PAYLOAD(t[IFLA_IFNAME]));
	news.ifname[sizeof(news.ifname) - 1] = '\0';
	handler(ctx, &news);
}

static void on_addr(const struct nlmsghdr *head, rtnl_handler *handler, void *ctx)
{
	const struct ifaddrmsg *info = NLMSG_DATA(head);
	const struct rtattr *t[IFA_MAX + 3];
	struct rtnl_news news = { 0 };
	uint32_t flags;
	bool added = head->nlmsg_type == RTM_NEWADDR;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return;
	attributes(IFA_RTA(info), IFA_PAYLOAD(head), t, IFA_MAX + 3);
	news.ifindex = info->ifa_index;
	if (!attr_addr(t[IFA_LOCAL] ? t[IFA_LOCAL] : t[IFA_ADDRESS], info->ifa_family,
		       info->ifa_prefixlen, &news.addr))
		return;
	if (added && t[ATTR_IFA_PROTO] && RTA_PAYLOAD(t[ATTR_IFA_PROTO]) >= 1 &&
	    *(const uint8_t *)RTA_DATA(t[ATTR_IFA_PROTO]) == RTNL_PROTO) {
		news.kind = RTNL_OWN_ADDR;
		handler(ctx, &news);
	}
	if (info->ifa_family != AF_INET6 || info->ifa_scope != RT_SCOPE_UNIVERSE)
		return;
	flags = attr_u32(t[IFA_FLAGS], info->ifa_flags);
	if (added && flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED))
		added = false;
	news.kind = added ? RTNL_ADDR6 : RTNL_ADDR6_GONE;
	handler(ctx, &news);
}

static void on_route(const struct nlmsghdr *head, rtnl_handler *handler, void *ctx)
{
	const struct rtmsg *info = NLMSG_DATA(head);
	const struct rtattr *t[RTA_MAX + 1];
	struct rtnl_news news = { 0 };
	bool there = head->nlmsg_type == RTM_NEWROUTE;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) || info->rtm_table != RT_TABLE_MAIN)
		return;
	if (info->rtm_protocol == RTPROT_RA && info->rtm_dst_len == 0)
		news.kind = there ? RTNL_RA_ROUTE : RTNL_RA_ROUTE_GONE;
	else if (info->rtm_protocol == RTNL_PROTO && there)
		news.kind = RTNL_OWN_ROUTE;
	else
		return;
	attributes(RTM_RTA(info), RTM_PAYLOAD(head), t, RTA_MAX + 1);
	news.ifindex = attr_u32(t[RTA_OIF], 0);
	news.route.metric = attr_u32(t[RTA_PRIORITY], 0);
	(void)attr_addr(t[RTA_GATEWAY], info->rtm_family, info->rtm_family == AF_INET ? 32 : 128,
			&news.route.via);
	if (!attr_addr(t[RTA_DST], info->rtm_family, info->rtm_dst_len, &news.route.dst)) {
		news.route.dst.family = info->rtm_family == AF_INET ? 4 : 6;
		news.route.dst.prefix = 0;
	}
	handler(ctx, &news);
}

static void on_nd_option(const struct nlmsghdr *head, rtnl_handler *handler, void *ctx)
{
	const struct nduseroptmsg *info = NLMSG_DATA(head);
	struct rtnl_news news = { .kind = RTNL_ND_OPTION };

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) || info->nduseropt_family != AF_INET6 ||
	    info->nduseropt_opts_len > head->nlmsg_len - NLMSG_LENGTH(sizeof(*info)))
		return;
	news.ifindex = (uint32_t)info->nduseropt_ifindex;
	news.option = (const uint8_t *)(info + 1);
	news.option_len = info->nduseropt_opts_len;
	handler(ctx, &news);
}

static void dispatch(const struct nlmsghdr *head, rtnl_handler *handler, void *ctx)
{
	switch (head->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		on_link(head, handler, ctx);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		on_addr(head, handler, ctx);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		on_route(head, handler, ctx);
		break;
	case RTM_NEWNDUSEROPT:
		on_nd_option(head, handler, ctx);
		break;
	default:
		break;
	}
}

/*
 * Large enough for a link with all its attributes; the kernel fills dumps by 32 KiB at most.
 * Of dumps and news, which are never read within each other.
 */
static union {
	struct nlmsghdr head;
	uint8_t bytes[32768];
} inbox;

/* answer - read up to the end of a dump or the acknowledgement of the last request. */
static int answer(const struct rtnl *r, int fd, void *buf, size_t size, rtnl_handler *handler,
		  void *ctx)
{
	for (;;) {
		ssize_t got = receive(fd, buf, size);
		const struct nlmsghdr *head = buf;
		const uint32_t seq = r->seq;
		size_t len = (size_t)got;

		if (got < 0)
			return got == -EAGAIN ? -ETIMEDOUT : (int)got;
		for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
			const struct nlmsgerr *e = NLMSG_DATA(head);

			if (!handler && head->nlmsg_seq != seq)
				continue; /* of a request that timed out */
			if (head->nlmsg_type == NLMSG_DONE)
				return 0;
			if (head->nlmsg_type == NLMSG_ERROR)
				return head->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) ? -EBADMSG
										  : e->error;
			if (handler)
				dispatch(head, handler, ctx);
		}
	}
}

static int transact(struct rtnl *r, struct request *q)
{
	union {
		struct nlmsghdr head;
		uint8_t bytes[1024];
	} reply;
	int rc = send_request(r, r->request_fd, q);

	return rc ? rc : answer(r, r->request_fd, &reply, sizeof(reply), NULL, NULL);
}

static int dump(struct rtnl *r, uint16_t type, uint8_t family, rtnl_handler *handler, void *ctx)
{
	struct request q;
	int rc;

	if (type == RTM_GETLINK) {
		struct ifinfomsg *m = begin(&q, type, NLM_F_DUMP, sizeof(*m));

		m->ifi_family = family;
	} else if (type == RTM_GETADDR) {
		struct ifaddrmsg *m = begin(&q, type, NLM_F_DUMP, sizeof(*m));

		m->ifa_family = family;
	} else {
		struct rtmsg *m = begin(&q, type, NLM_F_DUMP, sizeof(*m));

		m->rtm_family = family;
	}
	rc = send_request(r, r->dump_fd, &q);
	return rc ? rc : answer(r, r->dump_fd, &inbox, sizeof(inbox), handler, ctx);
}

int rtnl_dump(struct rtnl *r, rtnl_handler *handler, void *ctx, struct err *err)
{
	static const struct {
		uint16_t type;
		uint8_t family;
	} asks[] = {
		{ RTM_GETLINK, AF_UNSPEC }, { RTM_GETLINK, AF_INET6 },	{ RTM_GETADDR, AF_UNSPEC },
		{ RTM_GETROUTE, AF_INET },  { RTM_GETROUTE, AF_INET6 },
	};
	size_t i;

	for (i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		int rc = dump(r, asks[i].type, asks[i].family, handler, ctx);

		/* A kernel without IPv6 refuses its questions. */
		if (rc && !(asks[i].family == AF_INET6 && rc == -EOPNOTSUPP))
			return err_sys(err, rc, "cannot ask the kernel for its interfaces");
	}
	return 0;
}

int rtnl_news(struct rtnl *r, rtnl_handler *handler, void *ctx)
{
	/* Bounded, so that a storm of news cannot keep the loop from its other work. */
	for (int i = 0; i < 64; i++) {
		ssize_t got = receive(r->news_fd, inbox.bytes, sizeof(inbox.bytes));
		const struct nlmsghdr *head = &inbox.head;
		size_t len = (size_t)got;

		if (got == -EAGAIN)
			return 0;
		if (got == -ENOBUFS || got == -EMSGSIZE) {
			const struct rtnl_news lost = { .kind = RTNL_LOST };

			handler(ctx, &lost);
			continue;
		}
		if (got < 0)
			return (int)got;
		for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len))
			dispatch(head, handler, ctx);
	}
	return 0;
}

int rtnl_init(struct rtnl *r, struct err *err)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_IFINFO,
				      RTNLGRP_IPV6_ROUTE, RTNLGRP_ND_USEROPT };
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const struct timeval timeout = { .tv_sec = RTNL_TIMEOUT_MS / 1000 };
	const int size = 1 << 20;
	size_t i;

	*r = (struct rtnl){ .request_fd = -1, .dump_fd = -1, .news_fd = -1 };
	r->request_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	r->dump_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	r->news_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (r->request_fd < 0 || r->dump_fd < 0 || r->news_fd < 0)
		return err_sys(err, -errno, "cannot open a netlink socket");
	(void)setsockopt(r->news_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Acknowledgements without a copy of the request. */
	(void)setsockopt(r->request_fd, SOL_NETLINK, NETLINK_CAP_ACK, &(int){ 1 }, sizeof(int));
	if (setsockopt(r->request_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(r->dump_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return err_sys(err, -errno, "cannot set up the netlink socket");
	/* Unbound, it has the port number of the kernel itself and is passed over by its news. */
	if (bind(r->news_fd, (const struct sockaddr *)&any, sizeof(any)))
		return err_sys(err, -errno, "cannot bind the netlink socket");
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(r->news_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			return err_sys(err, -errno, "cannot listen to netlink group %d", groups[i]);
	return 0;
}

void rtnl_release(struct rtnl *r)
{
	io_close_p(&r->request_fd);
	io_close_p(&r->dump_fd);
	io_close_p(&r->news_fd);
	r->request_fd = r->dump_fd = r->news_fd = -1;
}

int rtnl_link_up(struct rtnl *r, uint32_t ifindex, bool up)
{
	struct request q;
	struct ifinfomsg *m = begin(&q, RTM_NEWLINK, NLM_F_ACK, sizeof(*m));

	m->ifi_index = (int)ifindex;
	m->ifi_change = IFF_UP;
	m->ifi_flags = up ? IFF_UP : 0;
	return transact(r, &q);
}

int rtnl_link_mtu(struct rtnl *r, uint32_t ifindex, uint32_t mtu)
{
	struct request q;
	struct ifinfomsg *m = begin(&q, RTM_NEWLINK, NLM_F_ACK, sizeof(*m));

	m->ifi_index = (int)ifindex;
	put_u32(&q, IFLA_MTU, mtu);
	return transact(r, &q);
}

static void build_addr(struct request *q, uint16_t type, uint16_t flags, uint32_t ifindex,
		       const struct netaddr *addr)
{
	struct ifaddrmsg *m = begin(q, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*m));

	m->ifa_family = af_of(addr);
	m->ifa_prefixlen = addr->prefix;
	m->ifa_index = ifindex;
	put(q, IFA_LOCAL, addr->addr, addr_size(addr));
	put(q, IFA_ADDRESS, addr->addr, addr_size(addr));
}

int rtnl_addr_set(struct rtnl *r, uint32_t ifindex, const struct rtnl_addr *addr)
{
	const struct ifa_cacheinfo times = { .ifa_prefered = addr->valid_s,
					     .ifa_valid = addr->valid_s };
	const uint8_t proto = RTNL_PROTO;
	struct request q;

	build_addr(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, &addr->addr);
	put(&q, IFA_CACHEINFO, &times, sizeof(times));
	put_u32(&q, IFA_RT_PRIORITY, addr->metric);
	put(&q, ATTR_IFA_PROTO, &proto, sizeof(proto));
	if (addr->addr.family == 4 && addr->addr.prefix < 31) {
		uint8_t broadcast[4];
		unsigned int bit;

		memcpy(broadcast, addr->addr.addr, 4);
		for (bit = addr->addr.prefix; bit < 32; bit++)
			broadcast[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		put(&q, IFA_BROADCAST, broadcast, 4);
	}
	return transact(r, &q);
}

int rtnl_addr_del(struct rtnl *r, uint32_t ifindex, const struct netaddr *addr)
{
	struct request q;
	int rc;

	build_addr(&q, RTM_DELADDR, 0, ifindex, addr);
	rc = transact(r, &q);
	return rc == -EADDRNOTAVAIL || rc == -ENODEV ? 0 : rc;
}

static void build_route(struct request *q, uint16_t type, uint16_t flags, uint32_t ifindex,
			const struct rtnl_route *route)
{
	struct rtmsg *m = begin(q, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*m));

	m->rtm_family = af_of(&route->dst);
	m->rtm_dst_len = route->dst.prefix;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTNL_PROTO;
	m->rtm_type = RTN_UNICAST;
	m->rtm_scope = route->via.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (route->onlink)
		m->rtm_flags = RTNH_F_ONLINK;
	if (route->dst.prefix)
		put(q, RTA_DST, route->dst.addr, addr_size(&route->dst));
	if (route->via.family)
		put(q, RTA_GATEWAY, route->via.addr, addr_size(&route->via));
	put_u32(q, RTA_OIF, ifindex);
	put_u32(q, RTA_PRIORITY, route->metric);
}

int rtnl_route_set(struct rtnl *r, uint32_t ifindex, const struct rtnl_route *route)
{
	struct request q;

	build_route(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ifindex, route);
	return transact(r, &q);
}

int rtnl_route_del(struct rtnl *r, uint32_t ifindex, const struct rtnl_route *route)
{
	struct request q;
	int rc;

	build_route(&q, RTM_DELROUTE, 0, ifindex, route);
	rc = transact(r, &q);
	/* Routes vanish with their address, their interface or its carrier. */
	return rc == -ESRCH || rc == -ENODEV || rc == -ENETUNREACH ? 0 : rc;
}
