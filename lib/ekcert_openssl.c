// SPDX-License-Identifier: Apache-2.0
/* The keys are compared through the low-level types, as everywhere in this backend. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ekcert.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static bool same_ecc(const EC_KEY *key, const struct tpm2_public *ek)
{
	uint8_t point[P256_POINT_SIZE];

	return EC_GROUP_get_curve_name(EC_KEY_get0_group(key)) == NID_X9_62_prime256v1 &&
	       EC_POINT_point2oct(EC_KEY_get0_group(key), EC_KEY_get0_public_key(key),
				  POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point),
				  NULL) == sizeof(point) &&
	       memcmp(point, ek->point, sizeof(point)) == 0;
}

static bool same_rsa(const RSA *key, const struct tpm2_public *ek)
{
	uint8_t modulus[RSA_SIZE_MAX];

	return (size_t)RSA_size(key) == ek->modulus_len &&
	       BN_bn2binpad(RSA_get0_n(key), modulus, (int)ek->modulus_len) ==
		       (int)ek->modulus_len &&
	       memcmp(modulus, ek->modulus, ek->modulus_len) == 0 &&
	       BN_is_word(RSA_get0_e(key), ek->exponent);
}

static bool same_key(X509 *cert, const struct tpm2_public *ek)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (!key)
		return false;
	if (EVP_PKEY_base_id(key) == EVP_PKEY_EC && ek->type == TPM2_ID_ECC)
		return same_ecc(EVP_PKEY_get0_EC_KEY(key), ek);
	if (EVP_PKEY_base_id(key) == EVP_PKEY_RSA && ek->type == TPM2_ID_RSA)
		return same_rsa(EVP_PKEY_get0_RSA(key), ek);
	return false;
}

static bool is_for_eks(X509 *cert)
{
	ASN1_OBJECT *wanted = OBJ_txt2obj("2.23.133.8.1", 1);
	EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool found = uses == NULL;
	int i;

	for (i = 0; uses && wanted && i < sk_ASN1_OBJECT_num(uses); i++)
		if (OBJ_cmp(sk_ASN1_OBJECT_value(uses, i), wanted) == 0)
			found = true;
	EXTENDED_KEY_USAGE_free(uses);
	ASN1_OBJECT_free(wanted);
	return found;
}

/* read_roots - self-signed ones into the store, others into the list. Returns how many. */
static int read_roots(const char *pem, size_t len, X509_STORE *store, STACK_OF(X509) * others)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *cert;
	int n = 0;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (X509_self_signed(cert, 1) == 1) {
			(void)X509_STORE_add_cert(store, cert);
			X509_free(cert);
		} else if (!sk_X509_push(others, cert)) {
			X509_free(cert);
		}
		n++;
	}
	ERR_clear_error();
	BIO_free(bio);
	return n;
}

static int chain(X509 *cert, X509_STORE *store, STACK_OF(X509) * others, uint64_t now_s,
		 struct err *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int rc = -ENOMEM;

	if (ctx && X509_STORE_CTX_init(ctx, store, cert, others)) {
		X509_STORE_CTX_set_time(ctx, 0, (time_t)now_s);
		rc = 0;
		if (X509_verify_cert(ctx) != 1)
			rc = err_set(err, -EKEYREJECTED, "EK certificate: %s",
				     X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

int ekcert_check(const uint8_t *der, size_t len, const struct tpm2_public *ek, const char *pem,
		 size_t pem_len, uint64_t now_s, struct err *err)
{
	const uint8_t *at = der;
	X509 *cert = d2i_X509(NULL, &at, (long)len);
	STACK_OF(X509) *others = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	int rc;

	if (!others || !store)
		rc = err_set(err, -ENOMEM, "EK certificate: no memory");
	else if (!cert || at != der + len)
		rc = err_set(err, -EBADMSG, "EK certificate: no X.509 certificate");
	else if (pem_len > EKCERT_ROOTS_MAX || read_roots(pem, pem_len, store, others) == 0)
		rc = err_set(err, -EBADMSG, "roots of TPM makers: no certificate in PEM");
	else if (!same_key(cert, ek))
		rc = err_set(err, -EKEYREJECTED, "EK certificate: of another key");
	else if (X509_check_ca(cert) != 0 || !is_for_eks(cert))
		rc = err_set(err, -EKEYREJECTED, "EK certificate: not one of an endorsement key");
	else
		rc = chain(cert, store, others, now_s, err);
	sk_X509_pop_free(others, X509_free);
	X509_STORE_free(store);
	X509_free(cert);
	ERR_clear_error();
	return rc;
}
