// SPDX-License-Identifier: Apache-2.0
/* Credentials: what tpm2-tools made is read, what is made here is read as a TPM reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "bytes.h"
#include "credential.h"
#include "hex.h"
#include "io.h"
#include "tests/attest/kit.h"

static struct kit kit;
static uint8_t buf[4096], name[TPM2_NAME_SIZE];
static size_t len;
static struct credential_random rnd;

static int setup(void **state)
{
	(void)state;
	be16_store(name, TPM2_ID_SHA256);
	memset(name + 2, 0x5c, SHA256_SIZE);
	memset(&rnd, 0x33, sizeof(rnd));
	return kit_init(&kit);
}

static int teardown(void **state)
{
	(void)state;
	kit_release(&kit);
	return 0;
}

/* The seed as a TPM gets it: ECDH with the EK's secret (Part 1, C.6.4). */
static int ecc_seed(const struct credential *c, uint8_t seed[static SHA256_SIZE])
{
	uint8_t point[P256_POINT_SIZE] = { 4 }, z[32];

	if (c->seed_len != 68 || be16_load(c->seed) != 32 || be16_load(c->seed + 34) != 32)
		return -EINVAL;
	memcpy(point + 1, c->seed + 2, 32);
	memcpy(point + 33, c->seed + 36, 32);
	if (crypto_p256_ecdh(kit.ek_secret, point, z))
		return -EINVAL;
	credential_kdfe(z, "IDENTITY", point + 1, kit.machine.ek_public.point + 1, seed);
	return 0;
}

static void test_tpm2_tools(void **state)
{
	uint8_t seed[SHA256_SIZE], secret[CREDENTIAL_SECRET_MAX];
	struct credential c;
	size_t n, i;

	(void)state;
	assert_int_equal(io_read_file("tests/data/attest/makecredential", buf, sizeof(buf), &len),
			 0);
	assert_int_equal(credential_parse(buf, len, &c, NULL), 0);
	assert_int_equal(ecc_seed(&c, seed), 0);
	assert_int_equal(credential_open(&c, seed, name, secret, &n), 0);
	assert_int_equal(n, 20);
	for (i = 0; i < n; i++)
		assert_int_equal(secret[i], i + 1);
	name[7] ^= 1;
	assert_int_equal(credential_open(&c, seed, name, secret, &n), -EKEYREJECTED);
	name[7] ^= 1;
}

static void test_ecc(void **state)
{
	static const uint8_t secret[] = "thirty-two bytes of some secret";
	uint8_t seed[SHA256_SIZE], got[CREDENTIAL_SECRET_MAX], file[CREDENTIAL_MAX];
	struct credential c;
	size_t n, bit;

	(void)state;
	assert_int_equal(sizeof(secret), 32);
	for (n = 1; n <= sizeof(secret); n++) {
		size_t got_len;

		assert_int_equal(credential_make(&kit.machine.ek_public, name, secret, n, &rnd,
						 file, &len, NULL),
				 0);
		assert_int_equal(credential_parse(file, len, &c, NULL), 0);
		assert_int_equal(ecc_seed(&c, seed), 0);
		assert_int_equal(credential_open(&c, seed, name, got, &got_len), 0);
		assert_int_equal(got_len, n);
		assert_memory_equal(got, secret, n);
	}
	/* No bit of it may change. */
	for (bit = 0; bit < 8 * len; bit++) {
		file[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (credential_parse(file, len, &c, NULL) == 0 && ecc_seed(&c, seed) == 0 &&
		    credential_open(&c, seed, name, got, &n) != -EKEYREJECTED)
			fail_msg("bit %zu", bit);
		file[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The development keys' RSA key as an EK: its secret part is known. */
static void test_rsa(void **state)
{
	static const uint8_t secret[] = { 9, 8, 7 };
	struct tpm2_public ek = kit.machine.ek_public;
	uint8_t modulus[256], seed[256], got[CREDENTIAL_SECRET_MAX], file[CREDENTIAL_MAX];
	FILE *f = fopen("conf/keys/dev/db.key", "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t seed_len = sizeof(seed), n;
	struct credential c;
	BIGNUM *modulus_bn = NULL;

	(void)state;
	assert_non_null(ctx);
	(void)fclose(f);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &modulus_bn), 1);
	assert_int_equal(BN_bn2binpad(modulus_bn, modulus, sizeof(modulus)), sizeof(modulus));
	ek.type = TPM2_ID_RSA;
	ek.exponent = 65537;
	ek.modulus = modulus;
	ek.modulus_len = sizeof(modulus);
	assert_int_equal(credential_make(&ek, name, secret, sizeof(secret), &rnd, file, &len, NULL),
			 0);
	assert_int_equal(credential_parse(file, len, &c, NULL), 0);
	assert_int_equal(c.seed_len, 256);
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0);
	assert_true(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup("IDENTITY", 9), 9) > 0);
	assert_int_equal(EVP_PKEY_decrypt(ctx, seed, &seed_len, c.seed, c.seed_len), 1);
	assert_int_equal(seed_len, SHA256_SIZE);
	assert_int_equal(credential_open(&c, seed, name, got, &n), 0);
	assert_int_equal(n, sizeof(secret));
	assert_memory_equal(got, secret, n);
	BN_free(modulus_bn);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void test_refused(void **state)
{
	uint8_t file[CREDENTIAL_MAX], secret[CREDENTIAL_SECRET_MAX + 1] = { 0 };
	struct tpm2_public ek = kit.machine.ek_public;
	struct credential c;
	size_t cut;

	(void)state;
	assert_int_equal(credential_make(&ek, name, secret, 0, &rnd, file, &len, NULL), -EINVAL);
	assert_int_equal(credential_make(&ek, name, secret, sizeof(secret), &rnd, file, &len, NULL),
			 -EINVAL);
	assert_int_equal(
		credential_make(&kit.machine.ak_public, name, secret, 5, &rnd, file, &len, NULL),
		-EKEYREJECTED);
	ek.point[64] ^= 1;
	assert_int_equal(credential_make(&ek, name, secret, 5, &rnd, file, &len, NULL), -EINVAL);
	ek.point[64] ^= 1;
	assert_int_equal(credential_make(&ek, name, secret, 5, &rnd, file, &len, NULL), 0);
	for (cut = 0; cut < len; cut++) {
		uint8_t *p = malloc(cut ? cut : 1);

		assert_non_null(p);
		memcpy(p, file, cut);
		assert_int_equal(credential_parse(p, cut, &c, NULL), -EBADMSG);
		free(p);
	}
	assert_int_equal(credential_parse(file, len + 1, &c, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tpm2_tools),
		cmocka_unit_test(test_ecc),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
