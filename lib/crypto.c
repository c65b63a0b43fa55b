// SPDX-License-Identifier: Apache-2.0
/* What stands on the backends' primitives. */
#include "crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "bytes.h"

#define HASH_BLOCK 64 /* bytes of a block of SHA-256 */

void sha256(const void *buf, size_t len, uint8_t ret_digest[static SHA256_SIZE])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, buf, len);
	sha256_final(&h, ret_digest);
}

void hmac_init(struct hmac *h, const void *key, size_t key_len)
{
	uint8_t pad[HASH_BLOCK] = { 0 };
	size_t i;

	if (key_len > sizeof(pad))
		sha256(key, key_len, pad);
	else if (key_len)
		memcpy(pad, key, key_len);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha256_init(&h->inner);
	sha256_update(&h->inner, pad, sizeof(pad));
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_init(&h->outer);
	sha256_update(&h->outer, pad, sizeof(pad));
	crypto_wipe(pad, sizeof(pad));
}

void hmac_update(struct hmac *h, const void *buf, size_t len)
{
	sha256_update(&h->inner, buf, len);
}

void hmac_final(struct hmac *h, uint8_t ret_mac[static SHA256_SIZE])
{
	uint8_t inner[SHA256_SIZE];

	sha256_final(&h->inner, inner);
	sha256_update(&h->outer, inner, sizeof(inner));
	sha256_final(&h->outer, ret_mac);
}

/* mask - XOR with MGF1 (RFC 8017, B.2.1) of the seed. */
static void mask(const uint8_t *seed, size_t seed_len, uint8_t *buf, size_t len)
{
	uint8_t counter[4], block[SHA256_SIZE];
	uint32_t n;
	size_t i;

	for (n = 0; len; n++) {
		size_t take = len < sizeof(block) ? len : sizeof(block);
		struct sha256 h;

		be32_store(counter, n);
		sha256_init(&h);
		sha256_update(&h, seed, seed_len);
		sha256_update(&h, counter, sizeof(counter));
		sha256_final(&h, block);
		for (i = 0; i < take; i++)
			buf[i] ^= block[i];
		buf += take;
		len -= take;
	}
}

int crypto_rsa_oaep(const uint8_t *modulus, size_t size, uint32_t exponent, const void *label,
		    size_t label_len, const uint8_t seed[static SHA256_SIZE],
		    const uint8_t *message, size_t message_len, uint8_t *ret_out)
{
	/* 00 | masked seed | masked (hash of the label | 00... | 01 | message) */
	uint8_t em[RSA_SIZE_MAX] = { 0 }, *db = em + 1 + SHA256_SIZE;
	size_t db_len;
	int rc;

	if (size < RSA_SIZE_MIN || size > RSA_SIZE_MAX || message_len > size - 2 * SHA256_SIZE - 2)
		return -EINVAL;
	db_len = size - 1 - SHA256_SIZE;
	memcpy(em + 1, seed, SHA256_SIZE);
	sha256(label, label_len, db);
	db[db_len - message_len - 1] = 1;
	memcpy(db + db_len - message_len, message, message_len);
	mask(em + 1, SHA256_SIZE, db, db_len);
	mask(db, db_len, em + 1, SHA256_SIZE);
	rc = crypto_rsa_public(modulus, size, exponent, em, ret_out);
	crypto_wipe(em, sizeof(em));
	return rc;
}

int crypto_rsa_verify(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
		      const uint8_t digest[static SHA256_SIZE], const uint8_t *signature,
		      size_t signature_len)
{
	/* 00 01 | ff... | 00 | DigestInfo of SHA-256 (RFC 8017, 9.2) */
	static const uint8_t info[] = {
		0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20
	};
	uint8_t want[RSA_SIZE_MAX], got[RSA_SIZE_MAX];
	uint32_t exponent = 0;
	size_t filled;
	int rc;

	for (; n_len && !*n; n++)
		n_len--;
	for (; e_len && !*e; e++)
		e_len--;
	if (n_len < RSA_SIZE_MIN || n_len > RSA_SIZE_MAX || !e_len || e_len > sizeof(exponent))
		return -EINVAL;
	if (signature_len != n_len)
		return -EKEYREJECTED;
	while (e_len--)
		exponent = exponent << 8 | *e++;
	rc = crypto_rsa_public(n, n_len, exponent, signature, got);
	/* A key that is none says so for an input that is below any modulus, too. */
	if (rc == -EINVAL) {
		memset(got, 0, n_len);
		got[n_len - 1] = 2;
		return crypto_rsa_public(n, n_len, exponent, got, want) ? -EINVAL : -EKEYREJECTED;
	}
	if (rc)
		return rc;
	filled = n_len - sizeof(info) - SHA256_SIZE;
	memset(want, 0xff, filled);
	want[0] = 0;
	want[1] = 1;
	memcpy(want + filled, info, sizeof(info));
	memcpy(want + filled + sizeof(info), digest, SHA256_SIZE);
	return crypto_equal(want, got, n_len) ? 0 : -EKEYREJECTED;
}

int crypto_random(void *ret_buf, size_t len)
{
	uint8_t *p = ret_buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int crypto_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *p = a, *q = b;
	uint8_t differs = 0;

	while (len--)
		differs |= (uint8_t)(p[len] ^ q[len]);
	return differs == 0;
}

void crypto_wipe(void *buf, size_t len)
{
	explicit_bzero(buf, len);
}
