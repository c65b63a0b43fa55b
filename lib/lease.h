// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_LEASE_H
#define CAIRN_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include "netaddr.h"
#include "netconf.h"

/*
 * What a DHCP client says, read from the environment that busybox's udhcpc and udhcpc6 give to
 * their event program. Fixed in size, so that it travels as one message. The values come from the
 * network: all are checked here, and what does not fit is left out.
 */

#define LEASE_DNS_MAX 4
#define LEASE_NTP_MAX 4
#define LEASE_ROUTES_MAX 8
#define LEASE_FOREVER UINT32_MAX

enum lease_event {
	LEASE_GONE = 1, /* deconfig, nak: the address must not be used any more */
	LEASE_BOUND,	/* bound or renewed */
	LEASE_FAILED,	/* no server answered; the client keeps trying */
};

struct lease {
	uint32_t event;	     /* enum lease_event */
	uint32_t family;     /* 4 or 6 */
	uint32_t time_s;     /* from now; LEASE_FOREVER: never ends or not said */
	uint32_t mtu;	     /* bytes; 0: not said */
	struct netaddr addr; /* none for stateless DHCPv6 */
	struct netaddr gateway;
	uint32_t routes;
	uint32_t dns_count;
	uint32_t ntp_count;
	struct netconf_route route[LEASE_ROUTES_MAX];
	struct netaddr dns[LEASE_DNS_MAX];
	struct netaddr ntp[LEASE_NTP_MAX];
};

/* How a variable of the client's environment is found: NULL when it is not set. */
typedef const char *lease_get(void *ctx, const char *name);

/*
 * lease_read - action is the event program's first argument (deconfig, bound, renew, nak,
 * leasefail), family the client's (4 or 6).
 * Errors: -EINVAL unknown action, or a bound lease whose address cannot be used.
 */
int lease_read(const char *action, unsigned int family, lease_get *get, void *ctx,
	       struct lease *ret_lease);

/* lease_ok - is a message that came from a less trusted process one that lease_read can make. */
bool lease_ok(const struct lease *lease);

#endif
