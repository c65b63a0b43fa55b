// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "hex.h"
#include "p256sign.h"

/* RFC 6979, A.2.5: P-256 with SHA-256. */
static const char secret_text[] =
	"C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
static const char point_text[] =
	"0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
	"7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
static const struct {
	const char *message, *signature;
} vectors[] = {
	{ "sample", "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
		    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8" },
	{ "test", "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
		  "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083" },
};

static const char order_text[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

static void load(uint8_t *secret, uint8_t *point)
{
	assert_int_equal(hex_decode(secret_text, secret, P256_SECRET_SIZE), 0);
	assert_int_equal(hex_decode(point_text, point, P256_POINT_SIZE), 0);
}

static void test_vectors(void **state)
{
	uint8_t secret[P256_SECRET_SIZE], point[P256_POINT_SIZE], got[P256_POINT_SIZE];
	uint8_t digest[SHA256_SIZE], want[P256_SIGNATURE_SIZE], sig[P256_SIGNATURE_SIZE];
	size_t i;

	(void)state;
	load(secret, point);
	assert_int_equal(crypto_p256_public(secret, got), 0);
	assert_memory_equal(got, point, sizeof(point));
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		sha256(vectors[i].message, strlen(vectors[i].message), digest);
		assert_int_equal(hex_decode(vectors[i].signature, want, sizeof(want)), 0);
		assert_int_equal(p256_sign(secret, digest, sig), 0);
		assert_memory_equal(sig, want, sizeof(want));
		assert_int_equal(crypto_p256_verify(point, digest, sig), 0);
	}
}

static void test_many(void **state)
{
	uint8_t secret[P256_SECRET_SIZE], point[P256_POINT_SIZE];
	uint8_t digest[SHA256_SIZE], sig[P256_SIGNATURE_SIZE];
	int i;

	(void)state;
	load(secret, point);
	for (i = 0; i < 64; i++) {
		sha256(secret, sizeof(secret), digest);
		/* All ones, too: a digest above the order. */
		if (i == 0)
			memset(digest, 0xff, sizeof(digest));
		assert_int_equal(crypto_p256_public(secret, point), 0);
		assert_int_equal(p256_sign(secret, digest, sig), 0);
		assert_int_equal(crypto_p256_verify(point, digest, sig), 0);
		memcpy(secret, sig, sizeof(secret));
		secret[0] &= 0x7f;
	}
}

/* Every bit of key, digest and signature matters. */
static void test_flipped(void **state)
{
	uint8_t secret[P256_SECRET_SIZE], all[P256_POINT_SIZE + SHA256_SIZE + P256_SIGNATURE_SIZE];
	uint8_t *point = all, *digest = all + P256_POINT_SIZE, *sig = digest + SHA256_SIZE;
	size_t bit;

	(void)state;
	load(secret, point);
	sha256("sample", 6, digest);
	assert_int_equal(p256_sign(secret, digest, sig), 0);
	for (bit = 0; bit < 8 * sizeof(all); bit++) {
		int rc;

		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = crypto_p256_verify(point, digest, sig);
		assert_true(rc == -EKEYREJECTED || rc == -EINVAL);
		if (bit < 8 * P256_POINT_SIZE)
			assert_int_equal(rc, -EINVAL);
		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(crypto_p256_verify(point, digest, sig), 0);
}

static void test_out_of_range(void **state)
{
	uint8_t secret[P256_SECRET_SIZE], point[P256_POINT_SIZE], order[32];
	uint8_t digest[SHA256_SIZE], sig[P256_SIGNATURE_SIZE], bad[P256_SIGNATURE_SIZE];

	(void)state;
	load(secret, point);
	assert_int_equal(hex_decode(order_text, order, sizeof(order)), 0);
	sha256("sample", 6, digest);
	assert_int_equal(p256_sign(secret, digest, sig), 0);
	memset(bad, 0, sizeof(bad));
	assert_int_equal(crypto_p256_verify(point, digest, bad), -EKEYREJECTED);
	memcpy(bad, sig, 32); /* s = 0 */
	assert_int_equal(crypto_p256_verify(point, digest, bad), -EKEYREJECTED);
	memcpy(bad + 32, order, 32);
	assert_int_equal(crypto_p256_verify(point, digest, bad), -EKEYREJECTED);
	memcpy(bad, order, 32);
	memcpy(bad + 32, sig + 32, 32);
	assert_int_equal(crypto_p256_verify(point, digest, bad), -EKEYREJECTED);
	memset(point, 0, sizeof(point));
	assert_int_equal(crypto_p256_verify(point, digest, sig), -EINVAL);
	point[0] = 4;
	assert_int_equal(crypto_p256_verify(point, digest, sig), -EINVAL);

	assert_int_equal(p256_sign(order, digest, sig), -EINVAL);
	assert_int_equal(crypto_p256_public(order, point), -EINVAL);
	memset(secret, 0, sizeof(secret));
	assert_int_equal(p256_sign(secret, digest, sig), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
