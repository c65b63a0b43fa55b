// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NETCONF_H
#define CAIRN_NETCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "netaddr.h"

/*
 * network.conf: text, one key=value a line, `#` begins a comment line, sections by interface.
 *
 *   ntp=HOST...          servers of the time; said here they win over those of DHCP
 *   ntp_default=HOST...  servers of the time where neither ntp= nor DHCP names any
 *   dns=ADDRESS...       name servers asked before those that are learnt
 *
 *   [interface PATTERN]  PATTERN as in eth*: `*` any text, `?` any character; the first section
 *                        that fits an interface rules it, an interface that none fits is left alone
 *   ipv4=dhcp|static|off     default dhcp, or static when an IPv4 address= is given
 *   ipv6=auto|static|off     default auto: router advertisements, and DHCPv6 where they ask for it
 *   address=ADDRESS/PREFIX   may be repeated
 *   gateway=ADDRESS          one a family
 *   route=NET/PREFIX via ADDRESS     may be repeated
 *   dns=ADDRESS...           name servers behind this interface
 *   metric=N                 1 to 9999; smaller is preferred; default 100 for the first section,
 *                            200 for the second and so on
 *   mtu=N                    576 to 9216
 *
 * An unknown key, a bad value and a thing said twice are refused: a typing error must not turn
 * into an unreachable machine in silence.
 */

#define NETCONF_SIZE_MAX 16384 /* bytes of a file */
#define NETCONF_SECTIONS_MAX 16
#define NETCONF_ADDRS_MAX 8
#define NETCONF_ROUTES_MAX 8
#define NETCONF_DNS_MAX 4
#define NETCONF_NTP_MAX 4
#define NETCONF_HOST_SIZE 128 /* bytes of a host name with its NUL */
#define NETCONF_IFNAME_SIZE 16

enum netconf_ipv4 { NETCONF_IPV4_DHCP, NETCONF_IPV4_STATIC, NETCONF_IPV4_OFF };
enum netconf_ipv6 { NETCONF_IPV6_AUTO, NETCONF_IPV6_STATIC, NETCONF_IPV6_OFF };

struct netconf_route {
	struct netaddr dst; /* masked by its prefix */
	struct netaddr via;
};

struct netconf_section {
	char pattern[NETCONF_IFNAME_SIZE];
	enum netconf_ipv4 ipv4;
	enum netconf_ipv6 ipv6;
	struct netaddr address[NETCONF_ADDRS_MAX];
	size_t addresses;
	struct netaddr gateway4, gateway6;
	struct netconf_route route[NETCONF_ROUTES_MAX];
	size_t routes;
	struct netaddr dns[NETCONF_DNS_MAX];
	size_t dns_count;
	uint32_t metric;
	uint32_t mtu; /* bytes; 0: as the interface has it */
};

struct netconf {
	char ntp[NETCONF_NTP_MAX][NETCONF_HOST_SIZE];
	size_t ntp_count;
	char ntp_default[NETCONF_NTP_MAX][NETCONF_HOST_SIZE];
	size_t ntp_default_count;
	struct netaddr dns[NETCONF_DNS_MAX];
	size_t dns_count;
	struct netconf_section section[NETCONF_SECTIONS_MAX];
	size_t sections;
};

/*
 * netconf_parse - read a whole file. On failure ret_conf is unspecified and err names the line.
 * Errors: -EFBIG larger than NETCONF_SIZE_MAX, -EINVAL anything else.
 */
int netconf_parse(const uint8_t *buf, size_t len, struct netconf *ret_conf, struct err *err);

/* netconf_find - the section that rules this interface, NULL when none does. */
const struct netconf_section *netconf_find(const struct netconf *conf, const char *ifname);

/* netconf_match - does the pattern (`*`, `?`) fit the whole name. */
bool netconf_match(const char *pattern, const char *name);

/* netconf_host_ok - a host name or address in letters, digits, '.', '-', ':' and no leading '-'. */
bool netconf_host_ok(const char *host);

#endif
