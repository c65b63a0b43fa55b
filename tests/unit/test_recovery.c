// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "hex.h"
#include "recovery.h"
#include "testkeys.h"

static const uint8_t ephemeral[P256_SECRET_SIZE] = { 0, 1, 2, 3 };

static struct keyhead sealed(uint32_t cipher)
{
	struct keyhead h = { .sequence = 1,
			     .cipher = cipher,
			     .key_bytes = keyhead_key_bytes(cipher),
			     .id = "volume" };
	uint8_t point[P256_POINT_SIZE], key[KEYHEAD_KEY_MAX];

	memset(key, 0x77, sizeof(key));
	testkeys_point(3, point);
	assert_int_equal(recovery_seal(point, h.id, key, h.key_bytes, ephemeral, h.recovery,
				       &h.recovery_len),
			 0);
	assert_true(recovery_is_for(&h, point));
	testkeys_point(4, point);
	assert_false(recovery_is_for(&h, point));
	return h;
}

static void test_both_ways(void **state)
{
	static const uint32_t ciphers[] = { KEYHEAD_XTS, KEYHEAD_XTS_HMAC };
	uint8_t secret[P256_SECRET_SIZE], key[KEYHEAD_KEY_MAX], copy[KEYHEAD_BYTES];
	struct err err;
	size_t i, k;

	(void)state;
	testkeys_secret(3, secret);
	for (i = 0; i < 2; i++) {
		struct keyhead h = sealed(ciphers[i]), back;

		/* As it is on the disk. */
		assert_int_equal(keyhead_format(&h, copy), 0);
		assert_int_equal(keyhead_parse(copy, sizeof(copy), &back), 0);
		assert_int_equal(recovery_open(secret, &back, key, &err), 0);
		for (k = 0; k < h.key_bytes; k++) {
			assert_int_equal(key[k], 0x77);
			assert_null(memmem(h.recovery, h.recovery_len, key, 4));
		}
	}
}

static void test_refused(void **state)
{
	uint8_t secret[P256_SECRET_SIZE], key[KEYHEAD_KEY_MAX];
	struct keyhead h = sealed(KEYHEAD_XTS), other;
	struct err err;
	uint32_t i;

	(void)state;
	testkeys_secret(4, secret);
	assert_int_equal(recovery_open(secret, &h, key, &err), -ENOKEY);
	testkeys_secret(3, secret);
	for (i = 0; i < h.recovery_len; i++) {
		other = h;
		other.recovery[i] ^= 0x10;
		assert_true(recovery_open(secret, &other, key, &err) < 0);
	}
	/* In another volume's header. */
	other = h;
	other.id[0] ^= 1;
	assert_int_equal(recovery_open(secret, &other, key, &err), -EKEYREJECTED);
	other = h;
	other.recovery_len--;
	assert_int_equal(recovery_open(secret, &other, key, &err), -EBADMSG);
	other.recovery_len = 0;
	assert_int_equal(recovery_open(secret, &other, key, &err), -ENOENT);
}

static void test_no_secret_of_the_curve(void **state)
{
	uint8_t point[P256_POINT_SIZE], zero[P256_SECRET_SIZE] = { 0 }, key[64] = { 0 };
	struct keyhead h = { .id = "x" };

	(void)state;
	testkeys_point(3, point);
	assert_int_equal(recovery_seal(point, h.id, key, 64, zero, h.recovery, &h.recovery_len),
			 -EAGAIN);
	assert_int_equal(
		recovery_seal(point, h.id, key, 128, ephemeral, h.recovery, &h.recovery_len),
		-EINVAL);
	point[10] ^= 1;
	assert_int_equal(
		recovery_seal(point, h.id, key, 64, ephemeral, h.recovery, &h.recovery_len),
		-EINVAL);
}

static void test_point(void **state)
{
	uint8_t point[P256_POINT_SIZE], back[P256_POINT_SIZE];
	char text[2 * P256_POINT_SIZE + 2];

	(void)state;
	testkeys_point(3, point);
	hex_encode(point, sizeof(point), text);
	text[2 * P256_POINT_SIZE] = '\n';
	assert_int_equal(recovery_point(text, sizeof(text) - 1, back), 0);
	assert_memory_equal(point, back, sizeof(back));
	assert_int_equal(recovery_point(text, sizeof(text) - 2, back), -EBADMSG);
	text[1] = '3';
	assert_int_equal(recovery_point(text, sizeof(text) - 1, back), -EBADMSG);
	text[1] = 'x';
	assert_int_equal(recovery_point(text, sizeof(text) - 1, back), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_secret_of_the_curve),
		cmocka_unit_test(test_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
