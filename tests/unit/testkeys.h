// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TESTKEYS_H
#define CAIRN_TESTKEYS_H

/*
 * Keys for tests and fuzz targets: key i has a fixed secret. testkeys_sign signs for real, so that
 * what a parser sees came through the signature check.
 */
#include <stdlib.h>
#include <string.h>

#include "p256sign.h"
#include "signed.h"
#include "trust.h"

static inline void testkeys_secret(unsigned int i, uint8_t ret[static P256_SECRET_SIZE])
{
	memset(ret, (int)(i + 1), P256_SECRET_SIZE);
}

/* Computed once each: a fuzz target asks a million times. */
static inline void testkeys_point(unsigned int i, uint8_t ret[static P256_POINT_SIZE])
{
	static uint8_t known[TRUST_KEYS_MAX][P256_POINT_SIZE];
	uint8_t secret[P256_SECRET_SIZE];

	if (!known[i][0]) {
		testkeys_secret(i, secret);
		if (crypto_p256_public(secret, known[i]))
			abort();
	}
	memcpy(ret, known[i], P256_POINT_SIZE);
}

static inline struct signature testkeys_signature(unsigned int i, const void *document, size_t len)
{
	uint8_t secret[P256_SECRET_SIZE], point[P256_POINT_SIZE], digest[SHA256_SIZE];
	struct signature s = { .rs = { 0 } };

	testkeys_secret(i, secret);
	testkeys_point(i, point);
	signed_key_id(point, s.key_id);
	sha256(document, len, digest);
	if (p256_sign(secret, digest, s.rs))
		abort();
	return s;
}

/* testkeys_sign - the document signed by the keys of the mask; returns the bytes in ret_buf. */
static inline size_t testkeys_sign(const void *document, size_t len, unsigned int mask,
				   uint8_t ret_buf[static SIGNED_MAX])
{
	struct signature s[SIGNED_SIGNATURES_MAX];
	size_t n = 0, ret_len;
	unsigned int i;

	for (i = 0; i < SIGNED_SIGNATURES_MAX; i++)
		if (mask & 1u << i)
			s[n++] = testkeys_signature(i, document, len);
	if (signed_write(document, len, s, n, ret_buf, &ret_len))
		abort();
	return ret_len;
}

/* testkeys_index - where key i stands in the trust. */
static inline uint8_t testkeys_index(const struct trust *t, unsigned int i)
{
	uint8_t point[P256_POINT_SIZE];
	size_t k;

	testkeys_point(i, point);
	for (k = 0; k < t->keys; k++)
		if (memcmp(t->key[k].point, point, sizeof(point)) == 0)
			return (uint8_t)k;
	abort();
}

/* The role's keys are those of the mask, in the trust's order. */
static inline void testkeys_role(struct trust *t, enum trust_role role, unsigned int threshold,
				 unsigned int mask)
{
	size_t k;
	unsigned int i;

	t->role[role].threshold = threshold;
	t->role[role].keys = 0;
	for (k = 0; k < t->keys; k++)
		for (i = 0; i < TRUST_KEYS_MAX; i++)
			if ((mask & 1u << i) && testkeys_index(t, i) == k)
				t->role[role].key[t->role[role].keys++] = (uint8_t)k;
}

/*
 * testkeys_trust - a trust with the keys of `keys` (a mask of up to 8): roles are filled in by
 * testkeys_role.
 */
static inline void testkeys_trust(struct trust *t, uint64_t number, uint64_t expires,
				  unsigned int keys)
{
	unsigned int i;
	size_t k;

	memset(t, 0, sizeof(*t));
	t->number = number;
	t->expires = expires;
	for (i = 0; i < TRUST_KEYS_MAX; i++) {
		struct trust_key key = { .id = { 0 } };

		if (!(keys & 1u << i))
			continue;
		testkeys_point(i, key.point);
		signed_key_id(key.point, key.id);
		for (k = t->keys; k && memcmp(t->key[k - 1].id, key.id, sizeof(key.id)) > 0; k--)
			t->key[k] = t->key[k - 1];
		t->key[k] = key;
		t->keys++;
	}
}

/* testkeys_simple - number 1: key 0 is root, key 1 release, key 2 channel, one of each needed. */
static inline void testkeys_simple(struct trust *t)
{
	testkeys_trust(t, 1, 2000000000, 7);
	testkeys_role(t, TRUST_ROOT, 1, 1);
	testkeys_role(t, TRUST_RELEASE, 1, 2);
	testkeys_role(t, TRUST_CHANNEL, 1, 4);
}

#endif
