// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NDOPT_H
#define CAIRN_NDOPT_H

#include <stddef.h>
#include <stdint.h>

#include "netaddr.h"

/*
 * The RDNSS option of IPv6 router advertisements (RFC 8106, section 5.1). Big-endian:
 *   u8 type = 25 | u8 length in units of 8 bytes | u16 reserved | u32 lifetime in seconds
 *   | { 16 bytes address }...
 */

#define NDOPT_RDNSS 25
#define NDOPT_DNS_MAX 4
#define NDOPT_FOREVER UINT32_MAX

struct ndopt_rdnss {
	uint32_t lifetime_s; /* 0: forget these servers; NDOPT_FOREVER: no end */
	uint32_t count;
	struct netaddr dns[NDOPT_DNS_MAX];
};

/*
 * ndopt_read_rdnss - walk over options and read the first RDNSS; further servers are left out.
 * Returns 1 found, 0 none there. Errors: -EBADMSG an option that is cut short or empty.
 */
int ndopt_read_rdnss(const uint8_t *buf, size_t len, struct ndopt_rdnss *ret_rdnss);

#endif
