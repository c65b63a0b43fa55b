// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CRYPTO_H
#define CAIRN_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

/*
 * The few primitives that lib/ needs, with two backends: mbedTLS on the device for its size,
 * OpenSSL's libcrypto on hosts for its speed. Neither allocates a context the caller must free.
 */

#define SHA256_SIZE 32

/* State of one SHA-256 computation (FIPS 180-4). Owned by the caller; may be copied. */
struct sha256 {
	_Alignas(16) uint8_t opaque[128];
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *buf, size_t len);
/* sha256_final - the digest; h must be initialised again before it is used again. */
void sha256_final(struct sha256 *h, uint8_t ret_digest[static SHA256_SIZE]);
/* sha256 - the digest of one buffer. */
void sha256(const void *buf, size_t len, uint8_t ret_digest[static SHA256_SIZE]);

#define P256_POINT_SIZE 65     /* 04 | x | y, SEC 1 2.3.3, uncompressed */
#define P256_SIGNATURE_SIZE 64 /* r | s, big-endian */

/*
 * crypto_p256_verify - does the signature of this digest hold under this public key?
 * ECDSA, FIPS 186-5 6.4.2, over NIST P-256.
 * Errors: -EINVAL the point is none of the curve, -EKEYREJECTED it does not hold, -ENOMEM.
 */
int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE]);

#endif
