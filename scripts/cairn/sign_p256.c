// SPDX-License-Identifier: Apache-2.0
#include "sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "cmd.h"
#include "io.h"
#include "signed.h"

enum { KEY_FILE_MAX = 65536 };

static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static EVP_PKEY *read_pem(const void *pem, size_t len, int private_too)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key;

	if (!bio)
		return NULL;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!key && !private_too && BIO_reset(bio) == 1)
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	return key;
}

/* The curve by name; then the numbers. */
static int take(EVP_PKEY *key, int private_too, struct p256_key *ret)
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

int p256_key_load(const char *path, int private_too, struct p256_key *ret, struct err *err)
{
	uint8_t *pem _cleanup_free_ = NULL;
	const char *release = getenv("RELEASE");
	EVP_PKEY *key;
	size_t len;
	int rc = cmd_load(path, KEY_FILE_MAX, 1, &pem, &len, err);

	if (rc)
		return rc;
	if (release && *release && strstr((char *)pem, "INSECURE")) {
		OPENSSL_cleanse(pem, len);
		return err_set(err, CMD_REFUSED, "%s: RELEASE=1 refuses an insecure key", path);
	}
	key = read_pem(pem, len, private_too);
	OPENSSL_cleanse(pem, len);
	if (!key)
		return err_set(err, -EINVAL, "%s: no %skey in PEM without a pass phrase", path,
			       private_too ? "private " : "");
	rc = take(key, private_too, ret);
	EVP_PKEY_free(key);
	return rc ? err_set(err, rc, "%s: not a key of P-256 (prime256v1), uncompressed", path) : 0;
}
