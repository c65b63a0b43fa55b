// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_CRYPTOVECTORS_H
#define CAIRN_TEST_CRYPTOVECTORS_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "hex.h"
#include "tests/data/crypto/wycheproof.h"

/*
 * One set of known answers for both backends of lib/crypto.h: the unit test holds libcrypto against
 * it, e2e-crypto mbedTLS. Each returns how many answers were wrong, and names them.
 */

#define VECTORS(array) (sizeof(array) / sizeof((array)[0]))

/* hex of any length up to max bytes; what is not hex would be a wrong answer below */
static inline size_t vector_bytes(const char *hex, uint8_t *ret, size_t max)
{
	size_t len = strlen(hex) / 2;

	return len <= max && hex_decode(hex, ret, len) == 0 ? len : 0;
}

static inline int vector_wrong(const char *what, int id)
{
	(void)printf("wrong: %s %d\n", what, id);
	return 1;
}

static inline int vectors_ecdsa(void)
{
	int wrong = 0;
	size_t i;

	for (i = 0; i < VECTORS(ecdsa_vectors); i++) {
		const struct ecdsa_vector *v = &ecdsa_vectors[i];
		uint8_t point[P256_POINT_SIZE], digest[SHA256_SIZE], rs[P256_SIGNATURE_SIZE];
		struct p256_key *key = NULL;
		int once, ready;

		(void)vector_bytes(v->point, point, sizeof(point));
		(void)vector_bytes(v->digest, digest, sizeof(digest));
		(void)vector_bytes(v->signature, rs, sizeof(rs));
		once = crypto_p256_verify(point, digest, rs);
		ready = crypto_p256_key_new(point, &key);
		ready = ready ? ready : crypto_p256_key_verify(key, digest, rs);
		crypto_p256_key_free(key);
		if ((once == 0) != v->good || once != ready)
			wrong += vector_wrong("ecdsa", v->id);
	}
	return wrong;
}

static inline int vectors_ecdh(void)
{
	int wrong = 0;
	size_t i;

	for (i = 0; i < VECTORS(ecdh_vectors); i++) {
		const struct ecdh_vector *v = &ecdh_vectors[i];
		uint8_t point[P256_POINT_SIZE], secret[P256_SECRET_SIZE], want[32], got[32];
		int rc;

		(void)vector_bytes(v->point, point, sizeof(point));
		(void)vector_bytes(v->secret, secret, sizeof(secret));
		(void)vector_bytes(v->shared, want, sizeof(want));
		rc = crypto_p256_ecdh(secret, point, got);
		if (v->good ? rc != 0 || memcmp(got, want, sizeof(got)) != 0 : rc != -EINVAL)
			wrong += vector_wrong("ecdh", v->id);
	}
	return wrong;
}

static inline int vectors_hmac(void)
{
	int wrong = 0;
	size_t i, cut;

	for (i = 0; i < VECTORS(hmac_vectors); i++) {
		const struct hmac_vector *v = &hmac_vectors[i];
		uint8_t key[128], message[128], want[SHA256_SIZE], got[SHA256_SIZE];
		size_t key_len = vector_bytes(v->key, key, sizeof(key));
		size_t len = vector_bytes(v->message, message, sizeof(message));
		struct hmac h;

		(void)vector_bytes(v->mac, want, sizeof(want));
		for (cut = 0; cut <= len; cut++) {
			hmac_init(&h, key, key_len);
			hmac_update(&h, message, cut);
			hmac_update(&h, message + cut, len - cut);
			hmac_final(&h, got);
			if (memcmp(got, want, sizeof(got)) != 0)
				wrong += vector_wrong("hmac", v->id);
		}
	}
	return wrong;
}

static inline int vectors_oaep(void)
{
	uint8_t modulus[256], seed[SHA256_SIZE], label[64], message[200], want[256], got[256];
	int wrong = 0;
	size_t i;

	(void)vector_bytes(oaep_modulus, modulus, sizeof(modulus));
	for (i = 0; i < VECTORS(oaep_vectors); i++) {
		const struct oaep_vector *v = &oaep_vectors[i];
		size_t label_len = vector_bytes(v->label, label, sizeof(label));
		size_t len = vector_bytes(v->message, message, sizeof(message));

		(void)vector_bytes(v->seed, seed, sizeof(seed));
		(void)vector_bytes(v->encrypted, want, sizeof(want));
		if (crypto_rsa_oaep(modulus, sizeof(modulus), 65537, label, label_len, seed,
				    message, len, got) ||
		    memcmp(got, want, sizeof(got)) != 0)
			wrong += vector_wrong("oaep", v->id);
	}
	/* What is refused: lengths, an even modulus or exponent, an input not below the modulus. */
	memset(want, 0xff, sizeof(want));
	if (crypto_rsa_oaep(modulus, 256, 65537, "", 0, seed, message, 191, got) != -EINVAL ||
	    crypto_rsa_public(modulus, 255, 65537, seed, got) != -EINVAL ||
	    crypto_rsa_public(modulus, 256, 65536, message, got) != -EINVAL ||
	    crypto_rsa_public(modulus, 256, 1, message, got) != -EINVAL ||
	    crypto_rsa_public(modulus, 256, 65537, want, got) != -EINVAL)
		wrong += vector_wrong("oaep, what is refused", 0);
	modulus[255] ^= 1;
	if (crypto_rsa_public(modulus, 256, 65537, seed, got) != -EINVAL)
		wrong += vector_wrong("rsa, even modulus", 0);
	return wrong;
}

/* SP 800-38A, F.3.13 and F.3.14: CFB128-AES128; then every length up to it. */
static inline int vectors_cfb(void)
{
	uint8_t key[AES128_SIZE], iv[AES128_SIZE], plain[64], cipher[64], buf[64];
	int wrong = 0;
	size_t len;

	(void)vector_bytes("2b7e151628aed2a6abf7158809cf4f3c", key, sizeof(key));
	(void)vector_bytes("000102030405060708090a0b0c0d0e0f", iv, sizeof(iv));
	(void)vector_bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
			   "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
			   plain, sizeof(plain));
	(void)vector_bytes("3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"
			   "26751f67a3cbb140b1808cf187a4f4dfc04b05357c5d1c0eeac4c66f9ff7f2e6",
			   cipher, sizeof(cipher));
	for (len = 0; len <= sizeof(plain); len++) {
		memcpy(buf, plain, sizeof(buf));
		crypto_aes128_cfb_encrypt(key, iv, buf, len);
		if (memcmp(buf, cipher, len) != 0 ||
		    memcmp(buf + len, plain + len, sizeof(buf) - len) != 0)
			wrong += vector_wrong("cfb, encryption of", (int)len);
		crypto_aes128_cfb_decrypt(key, iv, buf, len);
		if (memcmp(buf, plain, sizeof(buf)) != 0)
			wrong += vector_wrong("cfb, decryption of", (int)len);
	}
	return wrong;
}

/* RFC 6979, A.2.5: the key pair; and secrets that are none. */
static inline int vectors_public(void)
{
	uint8_t secret[P256_SECRET_SIZE], want[P256_POINT_SIZE], got[P256_POINT_SIZE];
	int wrong = 0;

	(void)vector_bytes("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
			   secret, sizeof(secret));
	(void)vector_bytes("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			   "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
			   want, sizeof(want));
	if (crypto_p256_public(secret, got) || memcmp(got, want, sizeof(got)) != 0)
		wrong += vector_wrong("public key", 1);
	memset(secret, 0, sizeof(secret));
	if (crypto_p256_public(secret, got) != -EINVAL ||
	    crypto_p256_ecdh(secret, want, got) != -EINVAL)
		wrong += vector_wrong("secret of zero", 2);
	(void)vector_bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
			   secret, sizeof(secret));
	if (crypto_p256_public(secret, got) != -EINVAL ||
	    crypto_p256_ecdh(secret, want, got) != -EINVAL)
		wrong += vector_wrong("secret of the order", 3);
	return wrong;
}

static inline int vectors_other(void)
{
	uint8_t a[32], b[32];
	int wrong = 0;

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	if (crypto_random(a, sizeof(a)) || crypto_random(b, sizeof(b)) ||
	    memcmp(a, b, sizeof(a)) == 0)
		wrong += vector_wrong("random", 1);
	if (crypto_equal(a, b, sizeof(a)) || !crypto_equal(a, a, sizeof(a)) ||
	    !crypto_equal(a, b, 0))
		wrong += vector_wrong("equal", 1);
	crypto_wipe(a, sizeof(a));
	memset(b, 0, sizeof(b));
	if (!crypto_equal(a, b, sizeof(a)))
		wrong += vector_wrong("wipe", 1);
	return wrong;
}

static inline int vectors_all(void)
{
	return vectors_ecdsa() + vectors_ecdh() + vectors_hmac() + vectors_oaep() + vectors_cfb() +
	       vectors_public() + vectors_other();
}

#endif
