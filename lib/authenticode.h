// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AUTHENTICODE_H
#define CAIRN_AUTHENTICODE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * Would firmware with this db and dbx start this image? (UEFI 2.10, 32.5.3.3; PKCS #7 as in
 * "Windows Authenticode Portable Executable Signature Format", 1.0.) Stricter than firmware, never
 * laxer: RSA with SHA-256 only, signed attributes must be there, and the signer's own certificate
 * must stand in db; a chain to an issuer in db does not count.
 *
 *     ContentInfo { signedData, SignedData { version, algorithms,
 *         { SPC_INDIRECT_DATA, SpcIndirectDataContent { ..., { SHA-256, image hash } } },
 *         certificates, signer { version, issuer and serial, algorithm, [0] attributes {
 *         contentType, messageDigest, ... }, algorithm, signature } } }
 */

#define AUTHENTICODE_SIGNATURES_MAX 4 /* certificates in the table; more are not looked at */

/* The content of db and dbx, lib/efiauth.h. */
struct authenticode_keys {
	const uint8_t *db, *dbx;
	size_t db_len, dbx_len;
};

/*
 * authenticode_check - ret_digest, the image's Authenticode hash, is set wherever the image could
 * be parsed. Errors: -EINVAL no PE image, -EKEYREJECTED not signed by db or in dbx, -EBADMSG db or
 * dbx is malformed; the sentence says why.
 */
int authenticode_check(const uint8_t *image, size_t len, const struct authenticode_keys *keys,
		       uint8_t ret_digest[static SHA256_SIZE], struct err *err);

/* A signature taken apart; pointers into the caller's buffer. */
struct authenticode {
	uint8_t digest[SHA256_SIZE]; /* that it says the image has */
	const uint8_t *cert;	     /* the signer's certificate */
	size_t cert_len;
};

/*
 * authenticode_verify - is this PKCS #7 data a whole signature by the certificate in it?
 * Errors: -EBADMSG of another form, -EKEYREJECTED forged.
 */
int authenticode_verify(const uint8_t *pkcs7, size_t len, struct authenticode *ret,
			struct err *err);

#endif
