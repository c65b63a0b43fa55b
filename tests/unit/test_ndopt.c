// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "ndopt.h"

/* RFC 8106, section 5.1: type, length, reserved, lifetime 600, one address 2001:db8::53. */
static const uint8_t one[24] = { 25, 3, 0, 0, 0, 0, 0x02, 0x58, 0x20, 0x01, 0x0d, 0xb8,
				 0,  0, 0, 0, 0, 0, 0,	  0,	0,    0,    0,	  0x53 };

static void test_one(void **state)
{
	struct ndopt_rdnss r;
	char text[NETADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(ndopt_read_rdnss(one, sizeof(one), &r), 1);
	assert_int_equal(r.lifetime_s, 600);
	assert_int_equal(r.count, 1);
	netaddr_format(&r.dns[0], false, text);
	assert_string_equal(text, "2001:db8::53");
}

static void test_after_another(void **state)
{
	uint8_t buf[8 + sizeof(one)] = { 5, 1, 0, 0, 0, 0, 0x05, 0xdc }; /* MTU 1500 */
	struct ndopt_rdnss r;

	(void)state;
	memcpy(buf + 8, one, sizeof(one));
	assert_int_equal(ndopt_read_rdnss(buf, sizeof(buf), &r), 1);
	assert_int_equal(ndopt_read_rdnss(buf, 8, &r), 0);
	assert_int_equal(ndopt_read_rdnss(buf, 0, &r), 0);
}

static void test_many(void **state)
{
	uint8_t buf[8 + 6 * 16] = { 25, 13, 0, 0, 0xff, 0xff, 0xff, 0xff };
	struct ndopt_rdnss r;
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++)
		buf[8 + 16 * i] = 0x20;
	buf[8] = 0xff; /* multicast: left out */
	assert_int_equal(ndopt_read_rdnss(buf, sizeof(buf), &r), 1);
	assert_int_equal(r.count, NDOPT_DNS_MAX);
	assert_true(r.lifetime_s == NDOPT_FOREVER);
}

static void test_malformed(void **state)
{
	uint8_t buf[sizeof(one)];
	struct ndopt_rdnss r;
	size_t len;

	(void)state;
	for (len = 1; len < sizeof(one); len++)
		assert_true(ndopt_read_rdnss(one, len, &r) < 0);
	memcpy(buf, one, sizeof(buf));
	buf[1] = 0;
	assert_true(ndopt_read_rdnss(buf, sizeof(buf), &r) < 0);
	buf[1] = 2; /* half an address */
	assert_true(ndopt_read_rdnss(buf, sizeof(buf), &r) < 0);
	buf[1] = 1; /* no address */
	assert_true(ndopt_read_rdnss(buf, 8, &r) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_after_another),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
