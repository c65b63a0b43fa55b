// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "netaddr.h"

static const struct {
	const char *text, *back; /* back NULL: refused */
} cases[] = {
	{ "192.0.2.5", "192.0.2.5/32" },
	{ "192.0.2.5/24", "192.0.2.5/24" },
	{ "0.0.0.0/0", "0.0.0.0/0" },
	{ "2001:db8::1", "2001:db8::1/128" },
	{ "2001:0DB8:0:0::1/64", "2001:db8::1/64" },
	{ "", NULL },
	{ "/24", NULL },
	{ "192.0.2.5/33", NULL },
	{ "192.0.2.5/", NULL },
	{ "192.0.2.5/2a", NULL },
	{ "192.0.2.5/-1", NULL },
	{ "192.0.2", NULL },
	{ "2001:db8::1/129", NULL },
	{ "fe80::1%eth0", NULL },
	{ "host", NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL },
};

static void test_parse(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NETADDR_TEXT_SIZE];
		struct netaddr a;

		if (!cases[i].back) {
			assert_true(netaddr_parse(cases[i].text, &a) < 0);
			continue;
		}
		assert_int_equal(netaddr_parse(cases[i].text, &a), 0);
		netaddr_format(&a, true, text);
		assert_string_equal(text, cases[i].back);
	}
}

static struct netaddr addr(const char *text)
{
	struct netaddr a;

	assert_int_equal(netaddr_parse(text, &a), 0);
	return a;
}

static void test_host(void **state)
{
	static const char *const no[] = { "0.0.0.0", "0.1.2.3",		"127.0.0.1", "224.0.0.1",
					  "::",	     "255.255.255.255", "::1",	     "ff02::1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		struct netaddr a = addr(no[i]);

		assert_false(netaddr_is_host(&a));
	}
	assert_true(netaddr_is_host(&(struct netaddr){ .family = 4, .addr = { 10, 0, 0, 1 } }));
	assert_true(netaddr_is_host(&(struct netaddr){ .family = 6, .addr = { 0xfe, 0x80, 1 } }));
	assert_false(netaddr_is_host(&(struct netaddr){ 0 }));
}

static void test_contains(void **state)
{
	struct netaddr net = addr("192.0.2.1/25"), in = addr("192.0.2.127"),
		       out = addr("192.0.2.128");
	struct netaddr net6 = addr("2001:db8::/33"), in6 = addr("2001:db8:7fff::1"),
		       out6 = addr("2001:db8:8000::1"), all = addr("0.0.0.0/0");

	(void)state;
	assert_true(netaddr_contains(&net, &in));
	assert_false(netaddr_contains(&net, &out));
	assert_true(netaddr_contains(&net6, &in6));
	assert_false(netaddr_contains(&net6, &out6));
	assert_false(netaddr_contains(&net, &in6));
	assert_true(netaddr_contains(&all, &out));
}

static void test_mask(void **state)
{
	uint8_t prefix = 99;

	(void)state;
	assert_int_equal(netaddr_prefix_of_mask("255.255.255.0", &prefix), 0);
	assert_int_equal(prefix, 24);
	assert_int_equal(netaddr_prefix_of_mask("255.255.255.255", &prefix), 0);
	assert_int_equal(prefix, 32);
	assert_int_equal(netaddr_prefix_of_mask("0.0.0.0", &prefix), 0);
	assert_int_equal(prefix, 0);
	assert_true(netaddr_prefix_of_mask("255.0.255.0", &prefix) < 0);
	assert_true(netaddr_prefix_of_mask("24", &prefix) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
