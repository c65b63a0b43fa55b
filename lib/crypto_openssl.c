// SPDX-License-Identifier: Apache-2.0
/* The low-level SHA256 calls are deprecated in OpenSSL 3 but still use the CPU's instructions
 * and, unlike EVP, need no heap: contexts here are plain values. ECDSA follows suit. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/aes.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct sha256 *)0)->opaque), "sha256 state");

void sha256_init(struct sha256 *h)
{
	(void)SHA256_Init((SHA256_CTX *)(void *)h->opaque);
}

void sha256_update(struct sha256 *h, const void *buf, size_t len)
{
	(void)SHA256_Update((SHA256_CTX *)(void *)h->opaque, buf, len);
}

void sha256_final(struct sha256 *h, uint8_t ret_digest[static SHA256_SIZE])
{
	(void)SHA256_Final(ret_digest, (SHA256_CTX *)(void *)h->opaque);
}

/* An EC_KEY under another name. */
struct p256_key {
	EC_KEY *ec;
};

int crypto_p256_key_new(const uint8_t point[static P256_POINT_SIZE], struct p256_key **ret)
{
	struct p256_key *key = calloc(1, sizeof(*key));
	int rc = -ENOMEM;

	if (key)
		key->ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	if (key && key->ec) {
		if (point[0] == POINT_CONVERSION_UNCOMPRESSED &&
		    EC_KEY_oct2key(key->ec, point, P256_POINT_SIZE, NULL) == 1) {
			*ret = key;
			return 0;
		}
		rc = -EINVAL;
	}
	crypto_p256_key_free(key);
	return rc;
}

void crypto_p256_key_free(struct p256_key *key)
{
	if (key)
		EC_KEY_free(key->ec);
	free(key);
}

int crypto_p256_key_verify(struct p256_key *key, const uint8_t digest[static SHA256_SIZE],
			   const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int rc = -ENOMEM;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL; /* sig's now */
		rc = ECDSA_do_verify(digest, SHA256_SIZE, sig, key->ec) == 1 ? 0 : -EKEYREJECTED;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return rc;
}

int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	struct p256_key *key;
	int rc = crypto_p256_key_new(point, &key);

	if (rc)
		return rc;
	rc = crypto_p256_key_verify(key, digest, signature);
	crypto_p256_key_free(key);
	return rc;
}

/* multiply - secret * point; a NULL point is the generator. */
static int multiply(const uint8_t *secret, const uint8_t *point, uint8_t *ret_point)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *k = BN_bin2bn(secret, P256_SECRET_SIZE, NULL);
	EC_POINT *q = group ? EC_POINT_new(group) : NULL, *r = group ? EC_POINT_new(group) : NULL;
	int rc = -ENOMEM;

	if (!group || !ctx || !k || !q || !r)
		goto out;
	BN_set_flags(k, BN_FLG_CONSTTIME);
	rc = -EINVAL;
	if (BN_is_zero(k) || BN_cmp(k, EC_GROUP_get0_order(group)) >= 0)
		goto out;
	/* That the point is on the curve is checked where it is read. */
	if (point && (point[0] != POINT_CONVERSION_UNCOMPRESSED ||
		      !EC_POINT_oct2point(group, q, point, P256_POINT_SIZE, ctx)))
		goto out;
	rc = -ENOMEM;
	if (EC_POINT_mul(group, r, point ? NULL : k, point ? q : NULL, point ? k : NULL, ctx) &&
	    EC_POINT_point2oct(group, r, POINT_CONVERSION_UNCOMPRESSED, ret_point, P256_POINT_SIZE,
			       ctx) == P256_POINT_SIZE)
		rc = 0;
out:
	EC_POINT_clear_free(r);
	EC_POINT_free(q);
	BN_clear_free(k);
	BN_CTX_free(ctx);
	EC_GROUP_free(group);
	return rc;
}

int crypto_p256_public(const uint8_t secret[static P256_SECRET_SIZE],
		       uint8_t ret_point[static P256_POINT_SIZE])
{
	return multiply(secret, NULL, ret_point);
}

int crypto_p256_ecdh(const uint8_t secret[static P256_SECRET_SIZE],
		     const uint8_t point[static P256_POINT_SIZE], uint8_t ret_x[static 32])
{
	uint8_t shared[P256_POINT_SIZE];
	int rc = multiply(secret, point, shared);

	if (!rc)
		memcpy(ret_x, shared + 1, 32);
	OPENSSL_cleanse(shared, sizeof(shared));
	return rc;
}

static void cfb(const uint8_t *key, const uint8_t *iv, uint8_t *buf, size_t len, int way)
{
	uint8_t block[AES128_SIZE];
	AES_KEY k;
	int n = 0;

	memcpy(block, iv, sizeof(block));
	/* Fails for no key of 128 bits. CFB takes the cipher's forward way in both directions. */
	(void)AES_set_encrypt_key(key, 8 * AES128_SIZE, &k);
	AES_cfb128_encrypt(buf, buf, len, &k, block, &n, way);
	OPENSSL_cleanse(&k, sizeof(k));
}

void crypto_aes128_cfb_encrypt(const uint8_t key[static AES128_SIZE],
			       const uint8_t iv[static AES128_SIZE], uint8_t *buf, size_t len)
{
	cfb(key, iv, buf, len, AES_ENCRYPT);
}

void crypto_aes128_cfb_decrypt(const uint8_t key[static AES128_SIZE],
			       const uint8_t iv[static AES128_SIZE], uint8_t *buf, size_t len)
{
	cfb(key, iv, buf, len, AES_DECRYPT);
}

int crypto_rsa_public(const uint8_t *modulus, size_t size, uint32_t exponent, const uint8_t *in,
		      uint8_t *ret_out)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = NULL, *e = BN_new(), *m = NULL, *c = BN_new();
	int rc = -EINVAL;

	if (size < RSA_SIZE_MIN || size > RSA_SIZE_MAX || exponent < 3 || exponent % 2 == 0)
		goto out;
	n = BN_bin2bn(modulus, (int)size, NULL);
	m = BN_bin2bn(in, (int)size, NULL);
	rc = -ENOMEM;
	if (!ctx || !n || !e || !m || !c || !BN_set_word(e, exponent))
		goto out;
	rc = -EINVAL;
	if (!(modulus[0] & 0x80) || !BN_is_odd(n) || BN_cmp(m, n) >= 0)
		goto out;
	rc = BN_mod_exp_mont(c, m, e, n, ctx, NULL) &&
			     BN_bn2binpad(c, ret_out, (int)size) == (int)size
		     ? 0
		     : -ENOMEM;
out:
	BN_free(c);
	BN_clear_free(m);
	BN_free(e);
	BN_free(n);
	BN_CTX_free(ctx);
	return rc;
}
