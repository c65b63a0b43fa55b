// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SIGN_H
#define CAIRN_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto.h"
#include "err.h"
#include "p256sign.h"
#include "pgp.h"

/* Signing with libcrypto. Everything is deterministic: RSA PKCS #1 v1.5, times from outside. */

/*
 * sign_key_open - any key from a file: PEM without a pass phrase (of a public one, also the one in
 * a certificate), or the URI of one in a token (pkcs11.h; *ret_token is then 1). A key of
 * conf/keys/dev, under whatever name, is refused where the environment has RELEASE.
 * The caller frees *ret with EVP_PKEY_free. Errors: CMD_REFUSED that, -EINVAL no key, of the token.
 */
int sign_key_open(const char *path, int private_too, EVP_PKEY **ret, int *ret_token,
		  struct err *err);

/* sign_key_id - SHA-256 of its SubjectPublicKeyInfo. */
int sign_key_id(EVP_PKEY *key, uint8_t ret_id[static SHA256_SIZE]);
/* sign_key_insecure - is it a key that everybody has (devkeys.h)? */
int sign_key_insecure(EVP_PKEY *key);
/* sign_public - a copy of the public part, in libcrypto wherever the private part is; or NULL. */
EVP_PKEY *sign_public(EVP_PKEY *key);

/* sign_load_key - sign_key_open for RSA of 2048 to 4096 bits.
 * The caller frees *ret with EVP_PKEY_free. */
int sign_load_key(const char *path, int private_too, EVP_PKEY **ret, struct err *err);

/* sign_load_cert - an X.509 certificate from PEM; the caller frees *ret with X509_free. */
int sign_load_cert(const char *path, X509 **ret, struct err *err);

/*
 * sign_authenticode - PKCS #7 data for a PE image with this Authenticode hash: one signer, its
 * certificate, the given signing time. *ret is freed with OPENSSL_free.
 * Errors: -EINVAL certificate and key do not belong together, -EIO libcrypto.
 */
int sign_authenticode(const uint8_t digest[static SHA256_SIZE], EVP_PKEY *key, X509 *cert,
		      uint64_t time, uint8_t **ret, size_t *ret_len, struct err *err);

/*
 * sign_authenticode_check - is this PKCS #7 data a whole signature by its own certificate over an
 * image with this hash? Says nothing about who the certificate belongs to.
 * Errors: -EBADMSG no such signature, -EKEYREJECTED another image's or a forged one.
 */
int sign_authenticode_check(const uint8_t *pkcs7, size_t len,
			    const uint8_t digest[static SHA256_SIZE], struct err *err);

/* sign_pgp - a detached OpenPGP signature. */
int sign_pgp(struct sha256 *content, EVP_PKEY *key, uint32_t time,
	     uint8_t ret_buf[static PGP_SIG_MAX], size_t *ret_len, struct err *err);

/* sign_pgp_key - the OpenPGP public key packet of a key; ret_keyid may be NULL. */
int sign_pgp_key(EVP_PKEY *key, uint8_t ret_buf[static PGP_KEY_MAX], size_t *ret_len,
		 uint8_t *ret_keyid, struct err *err);

/*
 * sign_pgp_check - is sig a signature of the content by the key?
 * Errors: -EBADMSG of another form, -EKEYREJECTED by another key or of other content.
 */
int sign_pgp_check(struct sha256 *content, const uint8_t *sig, size_t sig_len, EVP_PKEY *key,
		   struct err *err);

/* A key that signs trust, channels or bundles. */
struct sign_key {
	uint8_t secret[P256_SECRET_SIZE]; /* only where it was asked for, and not in a token */
	uint8_t point[P256_POINT_SIZE];
	uint8_t id[SHA256_SIZE];
	EVP_PKEY *token; /* the key in a token, open until the program ends; or NULL */
};

/*
 * sign_key_load - a P-256 key from PEM or a token: private_too, or the public part of a private or
 * public one. Errors: as sign_key_open; -EINVAL no such key.
 */
int sign_key_load(const char *path, int private_too, struct sign_key *ret, struct err *err);

/* sign_p256 - sign a digest. From PEM: same digest, same bytes. Errors: -EIO the token. */
int sign_p256(const struct sign_key *key, const uint8_t digest[static SHA256_SIZE],
	      uint8_t ret_rs[static P256_SIGNATURE_SIZE]);

#endif
