// SPDX-License-Identifier: Apache-2.0
#include "credential.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define MAGIC 0xbadcc0deu
#define VERSION 1u
#define HMAC_FIELD (2 + SHA256_SIZE) /* a TPM2B_DIGEST */
#define SEED_ENCRYPTED_MAX RSA_SIZE_MAX

void credential_kdfa(const uint8_t *key, size_t key_len, const char *label, const void *context,
		     size_t context_len, uint8_t *ret, size_t len)
{
	uint8_t word[4], mac[SHA256_SIZE];
	struct hmac h;

	hmac_init(&h, key, key_len);
	be32_store(word, 1);
	hmac_update(&h, word, sizeof(word));
	hmac_update(&h, label, strlen(label) + 1);
	if (context_len)
		hmac_update(&h, context, context_len);
	be32_store(word, (uint32_t)(8 * len));
	hmac_update(&h, word, sizeof(word));
	hmac_final(&h, mac);
	memcpy(ret, mac, len < sizeof(mac) ? len : sizeof(mac));
	crypto_wipe(mac, sizeof(mac));
	crypto_wipe(&h, sizeof(h));
}

void credential_kdfe(const uint8_t z[static 32], const char *label, const uint8_t u[static 32],
		     const uint8_t v[static 32], uint8_t ret[static SHA256_SIZE])
{
	uint8_t counter[4];
	struct sha256 h;

	be32_store(counter, 1);
	sha256_init(&h);
	sha256_update(&h, counter, sizeof(counter));
	sha256_update(&h, z, 32);
	sha256_update(&h, label, strlen(label) + 1);
	sha256_update(&h, u, 32);
	sha256_update(&h, v, 32);
	sha256_final(&h, ret);
	crypto_wipe(&h, sizeof(h));
}

/* Part 1, 24.4 and 24.5: encrypt under a key that the name goes into, then HMAC over it and it. */
static void integrity(const uint8_t *seed, const uint8_t *encrypted, size_t len,
		      const uint8_t *name, uint8_t ret[static SHA256_SIZE])
{
	uint8_t key[SHA256_SIZE];
	struct hmac h;

	credential_kdfa(seed, SHA256_SIZE, "INTEGRITY", NULL, 0, key, sizeof(key));
	hmac_init(&h, key, sizeof(key));
	hmac_update(&h, encrypted, len);
	hmac_update(&h, name, TPM2_NAME_SIZE);
	hmac_final(&h, ret);
	crypto_wipe(key, sizeof(key));
	crypto_wipe(&h, sizeof(h));
}

static void storage_key(const uint8_t *seed, const uint8_t *name, uint8_t ret[static AES128_SIZE])
{
	credential_kdfa(seed, SHA256_SIZE, "STORAGE", name, TPM2_NAME_SIZE, ret, AES128_SIZE);
}

/* The seed and its encrypted form, by the EK's kind. */
static int protect_rsa(const struct tpm2_public *ek, const struct credential_random *random,
		       uint8_t seed[static SHA256_SIZE], uint8_t *ret, size_t *ret_len)
{
	static const char label[] = "IDENTITY"; /* its NUL counts: Part 1, B.4 */

	memcpy(seed, random->seed, SHA256_SIZE);
	*ret_len = ek->modulus_len;
	return crypto_rsa_oaep(ek->modulus, ek->modulus_len, ek->exponent, label, sizeof(label),
			       random->oaep, seed, SHA256_SIZE, ret);
}

static int protect_ecc(const struct tpm2_public *ek, const struct credential_random *random,
		       uint8_t seed[static SHA256_SIZE], uint8_t *ret, size_t *ret_len)
{
	uint8_t point[P256_POINT_SIZE], z[32];
	int rc = crypto_p256_public(random->ephemeral, point);

	if (!rc)
		rc = crypto_p256_ecdh(random->ephemeral, ek->point, z);
	if (rc)
		return rc;
	credential_kdfe(z, "IDENTITY", point + 1, ek->point + 1, seed);
	crypto_wipe(z, sizeof(z));
	be16_store(ret, 32);
	memcpy(ret + 2, point + 1, 32);
	be16_store(ret + 34, 32);
	memcpy(ret + 36, point + 33, 32);
	*ret_len = 68;
	return 0;
}

int credential_make(const struct tpm2_public *ek, const uint8_t name[static TPM2_NAME_SIZE],
		    const uint8_t *secret, size_t secret_len,
		    const struct credential_random *random, uint8_t ret[static CREDENTIAL_MAX],
		    size_t *ret_len, struct err *err)
{
	static const uint8_t zeros[AES128_SIZE];
	uint8_t seed[SHA256_SIZE], key[AES128_SIZE], *p = ret, *encrypted;
	size_t seed_len;
	int rc;

	rc = tpm2_public_is_ek(ek, err);
	if (rc)
		return rc;
	if (secret_len == 0 || secret_len > CREDENTIAL_SECRET_MAX)
		return err_set(err, -EINVAL, "credential: a secret of %zu bytes", secret_len);
	be32_store(p, MAGIC);
	be32_store(p + 4, VERSION);
	be16_store(p + 8, (uint16_t)(HMAC_FIELD + 2 + secret_len));
	be16_store(p + 10, SHA256_SIZE);
	encrypted = p + 10 + HMAC_FIELD;
	p = encrypted + 2 + secret_len;
	rc = ek->type == TPM2_ID_RSA ? protect_rsa(ek, random, seed, p + 2, &seed_len)
				     : protect_ecc(ek, random, seed, p + 2, &seed_len);
	if (rc)
		return err_sys(err, rc, "credential: the endorsement key");
	be16_store(p, (uint16_t)seed_len);
	be16_store(encrypted, (uint16_t)secret_len);
	memcpy(encrypted + 2, secret, secret_len);
	storage_key(seed, name, key);
	crypto_aes128_cfb_encrypt(key, zeros, encrypted, 2 + secret_len);
	integrity(seed, encrypted, 2 + secret_len, name, ret + 12);
	*ret_len = (size_t)(p - ret) + 2 + seed_len;
	crypto_wipe(seed, sizeof(seed));
	crypto_wipe(key, sizeof(key));
	return 0;
}

int credential_parse(const uint8_t *buf, size_t len, struct credential *ret, struct err *err)
{
	struct credential c = { 0 };
	size_t at;

	if (len < 12 || len > CREDENTIAL_MAX || be32_load(buf) != MAGIC ||
	    be32_load(buf + 4) != VERSION)
		return err_set(err, -EBADMSG, "credential: no such file");
	c.object_len = be16_load(buf + 8);
	at = 10;
	if (c.object_len < HMAC_FIELD + 2 + 1 ||
	    c.object_len > HMAC_FIELD + 2 + CREDENTIAL_SECRET_MAX || c.object_len > len - at ||
	    be16_load(buf + at) != SHA256_SIZE)
		return err_set(err, -EBADMSG, "credential: an object of %zu bytes", c.object_len);
	c.object = buf + at;
	at += c.object_len;
	if (len - at < 2)
		return err_set(err, -EBADMSG, "credential: cut short");
	c.seed_len = be16_load(buf + at);
	at += 2;
	if (c.seed_len == 0 || c.seed_len > SEED_ENCRYPTED_MAX || c.seed_len != len - at)
		return err_set(err, -EBADMSG, "credential: a seed of %zu bytes", c.seed_len);
	c.seed = buf + at;
	*ret = c;
	return 0;
}

int credential_open(const struct credential *c, const uint8_t seed[static SHA256_SIZE],
		    const uint8_t name[static TPM2_NAME_SIZE],
		    uint8_t ret_secret[static CREDENTIAL_SECRET_MAX], size_t *ret_len)
{
	static const uint8_t zeros[AES128_SIZE];
	uint8_t mac[SHA256_SIZE], key[AES128_SIZE], plain[2 + CREDENTIAL_SECRET_MAX];
	const uint8_t *encrypted = c->object + HMAC_FIELD;
	size_t len = c->object_len - HMAC_FIELD;
	int rc = -EKEYREJECTED;

	integrity(seed, encrypted, len, name, mac);
	if (!crypto_equal(mac, c->object + 2, sizeof(mac)))
		return rc;
	storage_key(seed, name, key);
	memcpy(plain, encrypted, len);
	crypto_aes128_cfb_decrypt(key, zeros, plain, len);
	if (be16_load(plain) == len - 2) {
		*ret_len = len - 2;
		memcpy(ret_secret, plain + 2, len - 2);
		rc = 0;
	}
	crypto_wipe(key, sizeof(key));
	crypto_wipe(plain, sizeof(plain));
	return rc;
}
