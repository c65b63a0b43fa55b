// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_P256SIGN_H
#define CAIRN_P256SIGN_H

#include <stdint.h>

#include "crypto.h"

/*
 * Signing, on hosts only: a device signs nothing with keys of this kind. ECDSA over P-256 with
 * the nonce of RFC 6979 (SHA-256), so that the same document and key give the same bytes.
 */

#define P256_SECRET_SIZE 32 /* big-endian, 1 to the group's order - 1 */

/*
 * p256_public - the public key of a secret one.
 * Errors: -EINVAL the secret is out of range, -ENOMEM.
 */
int p256_public(const uint8_t secret[static P256_SECRET_SIZE],
		uint8_t ret_point[static P256_POINT_SIZE]);

/*
 * p256_sign - sign a SHA-256 digest.
 * Errors: -EINVAL the secret is out of range, -ENOMEM.
 */
int p256_sign(const uint8_t secret[static P256_SECRET_SIZE],
	      const uint8_t digest[static SHA256_SIZE],
	      uint8_t ret_signature[static P256_SIGNATURE_SIZE]);

#endif
