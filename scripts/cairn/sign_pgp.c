// SPDX-License-Identifier: Apache-2.0
#include "sign.h"

#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "bytes.h"

enum {
	/* Part of an OpenPGP key's identity, so one fixed value: 2024-01-01T00:00:00Z. */
	KEY_CREATED = 1704067200,
	FINGERPRINT_BYTES = 20,
};

static int failed(struct err *err, const char *what)
{
	return err_set(err, -EIO, "libcrypto could not %s", what);
}

/* A context for RSA PKCS #1 v1.5 over a SHA-256 digest. */
static EVP_PKEY_CTX *new_context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx && init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

int sign_pgp_key(EVP_PKEY *key, uint8_t ret_buf[static PGP_KEY_MAX], size_t *ret_len,
		 uint8_t *ret_keyid, struct err *err)
{
	BIGNUM *n = NULL, *e = NULL;
	uint8_t n_bytes[PGP_RSA_BYTES_MAX], e_bytes[8], prefix[3] = { 0x99 };
	uint8_t hashed[sizeof(prefix) + PGP_KEY_MAX], fingerprint[FINGERPRINT_BYTES];
	size_t len = 0, body = 0, body_len;
	EVP_PKEY *public = sign_public(key);
	int ok, rc = -EIO;

	ok = public && EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_N, &n) &&
	     EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_E, &e) &&
	     BN_bn2binpad(n, n_bytes, sizeof(n_bytes)) > 0 &&
	     BN_bn2binpad(e, e_bytes, sizeof(e_bytes)) > 0;
	if (ok)
		rc = pgp_key_write(KEY_CREATED, n_bytes, sizeof(n_bytes), e_bytes, sizeof(e_bytes),
				   ret_buf, &len, &body);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_free(public);
	if (rc)
		return failed(err, "give the numbers of the key");
	body_len = len - body;
	be16_store(prefix + 1, (uint16_t)body_len);
	memcpy(hashed, prefix, sizeof(prefix));
	memcpy(hashed + sizeof(prefix), ret_buf + body, body_len);
	if (!EVP_Digest(hashed, sizeof(prefix) + body_len, fingerprint, NULL, EVP_sha1(), NULL))
		return failed(err, "compute SHA-1");
	if (ret_keyid)
		memcpy(ret_keyid, fingerprint + FINGERPRINT_BYTES - PGP_KEYID_BYTES,
		       PGP_KEYID_BYTES);
	*ret_len = len;
	return 0;
}

int sign_pgp(struct sha256 *content, EVP_PKEY *key, uint32_t time,
	     uint8_t ret_buf[static PGP_SIG_MAX], size_t *ret_len, struct err *err)
{
	uint8_t digest[SHA256_SIZE], rsa[PGP_RSA_BYTES_MAX], packet[PGP_KEY_MAX];
	uint8_t keyid[PGP_KEYID_BYTES];
	size_t rsa_len = sizeof(rsa), packet_len;
	EVP_PKEY_CTX *ctx;
	int ok, rc = sign_pgp_key(key, packet, &packet_len, keyid, err);

	if (rc)
		return rc;
	pgp_digest(content, time, digest);
	ctx = new_context(key, EVP_PKEY_sign_init);
	ok = ctx && EVP_PKEY_sign(ctx, rsa, &rsa_len, digest, sizeof(digest)) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok || pgp_sig_write(time, keyid, digest, rsa, rsa_len, ret_buf, ret_len))
		return failed(err, "make the RSA signature");
	return 0;
}

int sign_pgp_check(struct sha256 *content, const uint8_t *sig, size_t sig_len, EVP_PKEY *key,
		   struct err *err)
{
	uint8_t digest[SHA256_SIZE], packet[PGP_KEY_MAX], keyid[PGP_KEYID_BYTES];
	uint8_t rsa[PGP_RSA_BYTES_MAX] = { 0 };
	size_t packet_len, size = (size_t)EVP_PKEY_get_size(key);
	struct pgp_sig parsed;
	EVP_PKEY_CTX *ctx;
	int ok, rc = sign_pgp_key(key, packet, &packet_len, keyid, err);

	if (rc)
		return rc;
	if (pgp_sig_parse(sig, sig_len, &parsed))
		return err_set(err, -EBADMSG, "no OpenPGP signature of the form GRUB is given");
	if (memcmp(parsed.keyid, keyid, sizeof(keyid)) != 0)
		return err_set(err, -EKEYREJECTED, "the signature is by another key");
	pgp_digest(content, parsed.created, digest);
	if (parsed.rsa_len > size)
		return err_set(err, -EKEYREJECTED, "the signature is longer than the key");
	memcpy(rsa + size - parsed.rsa_len, parsed.rsa, parsed.rsa_len);
	ctx = new_context(key, EVP_PKEY_verify_init);
	ok = ctx && memcmp(parsed.left16, digest, 2) == 0 &&
	     EVP_PKEY_verify(ctx, rsa, size, digest, sizeof(digest)) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : err_set(err, -EKEYREJECTED, "the signature is for other content or forged");
}
