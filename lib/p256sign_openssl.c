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

/* The generator of RFC 6979, section 3.2. */
struct nonce {
	uint8_t k[SHA256_SIZE], v[SHA256_SIZE];
};

/* V = HMAC_K(V): the next candidate too. */
static void nonce_next(struct nonce *n)
{
	struct hmac h;

	hmac_init(&h, n->k, sizeof(n->k));
	hmac_update(&h, n->v, sizeof(n->v));
	hmac_final(&h, n->v);
	OPENSSL_cleanse(&h, sizeof(h));
}

/* K = HMAC_K(V || byte || secret || digest), V = HMAC_K(V); the last two where not NULL. */
static void nonce_step(struct nonce *n, uint8_t byte, const uint8_t *secret, const uint8_t *digest)
{
	struct hmac h;

	hmac_init(&h, n->k, sizeof(n->k));
	hmac_update(&h, n->v, sizeof(n->v));
	hmac_update(&h, &byte, 1);
	if (secret) {
		hmac_update(&h, secret, P256_SECRET_SIZE);
		hmac_update(&h, digest, SHA256_SIZE);
	}
	hmac_final(&h, n->k);
	OPENSSL_cleanse(&h, sizeof(h));
	nonce_next(n);
}

static void nonce_init(struct nonce *n, const uint8_t *secret, const uint8_t *digest)
{
	memset(n->v, 1, sizeof(n->v));
	memset(n->k, 0, sizeof(n->k));
	nonce_step(n, 0, secret, digest);
	nonce_step(n, 1, secret, digest);
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
