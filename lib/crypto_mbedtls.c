// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <errno.h>
#include <string.h>

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

int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	mbedtls_ecp_group group;
	mbedtls_ecp_point q;
	mbedtls_mpi r, s;
	int rc, made;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	made = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
	if (!made)
		made = mbedtls_mpi_read_binary(&r, signature, 32);
	if (!made)
		made = mbedtls_mpi_read_binary(&s, signature + 32, 32);
	if (made)
		rc = -ENOMEM;
	else if (point[0] != 4 ||
		 mbedtls_ecp_point_read_binary(&group, &q, point, P256_POINT_SIZE) ||
		 mbedtls_ecp_check_pubkey(&group, &q))
		rc = -EINVAL;
	else
		rc = mbedtls_ecdsa_verify(&group, digest, SHA256_SIZE, &q, &r, &s) ? -EKEYREJECTED
										   : 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&group);
	return rc;
}
