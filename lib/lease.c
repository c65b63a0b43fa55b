// SPDX-License-Identifier: Apache-2.0
#include "lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE 64

/* next_word - copy the next word of a list; 0 at its end. A word too long comes out empty. */
static int next_word(const char **list, char ret_word[static WORD_SIZE])
{
	const char *p = *list + strspn(*list, " ");
	size_t n = strcspn(p, " ");

	if (n == 0)
		return 0;
	*list = p + n;
	if (n >= WORD_SIZE)
		n = 0;
	memcpy(ret_word, p, n);
	ret_word[n] = '\0';
	return 1;
}

static int host_address(const char *text, unsigned int family, struct netaddr *ret_addr)
{
	struct netaddr a;

	if (strchr(text, '/') || netaddr_parse(text, &a) || a.family != family ||
	    !netaddr_is_host(&a))
		return -EINVAL;
	*ret_addr = a;
	return 0;
}

static uint32_t read_list(const char *list, unsigned int family, struct netaddr *addr, uint32_t max)
{
	char w[WORD_SIZE];
	uint32_t n = 0;

	while (list && n < max && next_word(&list, w))
		if (host_address(w, family, &addr[n]) == 0)
			n++;
	return n;
}

static uint32_t read_number(const char *text, uint32_t otherwise)
{
	unsigned long long v;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return otherwise;
	v = strtoull(text, &end, 10);
	return *end || v > UINT32_MAX ? otherwise : (uint32_t)v;
}

/*
 * Option 121: pairs of network and gateway. Where it is present, option 3 (router) is not used
 * (RFC 3442), so a default route in it becomes the gateway. Gateway 0.0.0.0 (on the link) is
 * left out.
 */
static int read_routes(const char *list, struct lease *l)
{
	char dst[WORD_SIZE], via[WORD_SIZE];
	int found = 0;

	while (list && next_word(&list, dst) && next_word(&list, via)) {
		struct netconf_route r;

		if (netaddr_parse(dst, &r.dst) || r.dst.family != 4 || host_address(via, 4, &r.via))
			continue;
		netaddr_mask(&r.dst);
		found = 1;
		if (r.dst.prefix == 0)
			l->gateway = r.via;
		else if (l->routes < LEASE_ROUTES_MAX)
			l->route[l->routes++] = r;
	}
	return found;
}

static int read_bound4(lease_get *get, void *ctx, struct lease *l)
{
	const char *ip = get(ctx, "ip"), *mask = get(ctx, "subnet");
	uint32_t mtu = read_number(get(ctx, "mtu"), 0);

	if (!ip || host_address(ip, 4, &l->addr))
		return -EINVAL;
	if (mask && (netaddr_prefix_of_mask(mask, &l->addr.prefix) || l->addr.prefix == 0))
		return -EINVAL;
	if (!read_routes(get(ctx, "staticroutes"), l))
		(void)read_list(get(ctx, "router"), 4, &l->gateway, 1);
	/* RFC 2132 allows 68 and more; below 576 a network does not work in practice. */
	l->mtu = mtu >= 576 && mtu <= 9216 ? mtu : 0;
	l->ntp_count = read_list(get(ctx, "ntpsrv"), 4, l->ntp, LEASE_NTP_MAX);
	return 0;
}

static int read_bound6(lease_get *get, void *ctx, struct lease *l)
{
	const char *ip = get(ctx, "ipv6");

	return ip ? host_address(ip, 6, &l->addr) : 0;
}

int lease_read(const char *action, unsigned int family, lease_get *get, void *ctx,
	       struct lease *ret_lease)
{
	struct lease l;
	int rc;

	memset(&l, 0, sizeof(l));
	l.family = family;
	l.time_s = LEASE_FOREVER;
	if (family != 4 && family != 6)
		return -EINVAL;
	if (strcmp(action, "deconfig") == 0 || strcmp(action, "nak") == 0) {
		l.event = LEASE_GONE;
	} else if (strcmp(action, "leasefail") == 0) {
		l.event = LEASE_FAILED;
	} else if (strcmp(action, "bound") == 0 || strcmp(action, "renew") == 0) {
		l.event = LEASE_BOUND;
		rc = family == 4 ? read_bound4(get, ctx, &l) : read_bound6(get, ctx, &l);
		if (rc)
			return rc;
		l.time_s = read_number(get(ctx, "lease"), LEASE_FOREVER);
		l.dns_count = read_list(get(ctx, "dns"), family, l.dns, LEASE_DNS_MAX);
	} else {
		return -EINVAL;
	}
	*ret_lease = l;
	return 0;
}

static bool all_hosts(const struct netaddr *addr, uint32_t n, uint32_t family)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (addr[i].family != family || !netaddr_is_host(&addr[i]))
			return false;
	return true;
}

static bool addr_ok(const struct netaddr *addr, uint32_t family)
{
	if (addr->family == 0)
		return true;
	return all_hosts(addr, 1, family) && addr->prefix > 0 &&
	       addr->prefix <= (family == 4 ? 32 : 128);
}

bool lease_ok(const struct lease *l)
{
	uint32_t i;

	if (l->event < LEASE_GONE || l->event > LEASE_FAILED || (l->family != 4 && l->family != 6))
		return false;
	if (l->routes > LEASE_ROUTES_MAX || l->dns_count > LEASE_DNS_MAX ||
	    l->ntp_count > LEASE_NTP_MAX)
		return false;
	if (!addr_ok(&l->addr, l->family) || !addr_ok(&l->gateway, l->family) ||
	    !all_hosts(l->dns, l->dns_count, l->family) ||
	    !all_hosts(l->ntp, l->ntp_count, l->family))
		return false;
	if (l->event == LEASE_BOUND && l->family == 4 && l->addr.family == 0)
		return false;
	for (i = 0; i < l->routes; i++)
		if (l->route[i].dst.family != l->family || l->route[i].dst.prefix > 32 ||
		    !all_hosts(&l->route[i].via, 1, l->family))
			return false;
	return l->mtu == 0 || (l->mtu >= 576 && l->mtu <= 9216);
}
