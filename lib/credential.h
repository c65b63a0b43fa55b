// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CREDENTIAL_H
#define CAIRN_CREDENTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "tpm2parse.h"

/*
 * Credentials: a secret that only the TPM with this endorsement key can read, and only while it
 * holds the key with this name. MakeCredential without a TPM: TCG TPM 2.0 Library r1.59, Part 1,
 * 24 and B.10.4 (RSA), C.6.4 (ECC).
 *
 * The file form is that of tpm2-tools (tpm2_makecredential, tpm2_activatecredential), big-endian:
 *
 *     u32 0xbadcc0de | u32 version = 1
 *     u16 size | TPMS_ID_OBJECT: u16 32, HMAC | encrypted (u16 size, secret)
 *     u16 size | encrypted seed: RSA-OAEP, or the TPMS_ECC_POINT of an ephemeral key
 */

#define CREDENTIAL_MAX 640
#define CREDENTIAL_SECRET_MAX 32

/* The random numbers of one credential: for an EK of ECC ephemeral is used, for RSA seed. */
struct credential_random {
	uint8_t ephemeral[P256_SECRET_SIZE]; /* 1 to the order - 1 */
	uint8_t seed[SHA256_SIZE];
	uint8_t oaep[SHA256_SIZE];
};

/*
 * credential_make - for the key with this name in the TPM with this EK. The caller wipes random.
 * Errors: -EKEYREJECTED ek is no endorsement key (tpm2_public_is_ek), -EINVAL its point or modulus
 * is none, or the secret is longer than CREDENTIAL_SECRET_MAX or empty; -ENOMEM.
 */
int credential_make(const struct tpm2_public *ek, const uint8_t name[static TPM2_NAME_SIZE],
		    const uint8_t *secret, size_t secret_len,
		    const struct credential_random *random, uint8_t ret[static CREDENTIAL_MAX],
		    size_t *ret_len, struct err *err);

/* A credential taken apart; points into the caller's buffer. */
struct credential {
	const uint8_t *object; /* TPMS_ID_OBJECT */
	size_t object_len;     /* 36 to 68 */
	const uint8_t *seed;   /* encrypted */
	size_t seed_len;
};

/* credential_parse - form only. Errors: -EBADMSG. */
int credential_parse(const uint8_t *buf, size_t len, struct credential *ret, struct err *err);

/*
 * credential_open - with the seed that the EK's secret key gives: what a TPM does then, for tests.
 * Errors: -EKEYREJECTED the HMAC does not hold.
 */
int credential_open(const struct credential *c, const uint8_t seed[static SHA256_SIZE],
		    const uint8_t name[static TPM2_NAME_SIZE],
		    uint8_t ret_secret[static CREDENTIAL_SECRET_MAX], size_t *ret_len);

/*
 * credential_kdfa - KDFa with SHA-256, up to 32 bytes (Part 1, 11.4.10.2): in counter mode over
 * HMAC. label without its NUL. context may be NULL with 0.
 */
void credential_kdfa(const uint8_t *key, size_t key_len, const char *label, const void *context,
		     size_t context_len, uint8_t *ret, size_t len);
/* credential_kdfe - KDFe with SHA-256, 32 bytes (Part 1, 11.4.10.3): z and both x coordinates. */
void credential_kdfe(const uint8_t z[static 32], const char *label, const uint8_t u[static 32],
		     const uint8_t v[static 32], uint8_t ret[static SHA256_SIZE]);

#endif
