// SPDX-License-Identifier: Apache-2.0
/* The low-level SHA256 calls are deprecated in OpenSSL 3 but still use the CPU's instructions
 * and, unlike EVP, need no heap: contexts here are plain values. ECDSA follows suit. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto.h"

#include <errno.h>

#include <openssl/bn.h>
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

int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int rc = -ENOMEM;

	if (!key || !sig || !r || !s || !ECDSA_SIG_set0(sig, r, s))
		goto out;
	r = s = NULL; /* sig's now */
	rc = -EINVAL;
	if (point[0] == POINT_CONVERSION_UNCOMPRESSED &&
	    EC_KEY_oct2key(key, point, P256_POINT_SIZE, NULL) == 1)
		rc = ECDSA_do_verify(digest, SHA256_SIZE, sig, key) == 1 ? 0 : -EKEYREJECTED;
out:
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	EC_KEY_free(key);
	return rc;
}
