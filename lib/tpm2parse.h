// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TPM2PARSE_H
#define CAIRN_TPM2PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * The TPM's structures that attestation reads and makes, TCG TPM 2.0 Library r1.59, Part 2.
 * Integers are big-endian. A parser takes all of its input or refuses it; nothing is allocated,
 * and what points somewhere points into the caller's buffer.
 *
 *   TPMT_PUBLIC (12.2.4)    u16 type | u16 nameAlg | u32 attributes | u16 size, policy
 *     ECC  (0x0023)           u16 symmetric [u16 bits | u16 mode] | u16 scheme [u16 hash]
 *                             | u16 curve | u16 kdf | u16 size, x | u16 size, y
 *     RSA  (0x0001)           u16 symmetric [u16 bits | u16 mode] | u16 scheme
 *                             | u16 bits | u32 exponent | u16 size, modulus
 *   TPMS_ATTEST (10.12.12)  u32 magic | u16 type | u16 size, qualified signer | u16 size, extraData
 *                             | u64 clock | u32 resets | u32 restarts | u8 safe | u64 firmware
 *     QUOTE (0x8018)          u32 1 | u16 hash | u8 3 | u8 select[3] | u16 32 | digest
 *     CERTIFY (0x8017)        u16 size, name | u16 size, qualified name
 *   TPMT_SIGNATURE (11.3.4) u16 ECDSA | u16 SHA-256 | u16 size, r | u16 size, s
 */

#define TPM2_PUBLIC_MAX 512 /* bytes of a TPMT_PUBLIC */
#define TPM2_ATTEST_MAX 256 /* bytes of a TPMS_ATTEST */
#define TPM2_SIGNATURE_MAX 72
#define TPM2_NAME_SIZE (2 + SHA256_SIZE) /* u16 nameAlg = SHA-256 | digest: the only one taken */
#define TPM2_EXTRA_MAX 64

enum {
	TPM2_ID_RSA = 0x0001,
	TPM2_ID_AES = 0x0006,
	TPM2_ID_SHA256 = 0x000b,
	TPM2_ID_NULL = 0x0010,
	TPM2_ID_ECDSA = 0x0018,
	TPM2_ID_ECC = 0x0023,
	TPM2_ID_CFB = 0x0043,
	TPM2_ID_P256 = 0x0003, /* a curve */
};

#define TPM2_MAGIC 0xff544347u /* TPM_GENERATED_VALUE */
#define TPM2_TYPE_CERTIFY 0x8017u
#define TPM2_TYPE_QUOTE 0x8018u
#define TPM2_HANDLE_ENDORSEMENT 0x4000000bu
#define TPM2_HANDLE_OWNER 0x40000001u

/* TPMA_OBJECT, 8.3 */
#define TPM2_FIXED_TPM (1u << 1)
#define TPM2_ST_CLEAR (1u << 2)
#define TPM2_FIXED_PARENT (1u << 4)
#define TPM2_TPM_MADE (1u << 5) /* sensitiveDataOrigin */
#define TPM2_USER_WITH_AUTH (1u << 6)
#define TPM2_ADMIN_WITH_POLICY (1u << 7)
#define TPM2_NO_DA (1u << 10)
#define TPM2_ENCRYPTED_DUPLICATION (1u << 11)
#define TPM2_RESTRICTED (1u << 16)
#define TPM2_DECRYPT (1u << 17)
#define TPM2_SIGN (1u << 18)

struct tpm2_public {
	uint16_t type; /* TPM2_ID_ECC on P-256, or TPM2_ID_RSA */
	uint32_t attributes;
	const uint8_t *policy; /* policy_len bytes: 0 or SHA256_SIZE */
	size_t policy_len;
	uint16_t symmetric;		/* TPM2_ID_NULL, or TPM2_ID_AES: 128 bits, CFB */
	uint16_t scheme;		/* TPM2_ID_NULL, or TPM2_ID_ECDSA with SHA-256 */
	uint8_t point[P256_POINT_SIZE]; /* ECC: 04 | x | y; not checked to be on the curve */
	uint32_t exponent;		/* RSA; 65537 where the TPM says 0 */
	const uint8_t *modulus;		/* RSA: modulus_len bytes */
	size_t modulus_len;
	uint8_t name[TPM2_NAME_SIZE];
};

/* tpm2_public_parse - Errors: -EBADMSG form, -ENOTSUP an algorithm that is not taken here. */
int tpm2_public_parse(const uint8_t *buf, size_t len, struct tpm2_public *ret, struct err *err);

/*
 * What a key must be. Each says why not in err, with -EKEYREJECTED.
 * tpm2_public_is_ak: P-256, ECDSA with SHA-256, restricted, to sign and not to decrypt, fixed to
 * its TPM and made by it: it signs nothing but what the TPM itself says (Part 1, 25.3).
 * tpm2_public_is_identity: the same without restricted. tpm2_public_is_ek: restricted, to decrypt
 * and not to sign, fixed and made by the TPM, AES-128 in CFB.
 */
int tpm2_public_is_ak(const struct tpm2_public *p, struct err *err);
int tpm2_public_is_identity(const struct tpm2_public *p, struct err *err);
int tpm2_public_is_ek(const struct tpm2_public *p, struct err *err);

/*
 * tpm2_public_p256 - the TPMT_PUBLIC of an ECC P-256 key without policy. Returns its length.
 * symmetric and scheme as in struct tpm2_public.
 */
size_t tpm2_public_p256(uint32_t attributes, uint16_t symmetric, uint16_t scheme,
			const uint8_t point[static P256_POINT_SIZE],
			uint8_t ret[static TPM2_PUBLIC_MAX]);

/*
 * tpm2_qualified_name - of an object whose parent has this qualified name; a hierarchy's is its
 * handle (Part 1, 16.3).
 */
void tpm2_qualified_name(const uint8_t *parent, size_t parent_len,
			 const uint8_t name[static TPM2_NAME_SIZE],
			 uint8_t ret[static TPM2_NAME_SIZE]);
/* tpm2_primary_name - of a primary key of the hierarchy. */
void tpm2_primary_name(uint32_t hierarchy, const uint8_t name[static TPM2_NAME_SIZE],
		       uint8_t ret[static TPM2_NAME_SIZE]);

struct tpm2_attest {
	uint32_t magic;
	uint16_t type;
	const uint8_t *signer; /* qualified name, signer_len bytes */
	size_t signer_len;
	const uint8_t *extra; /* qualifying data, extra_len bytes */
	size_t extra_len;
	uint64_t clock_ms;
	uint32_t resets, restarts;
	bool safe; /* no higher clock has been told before */
	uint64_t firmware;
	/* QUOTE */
	uint16_t pcr_hash;	   /* the bank */
	uint32_t pcr_mask;	   /* bit n: PCR n */
	const uint8_t *pcr_digest; /* SHA256_SIZE bytes */
	/* CERTIFY */
	const uint8_t *name;	       /* TPM2_NAME_SIZE bytes */
	const uint8_t *qualified_name; /* TPM2_NAME_SIZE bytes */
};

/*
 * tpm2_attest_parse - any magic is taken, for the caller to judge; of the types, QUOTE over one
 * bank with a digest of SHA-256, and CERTIFY with names of SHA-256; others have no more than their
 * common part read. Errors: -EBADMSG.
 */
int tpm2_attest_parse(const uint8_t *buf, size_t len, struct tpm2_attest *ret, struct err *err);
/* tpm2_attest_format - what tpm2_attest_parse reads. Returns the length; 0: it does not fit. */
size_t tpm2_attest_format(const struct tpm2_attest *a, uint8_t ret[static TPM2_ATTEST_MAX]);

/* tpm2_signature_parse - ECDSA P-256 with SHA-256. Errors: -EBADMSG form, -ENOTSUP another kind. */
int tpm2_signature_parse(const uint8_t *buf, size_t len, uint8_t ret_rs[static P256_SIGNATURE_SIZE],
			 struct err *err);
/* tpm2_signature_format - returns the length: TPM2_SIGNATURE_MAX. */
size_t tpm2_signature_format(const uint8_t rs[static P256_SIGNATURE_SIZE],
			     uint8_t ret[static TPM2_SIGNATURE_MAX]);

#endif
