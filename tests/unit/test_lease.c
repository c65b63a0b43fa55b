// SPDX-License-Identifier: Apache-2.0
/* The environments are those that busybox 1.37's udhcpc and udhcpc6 give to their scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "lease.h"

/* A list of name, value, ..., NULL. */
static const char *get(void *ctx, const char *name)
{
	const char *const *v = ctx;

	for (; *v; v += 2)
		if (strcmp(v[0], name) == 0)
			return v[1];
	return NULL;
}

static int read_env(const char *action, unsigned int family, const char *const *env,
		    struct lease *ret)
{
	return lease_read(action, family, get, (void *)(uintptr_t)env, ret);
}

static void text_is(const struct netaddr *a, const char *want)
{
	char text[NETADDR_TEXT_SIZE];

	netaddr_format(a, true, text);
	assert_string_equal(text, want);
}

static void test_bound4(void **state)
{
	static const char *const env[] = { "interface", "eth0",
					   "ip",	"192.0.2.50",
					   "subnet",	"255.255.255.0",
					   "router",	"192.0.2.1 192.0.2.2",
					   "dns",	"192.0.2.53 192.0.2.54",
					   "lease",	"3600",
					   "ntpsrv",	"192.0.2.123",
					   "mtu",	"1400",
					   NULL };
	struct lease l;

	(void)state;
	assert_int_equal(read_env("bound", 4, env, &l), 0);
	assert_int_equal(l.event, LEASE_BOUND);
	text_is(&l.addr, "192.0.2.50/24");
	text_is(&l.gateway, "192.0.2.1/32");
	assert_int_equal(l.dns_count, 2);
	assert_int_equal(l.ntp_count, 1);
	assert_int_equal(l.time_s, 3600);
	assert_int_equal(l.mtu, 1400);
	assert_int_equal(l.routes, 0);
	assert_true(lease_ok(&l));
}

static void test_classless_routes(void **state)
{
	static const char *const env[] = {
		"ip",
		"192.0.2.50",
		"router",
		"192.0.2.1",
		"staticroutes",
		"10.9.0.0/16 192.0.2.9 0.0.0.0/0 192.0.2.7 10.8.0.0/16 0.0.0.0 bad 192.0.2.1",
		NULL
	};
	struct lease l;

	(void)state;
	assert_int_equal(read_env("renew", 4, env, &l), 0);
	text_is(&l.addr, "192.0.2.50/32");
	/* RFC 3442: with option 121 the router option is ignored. */
	text_is(&l.gateway, "192.0.2.7/32");
	assert_int_equal(l.routes, 1);
	text_is(&l.route[0].dst, "10.9.0.0/16");
	assert_true(lease_ok(&l));
}

static void test_bound6(void **state)
{
	static const char *const env[] = { "ipv6",  "2001:0db8:0001:0000:0000:0000:0000:0050",
					   "lease", "600",
					   "dns",   "2001:0db8:0001:0000:0000:0000:0000:0053",
					   NULL };
	static const char *const stateless[] = { "dns", "2001:db8::53 192.0.2.1", NULL };
	struct lease l;

	(void)state;
	assert_int_equal(read_env("bound", 6, env, &l), 0);
	text_is(&l.addr, "2001:db8:1::50/128");
	assert_int_equal(l.dns_count, 1);
	assert_true(lease_ok(&l));
	assert_int_equal(read_env("bound", 6, stateless, &l), 0);
	assert_int_equal(l.addr.family, 0);
	assert_int_equal(l.dns_count, 1); /* the other family's is left out */
	assert_true(l.time_s == LEASE_FOREVER);
	assert_true(lease_ok(&l));
}

static void test_others(void **state)
{
	static const char *const nothing[] = { NULL };
	struct lease l;

	(void)state;
	assert_int_equal(read_env("deconfig", 4, nothing, &l), 0);
	assert_int_equal(l.event, LEASE_GONE);
	assert_int_equal(read_env("nak", 4, nothing, &l), 0);
	assert_int_equal(l.event, LEASE_GONE);
	assert_int_equal(read_env("leasefail", 6, nothing, &l), 0);
	assert_int_equal(l.event, LEASE_FAILED);
	assert_true(read_env("bound", 4, nothing, &l) < 0);
	assert_true(read_env("bound", 5, nothing, &l) < 0);
	assert_true(read_env("reboot", 4, nothing, &l) < 0);
}

static void test_hostile(void **state)
{
	static const char *const addrs[] = { "127.0.0.1",   "224.0.0.1", "0.0.0.0", "192.0.2.1/24",
					     "2001:db8::1", "$(reboot)", "" };
	struct lease l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		const char *const env[] = { "ip", addrs[i], NULL };
		const char *const rest[] = { "ip",    "192.0.2.5", "router", addrs[i],
					     "dns",   addrs[i],	   "mtu",    "68",
					     "lease", "-1",	   NULL };

		assert_true(read_env("bound", 4, env, &l) < 0);
		assert_int_equal(read_env("bound", 4, rest, &l), 0);
		assert_int_equal(l.gateway.family, 0);
		assert_int_equal(l.dns_count, 0);
		assert_int_equal(l.mtu, 0);
		assert_true(l.time_s == LEASE_FOREVER);
	}
	{
		const char *const env[] = { "ip", "192.0.2.5", "subnet", "255.0.255.0", NULL };

		assert_true(read_env("bound", 4, env, &l) < 0);
	}
}

/* What a compromised client could send instead is refused by the daemon. */
static void test_message(void **state)
{
	static const char *const env[] = { "ip", "192.0.2.5", "subnet", "255.255.255.0", NULL };
	struct lease good, l;

	(void)state;
	assert_int_equal(read_env("bound", 4, env, &good), 0);
	assert_true(lease_ok(&good));
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		l = good;                                                                          \
		change;                                                                            \
		assert_false(lease_ok(&l));                                                        \
	} while (0)
	REFUSED(l.event = 0);
	REFUSED(l.event = 9);
	REFUSED(l.family = 5);
	REFUSED(l.family = 6);
	REFUSED(l.routes = LEASE_ROUTES_MAX + 1);
	REFUSED(l.routes = 1);
	REFUSED(l.dns_count = LEASE_DNS_MAX + 1);
	REFUSED(l.dns_count = 1);
	REFUSED(l.ntp_count = UINT32_MAX);
	REFUSED(l.addr.prefix = 0);
	REFUSED(l.addr.prefix = 33);
	REFUSED(l.addr.addr[0] = 127);
	REFUSED(l.addr.family = 0);
	REFUSED(l.gateway.family = 6);
	REFUSED(l.mtu = 100);
#undef REFUSED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound4),	cmocka_unit_test(test_classless_routes),
		cmocka_unit_test(test_bound6),	cmocka_unit_test(test_others),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
