// SPDX-License-Identifier: Apache-2.0
#include "recovery.h"

#include <errno.h>
#include <string.h>

#include "hex.h"

#define VERSION 1
#define HEX_DIGITS (2 * P256_POINT_SIZE)

_Static_assert(RECOVERY_HEAD_BYTES + KEYHEAD_KEY_MAX + SHA256_SIZE <= KEYHEAD_RECOVERY_MAX,
	       "the longest slot fits");

/* What encrypts and what signs, for one pair of points. */
struct keys {
	uint8_t stream[KEYHEAD_KEY_MAX];
	uint8_t mac[SHA256_SIZE];
};

int recovery_point(const char *text, size_t len, uint8_t ret_point[static P256_POINT_SIZE])
{
	char digits[HEX_DIGITS + 1];

	if (len != HEX_DIGITS + 1 || text[HEX_DIGITS] != '\n')
		return -EBADMSG;
	memcpy(digits, text, HEX_DIGITS);
	digits[HEX_DIGITS] = '\0';
	return hex_decode(digits, ret_point, P256_POINT_SIZE) || ret_point[0] != 4 ? -EBADMSG : 0;
}

/* derive - HKDF: extract, then as many blocks as struct keys has. */
static void derive(const uint8_t x[static 32], const uint8_t id[static KEYHEAD_ID_BYTES],
		   const uint8_t *ephemeral, const uint8_t *recovery, struct keys *ret)
{
	static const char info[] = "cairn recovery 1";
	uint8_t prk[SHA256_SIZE], block[SHA256_SIZE], out[sizeof(*ret)];
	struct hmac h;
	uint8_t n;

	_Static_assert(sizeof(out) % SHA256_SIZE == 0, "whole blocks");
	hmac_init(&h, id, KEYHEAD_ID_BYTES);
	hmac_update(&h, x, 32);
	hmac_final(&h, prk);
	for (n = 1; n <= sizeof(out) / SHA256_SIZE; n++) {
		hmac_init(&h, prk, sizeof(prk));
		if (n > 1)
			hmac_update(&h, block, sizeof(block));
		hmac_update(&h, info, sizeof(info) - 1);
		hmac_update(&h, ephemeral, P256_POINT_SIZE);
		hmac_update(&h, recovery, P256_POINT_SIZE);
		hmac_update(&h, &n, 1);
		hmac_final(&h, block);
		memcpy(out + (size_t)(n - 1) * SHA256_SIZE, block, SHA256_SIZE);
	}
	memcpy(ret->stream, out, sizeof(ret->stream));
	memcpy(ret->mac, out + sizeof(ret->stream), sizeof(ret->mac));
	crypto_wipe(prk, sizeof(prk));
	crypto_wipe(block, sizeof(block));
	crypto_wipe(out, sizeof(out));
	crypto_wipe(&h, sizeof(h));
}

static void sum(const struct keys *k, const uint8_t *slot, size_t len, const uint8_t *id,
		uint8_t ret_mac[static SHA256_SIZE])
{
	struct hmac h;

	hmac_init(&h, k->mac, sizeof(k->mac));
	hmac_update(&h, slot, len);
	hmac_update(&h, id, KEYHEAD_ID_BYTES);
	hmac_final(&h, ret_mac);
	crypto_wipe(&h, sizeof(h));
}

int recovery_seal(const uint8_t point[static P256_POINT_SIZE],
		  const uint8_t id[static KEYHEAD_ID_BYTES], const uint8_t *key, uint32_t key_bytes,
		  const uint8_t ephemeral[static P256_SECRET_SIZE],
		  uint8_t ret_slot[static KEYHEAD_RECOVERY_MAX], uint32_t *ret_len)
{
	uint8_t x[32], slot[KEYHEAD_RECOVERY_MAX] = { VERSION };
	uint8_t *eph = slot + 1 + SHA256_SIZE;
	struct keys k;
	uint32_t i, at = RECOVERY_HEAD_BYTES;
	int rc;

	if (key_bytes == 0 || key_bytes > KEYHEAD_KEY_MAX)
		return -EINVAL;
	sha256(point, P256_POINT_SIZE, slot + 1);
	rc = crypto_p256_public(ephemeral, eph);
	if (rc)
		return rc == -EINVAL ? -EAGAIN : rc;
	rc = crypto_p256_ecdh(ephemeral, point, x);
	if (rc)
		return rc;
	derive(x, id, eph, point, &k);
	for (i = 0; i < key_bytes; i++)
		slot[at + i] = key[i] ^ k.stream[i];
	sum(&k, slot, at + key_bytes, id, slot + at + key_bytes);
	memcpy(ret_slot, slot, sizeof(slot));
	*ret_len = at + key_bytes + SHA256_SIZE;
	crypto_wipe(x, sizeof(x));
	crypto_wipe(&k, sizeof(k));
	return 0;
}

bool recovery_is_for(const struct keyhead *h, const uint8_t point[static P256_POINT_SIZE])
{
	uint8_t name[SHA256_SIZE];

	sha256(point, P256_POINT_SIZE, name);
	return h->recovery_len >= RECOVERY_HEAD_BYTES &&
	       memcmp(h->recovery + 1, name, sizeof(name)) == 0;
}

int recovery_open(const uint8_t secret[static P256_SECRET_SIZE], const struct keyhead *h,
		  uint8_t ret_key[static KEYHEAD_KEY_MAX], struct err *err)
{
	uint8_t point[P256_POINT_SIZE], name[SHA256_SIZE], x[32], mac[SHA256_SIZE];
	const uint8_t *slot = h->recovery, *eph = slot + 1 + SHA256_SIZE;
	uint32_t i, at = RECOVERY_HEAD_BYTES;
	struct keys k;
	int rc;

	if (h->recovery_len == 0)
		return err_set(err, -ENOENT, "the volume has no recovery key");
	if (slot[0] != VERSION || h->key_bytes > KEYHEAD_KEY_MAX ||
	    h->recovery_len != at + h->key_bytes + SHA256_SIZE)
		return err_set(err, -EBADMSG, "the recovery slot has an unknown form");
	rc = crypto_p256_public(secret, point);
	if (rc)
		return err_set(err, rc, "the recovery key is none");
	sha256(point, sizeof(point), name);
	if (memcmp(name, slot + 1, sizeof(name)) != 0)
		return err_set(err, -ENOKEY, "the recovery slot is for another key");
	rc = crypto_p256_ecdh(secret, eph, x);
	if (rc)
		return err_set(err, -EKEYREJECTED, "the recovery slot was changed");
	derive(x, h->id, eph, point, &k);
	sum(&k, slot, at + h->key_bytes, h->id, mac);
	if (crypto_equal(mac, slot + at + h->key_bytes, sizeof(mac)))
		for (i = 0; i < h->key_bytes; i++)
			ret_key[i] = slot[at + i] ^ k.stream[i];
	else
		rc = err_set(err, -EKEYREJECTED, "the recovery slot was changed");
	crypto_wipe(x, sizeof(x));
	crypto_wipe(&k, sizeof(k));
	return rc;
}
