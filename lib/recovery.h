// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_RECOVERY_H
#define CAIRN_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "keyhead.h"

/*
 * The recovery slot of a key header: the volume key, encrypted to the owner's recovery key, whose
 * secret half no machine has. ECIES with XOR encryption (SEC 1 v2.0, 5.1) over P-256; the key
 * derivation is HKDF-SHA256 (RFC 5869), salt: the volume id, info: "cairn recovery 1" and both
 * points.
 *
 *   u8 version, 1 | u8 SHA-256 of the recovery point[32] | u8 ephemeral point[65]
 *   | u8 encrypted volume key[n] | u8 HMAC-SHA256 of all before and the volume id[32]
 */
#define RECOVERY_HEAD_BYTES (1 + SHA256_SIZE + P256_POINT_SIZE)
#define RECOVERY_TEXT_MAX 256 /* bytes of a file that holds a recovery point */

/* recovery_point - the point in /etc/cairn/recovery: 130 hex digits and a newline. -EBADMSG. */
int recovery_point(const char *text, size_t len, uint8_t ret_point[static P256_POINT_SIZE]);

/*
 * recovery_seal - a slot for this key. ephemeral: 32 fresh random bytes; where they are no secret
 * of the curve (once in 2^32), -EAGAIN. Other errors: -EINVAL the point or key_bytes, -ENOMEM.
 */
int recovery_seal(const uint8_t point[static P256_POINT_SIZE],
		  const uint8_t id[static KEYHEAD_ID_BYTES], const uint8_t *key, uint32_t key_bytes,
		  const uint8_t ephemeral[static P256_SECRET_SIZE],
		  uint8_t ret_slot[static KEYHEAD_RECOVERY_MAX], uint32_t *ret_len);

/* recovery_is_for - is the header's recovery slot for this key? */
bool recovery_is_for(const struct keyhead *h, const uint8_t point[static P256_POINT_SIZE]);

/*
 * recovery_open - the volume key of a header, with the owner's secret. *ret_key holds
 * h->key_bytes; the caller wipes it.
 * Errors: -ENOENT the header has no recovery slot, -ENOKEY it is for another key, -EBADMSG form,
 * -EKEYREJECTED it was changed, or the header has another volume's id.
 */
int recovery_open(const uint8_t secret[static P256_SECRET_SIZE], const struct keyhead *h,
		  uint8_t ret_key[static KEYHEAD_KEY_MAX], struct err *err);

#endif
