// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NETADDR_H
#define CAIRN_NETADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IPv4 or IPv6 address with its prefix length. All zero means "no address". */
struct netaddr {
	uint8_t family; /* 4, 6, or 0 for none */
	uint8_t prefix; /* bits, 0 to 32 or 128 */
	uint8_t reserved[2];
	uint8_t addr[16]; /* network order; IPv4 in the first four, the rest zero */
};

#define NETADDR_TEXT_SIZE 64

/*
 * netaddr_parse - "192.0.2.5", "2001:db8::1/64". Without a prefix it is a host's: 32 or 128.
 * Errors: -EINVAL.
 */
int netaddr_parse(const char *text, struct netaddr *ret_addr);

/* netaddr_format - the address, with its prefix when with_prefix; empty text for "no address". */
void netaddr_format(const struct netaddr *addr, bool with_prefix,
		    char ret_text[static NETADDR_TEXT_SIZE]);

bool netaddr_equal(const struct netaddr *a, const struct netaddr *b);

/* netaddr_is_host - can one machine have this address: not any, not multicast, not loopback. */
bool netaddr_is_host(const struct netaddr *addr);

/* netaddr_contains - does net's prefix hold this address of the same family. */
bool netaddr_contains(const struct netaddr *net, const struct netaddr *addr);

/* netaddr_mask - set the bits after the prefix to zero. */
void netaddr_mask(struct netaddr *addr);

/* netaddr_prefix_of_mask - 24 for 255.255.255.0. Errors: -EINVAL not a mask of leading ones. */
int netaddr_prefix_of_mask(const char *text, uint8_t *ret_prefix);

#endif
