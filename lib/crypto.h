// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CRYPTO_H
#define CAIRN_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

/*
 * The few primitives that lib/ needs, with two backends: mbedTLS on the device for its size,
 * OpenSSL's libcrypto on hosts for its speed. What is not in a backend is in crypto.c, over these.
 * Only crypto_p256_key_new hands over something to free.
 */

#define SHA256_SIZE 32

/* State of one SHA-256 computation (FIPS 180-4). Owned by the caller; may be copied. */
struct sha256 {
	_Alignas(16) uint8_t opaque[128];
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *buf, size_t len);
/* sha256_final - the digest; h must be initialised again before it is used again. */
void sha256_final(struct sha256 *h, uint8_t ret_digest[static SHA256_SIZE]);
/* sha256 - the digest of one buffer. */
void sha256(const void *buf, size_t len, uint8_t ret_digest[static SHA256_SIZE]);

#define P256_POINT_SIZE 65     /* 04 | x | y, SEC 1 2.3.3, uncompressed */
#define P256_SIGNATURE_SIZE 64 /* r | s, big-endian */

/*
 * crypto_p256_verify - does the signature of this digest hold under this public key?
 * ECDSA, FIPS 186-5 6.4.2, over NIST P-256.
 * Errors: -EINVAL the point is none of the curve, -EKEYREJECTED it does not hold, -ENOMEM.
 */
int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE]);

/*
 * A public key made ready for many verifications: what crypto_p256_verify prepares each time.
 * A key may be used by several threads at once.
 */
struct p256_key;

/* crypto_p256_key_new - *ret is the caller's. Errors: -EINVAL no point of the curve, -ENOMEM. */
int crypto_p256_key_new(const uint8_t point[static P256_POINT_SIZE], struct p256_key **ret);
/* crypto_p256_key_free - NULL is accepted. */
void crypto_p256_key_free(struct p256_key *key);
/* crypto_p256_key_verify - crypto_p256_verify under a key that is ready. */
int crypto_p256_key_verify(struct p256_key *key, const uint8_t digest[static SHA256_SIZE],
			   const uint8_t signature[static P256_SIGNATURE_SIZE]);

#define P256_SECRET_SIZE 32 /* big-endian, 1 to the group's order - 1 */

/*
 * crypto_p256_public - the public key of a secret one.
 * Errors: -EINVAL the secret is out of range, -ENOMEM.
 */
int crypto_p256_public(const uint8_t secret[static P256_SECRET_SIZE],
		       uint8_t ret_point[static P256_POINT_SIZE]);

/*
 * crypto_p256_ecdh - the x coordinate of secret * point (SP 800-56A rev. 3, 5.7.1.2).
 * Errors: -EINVAL no point of the curve or a secret out of range, -ENOMEM.
 */
int crypto_p256_ecdh(const uint8_t secret[static P256_SECRET_SIZE],
		     const uint8_t point[static P256_POINT_SIZE], uint8_t ret_x[static 32]);

#define AES128_SIZE 16 /* bytes of a key, of a block */

/*
 * crypto_aes128_cfb - AES-128 in CFB with a feedback of 128 bits (SP 800-38A, 6.3), the TPM's way
 * to encrypt. buf is replaced; any length.
 */
void crypto_aes128_cfb_encrypt(const uint8_t key[static AES128_SIZE],
			       const uint8_t iv[static AES128_SIZE], uint8_t *buf, size_t len);
void crypto_aes128_cfb_decrypt(const uint8_t key[static AES128_SIZE],
			       const uint8_t iv[static AES128_SIZE], uint8_t *buf, size_t len);

#define RSA_SIZE_MIN 256 /* bytes of a modulus: RSA-2048 */
#define RSA_SIZE_MAX 512

/*
 * crypto_rsa_public - in ^ exponent mod modulus, all of `size` bytes (RFC 8017, RSAEP).
 * Errors: -EINVAL the size is out of range, the modulus even, the exponent even or 1, or the
 * input not below the modulus; -ENOMEM.
 */
int crypto_rsa_public(const uint8_t *modulus, size_t size, uint32_t exponent, const uint8_t *in,
		      uint8_t *ret_out);

/*
 * crypto_rsa_oaep - encrypt with RSAES-OAEP (RFC 8017, 7.1.1), SHA-256 for hash and mask. The
 * label is taken as it is; seed must be random. ret_out holds `size` bytes.
 * Errors: -EINVAL as crypto_rsa_public, or a message longer than size - 66; -ENOMEM.
 */
int crypto_rsa_oaep(const uint8_t *modulus, size_t size, uint32_t exponent, const void *label,
		    size_t label_len, const uint8_t seed[static SHA256_SIZE],
		    const uint8_t *message, size_t message_len, uint8_t *ret_out);

/* State of one HMAC-SHA256 (RFC 2104). Owned by the caller, who wipes it where the key is secret.
 */
struct hmac {
	struct sha256 inner, outer;
};

void hmac_init(struct hmac *h, const void *key, size_t key_len);
void hmac_update(struct hmac *h, const void *buf, size_t len);
void hmac_final(struct hmac *h, uint8_t ret_mac[static SHA256_SIZE]);

/* crypto_random - from the kernel's generator, once it is seeded. Errors: as getrandom(2). */
int crypto_random(void *ret_buf, size_t len);
/* crypto_equal - 1 where equal, 0 where not, in a time that does not depend on the content. */
int crypto_equal(const void *a, const void *b, size_t len);
/* crypto_wipe - zeros that the compiler does not leave out. */
void crypto_wipe(void *buf, size_t len);

/*
 * crypto_rsa_verify - does the RSASSA-PKCS1-v1_5 signature (RFC 8017, 8.2.2) of this SHA-256 digest
 * hold under the public key n, e? Big-endian, leading zeros allowed; the signature is as long as
 * the modulus, RSA_SIZE_MIN to RSA_SIZE_MAX.
 * Errors: -EINVAL no such key, -EKEYREJECTED it does not hold, -ENOMEM.
 */
int crypto_rsa_verify(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
		      const uint8_t digest[static SHA256_SIZE], const uint8_t *signature,
		      size_t signature_len);

#endif
