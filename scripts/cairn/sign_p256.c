// SPDX-License-Identifier: Apache-2.0
#include "sign.h"

#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "signed.h"

/* The curve by name; then the numbers. */
static int take(EVP_PKEY *key, int private_too, struct sign_key *ret)
{
	char curve[32];
	size_t len;
	BIGNUM *secret = NULL;
	int rc = -EINVAL;

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve),
					   &len) != 1 ||
	    strcmp(curve, "prime256v1") != 0)
		return -EINVAL;
	if (!private_too) {
		uint8_t point[P256_POINT_SIZE];

		if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
						    sizeof(point), &len) != 1 ||
		    len != sizeof(point) || point[0] != POINT_CONVERSION_UNCOMPRESSED)
			return -EINVAL;
		memcpy(ret->point, point, sizeof(point));
		memset(ret->secret, 0, sizeof(ret->secret));
	} else {
		if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &secret) == 1 &&
		    BN_bn2binpad(secret, ret->secret, sizeof(ret->secret)) ==
			    (int)sizeof(ret->secret))
			rc = crypto_p256_public(ret->secret, ret->point);
		BN_clear_free(secret);
		if (rc)
			return rc;
	}
	signed_key_id(ret->point, ret->id);
	return 0;
}

int sign_key_load(const char *path, int private_too, struct sign_key *ret, struct err *err)
{
	EVP_PKEY *key = NULL, *public;
	int token, rc = sign_key_open(path, private_too, &key, &token, err);

	if (rc)
		return rc;
	public = sign_public(key);
	ret->token = NULL;
	rc = public ? take(token ? public : key, private_too && !token, ret) : -EINVAL;
	EVP_PKEY_free(public);
	if (!rc && token && private_too)
		ret->token = key;
	else
		EVP_PKEY_free(key);
	return rc ? err_set(err, rc, "%s: not a key of P-256 (prime256v1), uncompressed", path) : 0;
}

/* ECDSA in the token: DER, to r | s. */
static int sign_with_token(EVP_PKEY *token, const uint8_t digest[static SHA256_SIZE],
			   uint8_t ret_rs[static P256_SIGNATURE_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(token, NULL);
	uint8_t der[128];
	const uint8_t *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig = NULL;
	int rc = -EIO;

	if (ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_sign(ctx, der, &len, digest, SHA256_SIZE) == 1)
		sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_rs, 32) == 32 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_rs + 32, 32) == 32)
		rc = 0;
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

int sign_p256(const struct sign_key *key, const uint8_t digest[static SHA256_SIZE],
	      uint8_t ret_rs[static P256_SIGNATURE_SIZE])
{
	return key->token ? sign_with_token(key->token, digest, ret_rs)
			  : p256_sign(key->secret, digest, ret_rs);
}
