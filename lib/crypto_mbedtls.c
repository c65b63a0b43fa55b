// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/aes.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecdsa.h>

#include "bytes.h"
#include "sha256core.h"

/* What struct sha256 holds here. */
struct state {
	uint32_t words[8];
	uint64_t bytes; /* so far; the last bytes % 64 of them are in pending */
	uint8_t pending[SHA256_BLOCK_BYTES];
	sha256core_fn *blocks; /* found once for each computation: asking takes microseconds */
};

_Static_assert(sizeof(struct state) <= sizeof(((struct sha256 *)0)->opaque), "sha256 state");

static struct state *state_of(struct sha256 *h)
{
	return (struct state *)(void *)h->opaque;
}

void sha256_init(struct sha256 *h)
{
	static const struct state begin = {
		.words = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
			   0x1f83d9ab, 0x5be0cd19 },
	};
	struct state *s = state_of(h);

	*s = begin;
	s->blocks = sha256core_best();
}

void sha256_update(struct sha256 *h, const void *buf, size_t len)
{
	struct state *s = state_of(h);
	size_t have = (size_t)(s->bytes % SHA256_BLOCK_BYTES), take;
	const uint8_t *p = buf;

	s->bytes += len;
	if (have) {
		take = SHA256_BLOCK_BYTES - have < len ? SHA256_BLOCK_BYTES - have : len;
		memcpy(s->pending + have, p, take);
		if (have + take < SHA256_BLOCK_BYTES)
			return;
		s->blocks(s->words, s->pending, 1);
		p += take;
		len -= take;
	}
	s->blocks(s->words, p, len / SHA256_BLOCK_BYTES);
	p += len - len % SHA256_BLOCK_BYTES;
	if (len % SHA256_BLOCK_BYTES)
		memcpy(s->pending, p, len % SHA256_BLOCK_BYTES);
}

void sha256_final(struct sha256 *h, uint8_t ret_digest[static SHA256_SIZE])
{
	struct state *s = state_of(h);
	uint8_t end[2 * SHA256_BLOCK_BYTES] = { 0 };
	size_t have = (size_t)(s->bytes % SHA256_BLOCK_BYTES);
	size_t blocks = have < SHA256_BLOCK_BYTES - 8 ? 1 : 2, i;
	uint64_t bits = s->bytes * 8;

	/* FIPS 180-4, 5.1.1: a one, zeros, the length. */
	memcpy(end, s->pending, have);
	end[have] = 0x80;
	be32_store(end + blocks * SHA256_BLOCK_BYTES - 8, (uint32_t)(bits >> 32));
	be32_store(end + blocks * SHA256_BLOCK_BYTES - 4, (uint32_t)bits);
	s->blocks(s->words, end, blocks);
	for (i = 0; i < 8; i++)
		be32_store(ret_digest + 4 * i, s->words[i]);
}

struct p256_key {
	mbedtls_ecp_group group;
	mbedtls_ecp_point q;
};

/* read_point - a point of the curve, not the one at infinity. */
static int read_point(mbedtls_ecp_group *group, const uint8_t *point, mbedtls_ecp_point *ret)
{
	return point[0] == 4 &&
			       mbedtls_ecp_point_read_binary(group, ret, point, P256_POINT_SIZE) ==
				       0 &&
			       mbedtls_ecp_check_pubkey(group, ret) == 0
		       ? 0
		       : -EINVAL;
}

static int key_init(struct p256_key *key, const uint8_t *point)
{
	mbedtls_ecp_group_init(&key->group);
	mbedtls_ecp_point_init(&key->q);
	if (mbedtls_ecp_group_load(&key->group, MBEDTLS_ECP_DP_SECP256R1))
		return -ENOMEM;
	return read_point(&key->group, point, &key->q);
}

static void key_release(struct p256_key *key)
{
	mbedtls_ecp_point_free(&key->q);
	mbedtls_ecp_group_free(&key->group);
}

int crypto_p256_key_new(const uint8_t point[static P256_POINT_SIZE], struct p256_key **ret)
{
	struct p256_key *key = calloc(1, sizeof(*key));
	int rc = key ? key_init(key, point) : -ENOMEM;

	if (!rc)
		*ret = key;
	else
		crypto_p256_key_free(key);
	return rc;
}

void crypto_p256_key_free(struct p256_key *key)
{
	if (key)
		key_release(key);
	free(key);
}

int crypto_p256_key_verify(struct p256_key *key, const uint8_t digest[static SHA256_SIZE],
			   const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	mbedtls_mpi r, s;
	int rc = -ENOMEM;

	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	if (!mbedtls_mpi_read_binary(&r, signature, 32) &&
	    !mbedtls_mpi_read_binary(&s, signature + 32, 32))
		rc = mbedtls_ecdsa_verify(&key->group, digest, SHA256_SIZE, &key->q, &r, &s)
			     ? -EKEYREJECTED
			     : 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	return rc;
}

int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	struct p256_key key;
	int rc = key_init(&key, point);

	if (!rc)
		rc = crypto_p256_key_verify(&key, digest, signature);
	key_release(&key);
	return rc;
}

/* fill - random numbers as mbedTLS asks for them: it blinds secrets with them. */
static int fill(void *ctx, unsigned char *buf, size_t len)
{
	(void)ctx;
	return crypto_random(buf, len) ? MBEDTLS_ERR_ECP_RANDOM_FAILED : 0;
}

/* multiply - secret * point; a NULL point is the generator. */
static int multiply(const uint8_t *secret, const uint8_t *point, uint8_t *ret_point)
{
	mbedtls_ecp_group group;
	mbedtls_ecp_point q, r;
	mbedtls_mpi k;
	size_t len;
	int rc = -ENOMEM;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&q);
	mbedtls_ecp_point_init(&r);
	mbedtls_mpi_init(&k);
	if (mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) ||
	    mbedtls_mpi_read_binary(&k, secret, P256_SECRET_SIZE))
		goto out;
	rc = -EINVAL;
	if (mbedtls_ecp_check_privkey(&group, &k) || (point && read_point(&group, point, &q)))
		goto out;
	rc = -ENOMEM;
	if (!mbedtls_ecp_mul(&group, &r, &k, point ? &q : &group.G, fill, NULL) &&
	    !mbedtls_ecp_point_write_binary(&group, &r, MBEDTLS_ECP_PF_UNCOMPRESSED, &len,
					    ret_point, P256_POINT_SIZE) &&
	    len == P256_POINT_SIZE)
		rc = 0;
out:
	mbedtls_mpi_free(&k);
	mbedtls_ecp_point_free(&r);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&group);
	return rc;
}

int crypto_p256_public(const uint8_t secret[static P256_SECRET_SIZE],
		       uint8_t ret_point[static P256_POINT_SIZE])
{
	return multiply(secret, NULL, ret_point);
}

int crypto_p256_ecdh(const uint8_t secret[static P256_SECRET_SIZE],
		     const uint8_t point[static P256_POINT_SIZE], uint8_t ret_x[static 32])
{
	uint8_t shared[P256_POINT_SIZE];
	int rc = multiply(secret, point, shared);

	if (!rc)
		memcpy(ret_x, shared + 1, 32);
	crypto_wipe(shared, sizeof(shared));
	return rc;
}

static void cfb(const uint8_t *key, const uint8_t *iv, uint8_t *buf, size_t len, int way)
{
	uint8_t block[AES128_SIZE];
	mbedtls_aes_context aes;
	size_t n = 0;

	memcpy(block, iv, sizeof(block));
	mbedtls_aes_init(&aes);
	/* Fails for no key of 128 bits. CFB takes the cipher's forward way in both directions. */
	(void)mbedtls_aes_setkey_enc(&aes, key, 8 * AES128_SIZE);
	(void)mbedtls_aes_crypt_cfb128(&aes, way, len, &n, block, buf, buf);
	mbedtls_aes_free(&aes);
}

void crypto_aes128_cfb_encrypt(const uint8_t key[static AES128_SIZE],
			       const uint8_t iv[static AES128_SIZE], uint8_t *buf, size_t len)
{
	cfb(key, iv, buf, len, MBEDTLS_AES_ENCRYPT);
}

void crypto_aes128_cfb_decrypt(const uint8_t key[static AES128_SIZE],
			       const uint8_t iv[static AES128_SIZE], uint8_t *buf, size_t len)
{
	cfb(key, iv, buf, len, MBEDTLS_AES_DECRYPT);
}

int crypto_rsa_public(const uint8_t *modulus, size_t size, uint32_t exponent, const uint8_t *in,
		      uint8_t *ret_out)
{
	mbedtls_mpi n, e, m, c;
	int rc = -EINVAL;

	mbedtls_mpi_init(&n);
	mbedtls_mpi_init(&e);
	mbedtls_mpi_init(&m);
	mbedtls_mpi_init(&c);
	if (size < RSA_SIZE_MIN || size > RSA_SIZE_MAX || exponent < 3 || exponent % 2 == 0)
		goto out;
	rc = -ENOMEM;
	if (mbedtls_mpi_read_binary(&n, modulus, size) || mbedtls_mpi_read_binary(&m, in, size) ||
	    mbedtls_mpi_lset(&e, (mbedtls_mpi_sint)exponent))
		goto out;
	rc = -EINVAL;
	if (!(modulus[0] & 0x80) || mbedtls_mpi_get_bit(&n, 0) == 0 ||
	    mbedtls_mpi_cmp_mpi(&m, &n) >= 0)
		goto out;
	rc = mbedtls_mpi_exp_mod(&c, &m, &e, &n, NULL) ||
			     mbedtls_mpi_write_binary(&c, ret_out, size)
		     ? -ENOMEM
		     : 0;
out:
	mbedtls_mpi_free(&c);
	mbedtls_mpi_free(&m);
	mbedtls_mpi_free(&e);
	mbedtls_mpi_free(&n);
	return rc;
}
