// SPDX-License-Identifier: Apache-2.0
#include "p256sign.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

/* What all of it needs; made and released together. */
struct work {
	EC_GROUP *group;
	BN_CTX *ctx;
	const BIGNUM *order; /* the group's */
	BIGNUM *secret, *k, *r, *s, *z, *blind, *product;
	EC_POINT *point;
};

static void work_release(struct work *w)
{
	BN_clear_free(w->secret);
	BN_clear_free(w->k);
	BN_clear_free(w->blind);
	BN_clear_free(w->product);
	BN_free(w->r);
	BN_free(w->s);
	BN_free(w->z);
	EC_POINT_free(w->point);
	BN_CTX_free(w->ctx);
	EC_GROUP_free(w->group);
}

static int work_init(struct work *w, const uint8_t *secret)
{
	memset(w, 0, sizeof(*w));
	w->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	w->ctx = BN_CTX_secure_new();
	w->secret = BN_bin2bn(secret, P256_SECRET_SIZE, NULL);
	w->k = BN_new();
	w->r = BN_new();
	w->s = BN_new();
	w->z = BN_new();
	w->blind = BN_new();
	w->product = BN_new();
	w->point = w->group ? EC_POINT_new(w->group) : NULL;
	if (!w->group || !w->ctx || !w->secret || !w->k || !w->r || !w->s || !w->z || !w->blind ||
	    !w->product || !w->point)
		return -ENOMEM;
	w->order = EC_GROUP_get0_order(w->group);
	BN_set_flags(w->secret, BN_FLG_CONSTTIME);
	BN_set_flags(w->k, BN_FLG_CONSTTIME);
	BN_set_flags(w->product, BN_FLG_CONSTTIME);
	if (BN_is_zero(w->secret) || BN_cmp(w->secret, w->order) >= 0)
		return -EINVAL;
	return 0;
}

int p256_public(const uint8_t secret[static P256_SECRET_SIZE],
		uint8_t ret_point[static P256_POINT_SIZE])
{
	struct work w;
	int rc = work_init(&w, secret);

	if (!rc && (!EC_POINT_mul(w.group, w.point, w.secret, NULL, NULL, w.ctx) ||
		    EC_POINT_point2oct(w.group, w.point, POINT_CONVERSION_UNCOMPRESSED, ret_point,
				       P256_POINT_SIZE, w.ctx) != P256_POINT_SIZE))
		rc = -ENOMEM;
	work_release(&w);
	return rc;
}

/* HMAC-SHA256 (RFC 2104) of up to four parts, with a key of 32 bytes. */
static void hmac(const uint8_t key[static SHA256_SIZE], const uint8_t *const part[],
		 const size_t part_len[], size_t parts, uint8_t ret[static SHA256_SIZE])
{
	uint8_t pad[64], inner[SHA256_SIZE];
	struct sha256 h;
	size_t i;

	memset(pad, 0x36, sizeof(pad));
	for (i = 0; i < SHA256_SIZE; i++)
		pad[i] ^= key[i];
	sha256_init(&h);
	sha256_update(&h, pad, sizeof(pad));
	for (i = 0; i < parts; i++)
		sha256_update(&h, part[i], part_len[i]);
	sha256_final(&h, inner);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_init(&h);
	sha256_update(&h, pad, sizeof(pad));
	sha256_update(&h, inner, sizeof(inner));
	sha256_final(&h, ret);
	OPENSSL_cleanse(pad, sizeof(pad));
}

/* The generator of RFC 6979, section 3.2. */
struct nonce {
	uint8_t k[SHA256_SIZE], v[SHA256_SIZE];
};

/* K = HMAC_K(V || byte || secret || digest), V = HMAC_K(V); the last two where not NULL. */
static void nonce_step(struct nonce *n, uint8_t byte, const uint8_t *secret, const uint8_t *digest)
{
	const uint8_t *const part[] = { n->v, &byte, secret, digest };
	const size_t len[] = { SHA256_SIZE, 1, P256_SECRET_SIZE, SHA256_SIZE };
	const uint8_t *const v[] = { n->v };
	uint8_t key[SHA256_SIZE];

	hmac(n->k, part, len, secret ? 4 : 2, key);
	memcpy(n->k, key, sizeof(key));
	hmac(n->k, v, len, 1, n->v);
	OPENSSL_cleanse(key, sizeof(key));
}

static void nonce_init(struct nonce *n, const uint8_t *secret, const uint8_t *digest)
{
	memset(n->v, 1, sizeof(n->v));
	memset(n->k, 0, sizeof(n->k));
	nonce_step(n, 0, secret, digest);
	nonce_step(n, 1, secret, digest);
}

/* The next candidate, in place of n->v. */
static void nonce_next(struct nonce *n)
{
	const uint8_t *const v[] = { n->v };
	const size_t len[] = { SHA256_SIZE };

	hmac(n->k, v, len, 1, n->v);
}

/* r and s for the nonce in w->k; *ret_good is false where another nonce must be taken. */
static int sign_with(struct work *w, bool *ret_good)
{
	*ret_good = false;
	if (!EC_POINT_mul(w->group, w->point, w->k, NULL, NULL, w->ctx) ||
	    !EC_POINT_get_affine_coordinates(w->group, w->point, w->r, NULL, w->ctx) ||
	    !BN_nnmod(w->r, w->r, w->order, w->ctx))
		return -ENOMEM;
	if (BN_is_zero(w->r))
		return 0;
	/*
	 * s = (z + r * secret) / k, every term multiplied by a random number that goes out again:
	 * the time taken says nothing of the secret.
	 */
	do {
		if (!BN_priv_rand_range(w->blind, w->order))
			return -ENOMEM;
	} while (BN_is_zero(w->blind));
	if (!BN_mod_mul(w->product, w->secret, w->blind, w->order, w->ctx) ||
	    !BN_mod_mul(w->product, w->product, w->r, w->order, w->ctx) ||
	    !BN_mod_mul(w->s, w->z, w->blind, w->order, w->ctx) ||
	    !BN_mod_add(w->s, w->s, w->product, w->order, w->ctx) ||
	    !BN_mod_mul(w->product, w->k, w->blind, w->order, w->ctx) ||
	    !BN_mod_inverse(w->product, w->product, w->order, w->ctx) ||
	    !BN_mod_mul(w->s, w->s, w->product, w->order, w->ctx))
		return -ENOMEM;
	*ret_good = !BN_is_zero(w->s);
	return 0;
}

int p256_sign(const uint8_t secret[static P256_SECRET_SIZE],
	      const uint8_t digest[static SHA256_SIZE],
	      uint8_t ret_signature[static P256_SIGNATURE_SIZE])
{
	uint8_t reduced[SHA256_SIZE];
	bool good = false;
	struct nonce n;
	struct work w;
	int rc = work_init(&w, secret);

	/* The digest as RFC 6979's bits2octets: reduced by the order. */
	if (!rc && (!BN_bin2bn(digest, SHA256_SIZE, w.z) || !BN_nnmod(w.z, w.z, w.order, w.ctx) ||
		    BN_bn2binpad(w.z, reduced, sizeof(reduced)) != (int)sizeof(reduced)))
		rc = -ENOMEM;
	if (rc)
		goto out;
	nonce_init(&n, secret, reduced);
	for (;;) {
		nonce_next(&n);
		if (!BN_bin2bn(n.v, sizeof(n.v), w.k)) {
			rc = -ENOMEM;
			break;
		}
		if (!BN_is_zero(w.k) && BN_cmp(w.k, w.order) < 0)
			rc = sign_with(&w, &good);
		if (rc || good)
			break;
		nonce_step(&n, 0, NULL, NULL);
	}
	OPENSSL_cleanse(&n, sizeof(n));
	if (!rc && (BN_bn2binpad(w.r, ret_signature, 32) != 32 ||
		    BN_bn2binpad(w.s, ret_signature + 32, 32) != 32))
		rc = -ENOMEM;
out:
	work_release(&w);
	return rc;
}
