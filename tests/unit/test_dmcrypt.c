// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "dmcrypt.h"

static uint8_t key[DMCRYPT_KEY_HMAC_BYTES];
static char params[DM_PARAMS_MAX];

static struct dmcrypt volume(bool authenticated)
{
	memset(key, 0x5a, DMCRYPT_KEY_BYTES);
	memset(key + DMCRYPT_KEY_BYTES, 0xc3, sizeof(key) - DMCRYPT_KEY_BYTES);
	return (struct dmcrypt){ "/dev/vda7", 1u << 20, 4096u * 1000, authenticated, key };
}

static void test_plain_xts(void **state)
{
	struct dmcrypt c = volume(false);
	char want[DM_PARAMS_MAX] = "aes-xts-plain64 ";
	size_t i;

	(void)state;
	assert_int_equal(dmcrypt_params(&c, params), 0);
	for (i = 0; i < DMCRYPT_KEY_BYTES; i++)
		strcat(want, "5a");
	strcat(want, " 0 /dev/vda7 2048 2 sector_size:4096 iv_large_sectors");
	assert_string_equal(params, want);
	assert_null(strstr(params, "discard"));
}

static void test_authenticated(void **state)
{
	struct dmcrypt c = volume(true);

	(void)state;
	c.device = "/dev/dm-1";
	c.start_bytes = 0;
	assert_int_equal(dmcrypt_params(&c, params), 0);
	assert_non_null(strstr(params, "capi:authenc(hmac(sha256),xts(aes))-plain64 5a5a"));
	assert_non_null(strstr(params, "5ac3"));
	assert_non_null(strstr(params, "c3 0 /dev/dm-1 0 3 sector_size:4096 iv_large_sectors "
				       "integrity:32:aead"));
	assert_int_equal(dmcrypt_tags_params("/dev/vda7", 1u << 20, params), 0);
	assert_string_equal(params, "/dev/vda7 2048 32 J 2 block_size:4096 journal_sectors:8192");
	assert_int_equal(dmcrypt_tags_params("/dev/vda7", 512, params), -EINVAL);
}

static void test_sizes(void **state)
{
	struct dmcrypt c = volume(false);
	char name[DM_PARAMS_MAX];

	(void)state;
	c.size_bytes += 512;
	assert_int_equal(dmcrypt_params(&c, params), -EINVAL);
	c.size_bytes = 0;
	assert_int_equal(dmcrypt_params(&c, params), -EINVAL);
	c = volume(false);
	c.start_bytes = 512;
	assert_int_equal(dmcrypt_params(&c, params), -EINVAL);
	c = volume(false);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	c.device = name;
	assert_int_equal(dmcrypt_params(&c, params), -ENAMETOOLONG);
	assert_int_equal(dmcrypt_tags_params(name, 0, params), -ENAMETOOLONG);
}

static void test_tags_sectors(void **state)
{
	static const char *const bad[] = { "", "-", "0", "0 -", "0 7 -", "x 80007 -" };
	uint64_t sectors = 1;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dmcrypt_tags_sectors(bad[i], &sectors), -EBADMSG);
	assert_int_equal(sectors, 1);
	assert_int_equal(dmcrypt_tags_sectors("0 80007 -", &sectors), 0);
	assert_int_equal(sectors, 80000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_xts),
		cmocka_unit_test(test_authenticated),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_tags_sectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
