// SPDX-License-Identifier: Apache-2.0
#include "ndopt.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

static int read_one(const uint8_t *opt, size_t len, struct ndopt_rdnss *ret_rdnss)
{
	struct ndopt_rdnss r = { .lifetime_s = be32_load(opt + 4) };
	size_t pos;

	/* Eight bytes of head and at least one address; an even number of units is malformed. */
	if (len < 24 || (len - 8) % 16 != 0)
		return -EBADMSG;
	for (pos = 8; pos < len && r.count < NDOPT_DNS_MAX; pos += 16) {
		struct netaddr *a = &r.dns[r.count];

		a->family = 6;
		a->prefix = 128;
		memcpy(a->addr, opt + pos, 16);
		if (netaddr_is_host(a))
			r.count++;
		else
			memset(a, 0, sizeof(*a));
	}
	*ret_rdnss = r;
	return 1;
}

int ndopt_read_rdnss(const uint8_t *buf, size_t len, struct ndopt_rdnss *ret_rdnss)
{
	size_t pos = 0;

	while (pos < len) {
		size_t n;

		if (len - pos < 8)
			return -EBADMSG;
		n = 8u * buf[pos + 1];
		if (n == 0 || n > len - pos)
			return -EBADMSG;
		if (buf[pos] == NDOPT_RDNSS)
			return read_one(buf + pos, n, ret_rdnss);
		pos += n;
	}
	return 0;
}
