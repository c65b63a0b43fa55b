// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "netconf.h"

static struct netconf conf;
static struct err err;

static int parse(const char *text)
{
	err.msg[0] = '\0';
	return netconf_parse((const uint8_t *)text, strlen(text), &conf, &err);
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(conf.sections, 0);
	assert_null(netconf_find(&conf, "eth0"));
}

static void test_whole(void **state)
{
	static const char text[] = "# a comment\n"
				   "ntp=time.example.org 192.0.2.123\n"
				   "dns=192.0.2.53\n"
				   "\n"
				   "[interface eth0]\r\n"
				   "address=192.0.2.5/24\n"
				   "address=2001:db8::5/64\n"
				   "gateway=192.0.2.1\n"
				   "gateway=2001:db8::1\n"
				   "route=10.1.2.3/8 via 192.0.2.9\n"
				   "dns=192.0.2.54 2001:db8::53\n"
				   "mtu=1400\n"
				   "  [interface eth*]  \n"
				   "ipv6=off\n"
				   "metric=7";
	const struct netconf_section *s;
	char text_addr[NETADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(parse(text), 0);
	assert_int_equal(conf.ntp_count, 2);
	assert_string_equal(conf.ntp[0], "time.example.org");
	assert_int_equal(conf.dns_count, 1);
	assert_int_equal(conf.sections, 2);
	s = netconf_find(&conf, "eth0");
	assert_ptr_equal(s, &conf.section[0]);
	assert_int_equal(s->ipv4, NETCONF_IPV4_STATIC);
	assert_int_equal(s->ipv6, NETCONF_IPV6_AUTO);
	assert_int_equal(s->addresses, 2);
	assert_int_equal(s->mtu, 1400);
	assert_int_equal(s->metric, 100);
	assert_int_equal(s->routes, 1);
	/* The bits of the host are no part of the network. */
	netaddr_format(&s->route[0].dst, true, text_addr);
	assert_string_equal(text_addr, "10.0.0.0/8");
	s = netconf_find(&conf, "eth12");
	assert_ptr_equal(s, &conf.section[1]);
	assert_int_equal(s->ipv4, NETCONF_IPV4_DHCP);
	assert_int_equal(s->ipv6, NETCONF_IPV6_OFF);
	assert_int_equal(s->metric, 7);
	assert_null(netconf_find(&conf, "wlan0"));
}

/* Each is refused, and the message names the line and what is wrong with it. */
static const struct {
	const char *text, *says;
} bad[] = {
	{ "ipv4=dhcp\n", "line 1: no such key before" },
	{ "\n[interface eth0]\nipv5=dhcp\n", "line 3: no such key" },
	{ "[interface eth0]\nipv4=\n", "line 2: no value" },
	{ "[interface eth0]\nipv4\n", "line 2: wanted key=value" },
	{ "[interface eth0]\nipv4=auto\n", "line 2: no such way" },
	{ "[interface eth0]\nipv4=dhcp\nipv4=dhcp\n", "line 3: said twice" },
	{ "[interface eth0]\nipv4=static\n", "without an address" },
	{ "[interface eth0]\nipv6=static\naddress=192.0.2.5/24\n", "without an address" },
	{ "[interface eth0]\nipv4=off\naddress=192.0.2.5/24\n", "family that is off" },
	{ "[interface eth0]\nipv6=off\nroute=2001:db8::/32 via fe80::1\n", "family that is off" },
	{ "[interface eth0]\naddress=192.0.2.5\n", "line 2: not an address with its prefix" },
	{ "[interface eth0]\naddress=192.0.2.5/0\n", "line 2: not an address" },
	{ "[interface eth0]\naddress=127.0.0.1/8\n", "line 2: not an address" },
	{ "[interface eth0]\ngateway=192.0.2.1/24\n", "line 2: not an address" },
	{ "[interface eth0]\ngateway=192.0.2.1\ngateway=192.0.2.2\n", "line 3: said twice" },
	{ "[interface eth0]\nroute=10.0.0.0/8\n", "line 2: wanted NET/PREFIX via" },
	{ "[interface eth0]\nroute=10.0.0.0/8 by 192.0.2.1\n", "line 2: wanted NET/PREFIX via" },
	{ "[interface eth0]\nroute=10.0.0.0/8 via 192.0.2.1 x\n", "line 2: wanted NET/PREFIX via" },
	{ "[interface eth0]\nroute=10.0.0.0/8 via fe80::1\n", "line 2: not a gateway" },
	{ "[interface eth0]\nroute=10.0.0.0 via 192.0.2.1\n", "line 2: not a network" },
	{ "[interface eth0]\nmetric=0\n", "line 2: not 1 to 9999" },
	{ "[interface eth0]\nmetric=10000\n", "line 2: not 1 to 9999" },
	{ "[interface eth0]\nmetric=99999999999999999999\n", "line 2: not 1 to 9999" },
	{ "[interface eth0]\nmtu=100\n", "line 2: not 576 to 9216" },
	{ "[interface eth0]\ndns=1.1.1.1/8\n", "line 2: not an address" },
	{ "[interface eth0]\ndns=192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5\n", "too many" },
	{ "ntp=-g\n", "line 1: not a host name" },
	{ "ntp=a;reboot\n", "line 1: not a host name" },
	{ "[interface]\n", "line 1: wanted [interface PATTERN]" },
	{ "[interface ]\n", "line 1: not an interface's name" },
	{ "[interface eth0\n", "line 1: wanted [interface PATTERN]" },
	{ "[interface ../eth0]\n", "line 1: not an interface's name" },
	{ "[interface interface-name]\n", "" },
	{ "[interface sixteen-letters-]\n", "line 1: not an interface's name" },
	{ "[interface eth0]\nipv4=dh\acp\n", "line 2: a control character" },
};

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int rc = parse(bad[i].text);

		if (bad[i].says[0] == '\0') {
			assert_int_equal(rc, 0);
			continue;
		}
		if (rc >= 0 || !strstr(err.msg, bad[i].says))
			print_message("%s -> %d %s\n", bad[i].text, rc, err.msg);
		assert_true(rc < 0);
		assert_non_null(strstr(err.msg, bad[i].says));
	}
}

static void test_limits(void **state)
{
	static char text[NETCONF_SIZE_MAX + 2];
	size_t i, n = 0;

	(void)state;
	memset(text, '#', sizeof(text) - 1);
	assert_true(parse(text) < 0);
	text[600] = '\0';
	assert_true(parse(text) < 0); /* a line too long */
	for (i = 0; i < NETCONF_SECTIONS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[interface e%zu]\n", i);
	assert_int_equal(parse(text), 0);
	(void)snprintf(text + n, sizeof(text) - n, "[interface x]\n");
	assert_true(parse(text) < 0);
	n = (size_t)snprintf(text, sizeof(text), "[interface e]\n");
	for (i = 0; i < NETCONF_ADDRS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "address=192.0.2.%zu/24\n",
				      i + 1);
	assert_int_equal(parse(text), 0);
	(void)snprintf(text + n, sizeof(text) - n, "address=192.0.2.77/24\n");
	assert_true(parse(text) < 0);
	assert_true(netconf_parse((const uint8_t *)"dns=\0", 5, &conf, &err) < 0);
}

static void test_match(void **state)
{
	(void)state;
	assert_true(netconf_match("eth*", "eth0"));
	assert_true(netconf_match("eth*", "eth"));
	assert_true(netconf_match("*", ""));
	assert_true(netconf_match("e*p?s*0", "enp3s0"));
	assert_true(netconf_match("*a*a*b", "aaaaab"));
	assert_false(netconf_match("eth?", "eth"));
	assert_false(netconf_match("eth?", "eth10"));
	assert_false(netconf_match("eth0", "eth00"));
	assert_false(netconf_match("*a*a*b", "aaaaaa"));
	assert_false(netconf_match("", "x"));
}

/* The file of the root is right, whatever else changes. */
static void test_shipped(void **state)
{
	static char text[NETCONF_SIZE_MAX];

	(void)state;
	assert_int_equal(
		io_read_file("rootfs/skeleton/etc/cairn/network.conf", text, sizeof(text), NULL),
		0);
	assert_int_equal(parse(text), 0);
	assert_non_null(netconf_find(&conf, "eth0"));
	assert_non_null(netconf_find(&conf, "eth7"));
	assert_true(conf.ntp_default_count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty), cmocka_unit_test(test_whole),
		cmocka_unit_test(test_bad),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_match), cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
