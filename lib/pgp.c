// SPDX-License-Identifier: Apache-2.0
#include "pgp.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

enum {
	TAG_SIGNATURE = 2,
	TAG_PUBLIC_KEY = 6,
	VERSION = 4,
	TYPE_BINARY = 0,
	ALGORITHM_RSA = 1,
	HASH_SHA256 = 8,
	SUB_CREATED = 2,
	SUB_ISSUER = 16,
};

/* Version, type, algorithms, and the hashed subpackets with their length. */
static void hashed_part(uint32_t created, uint8_t ret[static PGP_HASHED_BYTES])
{
	ret[0] = VERSION;
	ret[1] = TYPE_BINARY;
	ret[2] = ALGORITHM_RSA;
	ret[3] = HASH_SHA256;
	be16_store(ret + 4, 6);
	ret[6] = 5;
	ret[7] = SUB_CREATED;
	be32_store(ret + 8, created);
}

void pgp_digest(struct sha256 *h, uint32_t created, uint8_t ret_digest[static SHA256_SIZE])
{
	uint8_t hashed[PGP_HASHED_BYTES], trailer[PGP_TRAILER_BYTES] = { VERSION, 0xff };

	hashed_part(created, hashed);
	be32_store(trailer + 2, PGP_HASHED_BYTES);
	sha256_update(h, hashed, sizeof(hashed));
	sha256_update(h, trailer, sizeof(trailer));
	sha256_final(h, ret_digest);
}

static size_t put_mpi(uint8_t *p, const uint8_t *v, size_t len)
{
	uint16_t bits = (uint16_t)(8 * len);
	uint8_t top = v[0];

	for (; !(top & 0x80); top = (uint8_t)(top << 1))
		bits--;
	be16_store(p, bits);
	memcpy(p + 2, v, len);
	return 2 + len;
}

/* Reads an MPI; returns the bytes used, 0 where it is malformed or longer than max. */
static size_t get_mpi(const uint8_t *p, size_t len, uint8_t *ret, size_t max, size_t *ret_len)
{
	size_t bits, bytes;

	if (len < 2)
		return 0;
	bits = be16_load(p);
	bytes = (bits + 7) / 8;
	if (!bits || bytes > max || len - 2 < bytes)
		return 0;
	/* The count of bits is exact, so each number has one form. */
	if (p[2] >> ((bits - 1) % 8) != 1)
		return 0;
	memcpy(ret, p + 2, bytes);
	*ret_len = bytes;
	return 2 + bytes;
}

static void drop_zeros(const uint8_t **p, size_t *len)
{
	while (*len && **p == 0) {
		(*p)++;
		(*len)--;
	}
}

/* Old packet format with a length of two bytes, as GRUB and gpg both read. */
static void packet_header(uint8_t *p, unsigned int tag, size_t body)
{
	p[0] = (uint8_t)(0x80 | tag << 2 | 1);
	be16_store(p + 1, (uint16_t)body);
}

static const uint8_t *packet_body(const uint8_t *buf, size_t len, unsigned int tag)
{
	if (len < 3 || buf[0] != (0x80 | tag << 2 | 1) || be16_load(buf + 1) != len - 3)
		return NULL;
	return buf + 3;
}

int pgp_sig_write(uint32_t created, const uint8_t keyid[static PGP_KEYID_BYTES],
		  const uint8_t digest[static SHA256_SIZE], const uint8_t *rsa, size_t rsa_len,
		  uint8_t ret_buf[static PGP_SIG_MAX], size_t *ret_len)
{
	uint8_t *p = ret_buf + 3;

	drop_zeros(&rsa, &rsa_len);
	if (!rsa_len || rsa_len > PGP_RSA_BYTES_MAX)
		return -EINVAL;
	hashed_part(created, p);
	p += PGP_HASHED_BYTES;
	be16_store(p, 2 + PGP_KEYID_BYTES);
	p[2] = 1 + PGP_KEYID_BYTES;
	p[3] = SUB_ISSUER;
	memcpy(p + 4, keyid, PGP_KEYID_BYTES);
	p += 4 + PGP_KEYID_BYTES;
	memcpy(p, digest, 2);
	p += 2;
	p += put_mpi(p, rsa, rsa_len);
	packet_header(ret_buf, TAG_SIGNATURE, (size_t)(p - ret_buf) - 3);
	*ret_len = (size_t)(p - ret_buf);
	return 0;
}

int pgp_sig_parse(const uint8_t *buf, size_t len, struct pgp_sig *ret)
{
	enum { FIXED = PGP_HASHED_BYTES + 4 + PGP_KEYID_BYTES + 2 };
	const uint8_t *p = packet_body(buf, len, TAG_SIGNATURE), *unhashed;
	uint8_t expected[PGP_HASHED_BYTES];
	size_t body = len - 3;

	if (!p || body <= FIXED)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->created = be32_load(p + 8);
	hashed_part(ret->created, expected);
	memcpy(ret->hashed, p, PGP_HASHED_BYTES);
	unhashed = p + PGP_HASHED_BYTES;
	if (memcmp(p, expected, sizeof(expected)) != 0 ||
	    be16_load(unhashed) != 2 + PGP_KEYID_BYTES || unhashed[2] != 1 + PGP_KEYID_BYTES ||
	    unhashed[3] != SUB_ISSUER)
		return -EINVAL;
	memcpy(ret->keyid, unhashed + 4, PGP_KEYID_BYTES);
	memcpy(ret->left16, p + FIXED - 2, 2);
	if (get_mpi(p + FIXED, body - FIXED, ret->rsa, sizeof(ret->rsa), &ret->rsa_len) !=
	    body - FIXED)
		return -EINVAL;
	return 0;
}

int pgp_key_write(uint32_t created, const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
		  uint8_t ret_buf[static PGP_KEY_MAX], size_t *ret_len, size_t *ret_body_offset)
{
	uint8_t *p = ret_buf + 3;

	drop_zeros(&n, &n_len);
	drop_zeros(&e, &e_len);
	if (!n_len || n_len > PGP_RSA_BYTES_MAX || !e_len ||
	    e_len > sizeof(((struct pgp_key *)0)->e))
		return -EINVAL;
	p[0] = VERSION;
	be32_store(p + 1, created);
	p[5] = ALGORITHM_RSA;
	p += 6;
	p += put_mpi(p, n, n_len);
	p += put_mpi(p, e, e_len);
	packet_header(ret_buf, TAG_PUBLIC_KEY, (size_t)(p - ret_buf) - 3);
	*ret_len = (size_t)(p - ret_buf);
	*ret_body_offset = 3;
	return 0;
}

int pgp_key_parse(const uint8_t *buf, size_t len, struct pgp_key *ret)
{
	const uint8_t *p = packet_body(buf, len, TAG_PUBLIC_KEY);
	size_t left = len - 3, used;

	if (!p || left < 6 || p[0] != VERSION || p[5] != ALGORITHM_RSA)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->created = be32_load(p + 1);
	p += 6;
	left -= 6;
	used = get_mpi(p, left, ret->n, sizeof(ret->n), &ret->n_len);
	if (!used)
		return -EINVAL;
	p += used;
	left -= used;
	used = get_mpi(p, left, ret->e, sizeof(ret->e), &ret->e_len);
	return used && used == left ? 0 : -EINVAL;
}
