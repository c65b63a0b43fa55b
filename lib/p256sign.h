// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_P256SIGN_H
#define CAIRN_P256SIGN_H

#include <stdint.h>

#include "crypto.h"

/*
 * Signing, on hosts only: a device signs nothing with keys of this kind. ECDSA over P-256 with
 * the nonce of RFC 6979 (SHA-256), so that the same document and key give the same bytes. The
 * public key of a secret one: crypto_p256_public.
 */

/*
 * p256_sign - sign a SHA-256 digest.
 * Errors: -EINVAL the secret is out of range, -ENOMEM.
 */
int p256_sign(const uint8_t secret[static P256_SECRET_SIZE],
	      const uint8_t digest[static SHA256_SIZE],
	      uint8_t ret_signature[static P256_SIGNATURE_SIZE]);

#endif
