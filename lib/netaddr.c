// SPDX-License-Identifier: Apache-2.0
#include "netaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

static uint8_t bits_of(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

/* decimal - digits and nothing else, at most max. */
static int decimal(const char *text, unsigned int max, uint8_t *ret_value)
{
	unsigned int v = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (unsigned int)(*text - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret_value = (uint8_t)v;
	return 0;
}

int netaddr_parse(const char *text, struct netaddr *ret_addr)
{
	struct netaddr a = { 0 };
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, a.addr) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, host, a.addr) == 1)
		a.family = 6;
	else
		return -EINVAL;
	a.prefix = bits_of(a.family);
	if (slash && decimal(slash + 1, a.prefix, &a.prefix))
		return -EINVAL;
	*ret_addr = a;
	return 0;
}

void netaddr_format(const struct netaddr *addr, bool with_prefix,
		    char ret_text[static NETADDR_TEXT_SIZE])
{
	size_t len;

	ret_text[0] = '\0';
	if (addr->family == 0)
		return;
	(void)inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->addr, ret_text,
			NETADDR_TEXT_SIZE);
	len = strlen(ret_text);
	if (with_prefix)
		(void)snprintf(ret_text + len, NETADDR_TEXT_SIZE - len, "/%u", addr->prefix);
}

bool netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool netaddr_is_host(const struct netaddr *addr)
{
	static const uint8_t zero[16], loopback6[16] = { [15] = 1 };

	if (addr->family == 4)
		return addr->addr[0] != 0 && addr->addr[0] != 127 && addr->addr[0] < 224;
	if (addr->family == 6)
		return memcmp(addr->addr, zero, 16) != 0 &&
		       memcmp(addr->addr, loopback6, 16) != 0 && addr->addr[0] != 0xff;
	return false;
}

void netaddr_mask(struct netaddr *addr)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		unsigned int keep = addr->prefix > 8 * i ? addr->prefix - 8 * i : 0;

		if (keep < 8)
			addr->addr[i] &= (uint8_t)(0xff00u >> keep);
	}
}

bool netaddr_contains(const struct netaddr *net, const struct netaddr *addr)
{
	struct netaddr a = *net, b = *addr;

	if (a.family == 0 || a.family != b.family)
		return false;
	b.prefix = a.prefix;
	netaddr_mask(&a);
	netaddr_mask(&b);
	return netaddr_equal(&a, &b);
}

int netaddr_prefix_of_mask(const char *text, uint8_t *ret_prefix)
{
	uint8_t raw[4];
	uint32_t mask;
	uint8_t n;

	if (inet_pton(AF_INET, text, raw) != 1)
		return -EINVAL;
	mask = be32_load(raw);
	for (n = 0; n < 32 && mask & 0x80000000u >> n; n++)
		;
	if (n < 32 && mask << n != 0)
		return -EINVAL;
	*ret_prefix = n;
	return 0;
}
