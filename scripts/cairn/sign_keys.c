// SPDX-License-Identifier: Apache-2.0
#include "sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "cmd.h"
#include "devkeys.h"
#include "io.h"
#include "pkcs11.h"

enum { KEY_FILE_MAX = 65536 };

/* Asking for a pass phrase would stop a build; such keys are refused. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static EVP_PKEY *read_pem(const void *pem, size_t len, int private_too)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key;
	X509 *cert;

	if (!bio)
		return NULL;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!key && !private_too && BIO_reset(bio) == 1)
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	if (!key && !private_too && BIO_reset(bio) == 1) {
		cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
		key = cert ? X509_get_pubkey(cert) : NULL;
		X509_free(cert);
	}
	BIO_free(bio);
	return key;
}

int sign_key_id(EVP_PKEY *key, uint8_t ret_id[static SHA256_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return -EINVAL;
	sha256(der, (size_t)len, ret_id);
	OPENSSL_free(der);
	return 0;
}

int sign_key_insecure(EVP_PKEY *key)
{
	uint8_t id[SHA256_SIZE];

	return sign_key_id(key, id) || devkeys_has(id);
}

int sign_key_open(const char *path, int private_too, EVP_PKEY **ret, int *ret_token,
		  struct err *err)
{
	uint8_t *text _cleanup_free_ = NULL;
	const char *release = getenv("RELEASE");
	EVP_PKEY *key = NULL;
	size_t len;
	int token, rc = cmd_load(path, KEY_FILE_MAX, 1, &text, &len, err);

	if (rc)
		return rc;
	token = pkcs11_is_uri((char *)text);
	if (token)
		rc = pkcs11_open((char *)text, private_too, &key, err);
	else
		key = read_pem(text, len, private_too);
	OPENSSL_cleanse(text, len);
	if (rc) {
		err_prefix(err, "%s", path);
		return rc;
	}
	if (!key)
		return err_set(err, -EINVAL,
			       "%s: no %skey in PEM without a pass phrase, and no pkcs11: URI",
			       path, private_too ? "private " : "");
	if (release && *release && sign_key_insecure(key)) {
		EVP_PKEY_free(key);
		return err_set(err, CMD_REFUSED,
			       "%s: RELEASE=1 refuses an insecure development key", path);
	}
	*ret = key;
	*ret_token = token;
	return 0;
}

/* What libcrypto can ask any number of, wherever the private part is. */
EVP_PKEY *sign_public(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	const unsigned char *p;
	int len = i2d_PUBKEY(key, &der);
	EVP_PKEY *public;

	if (len <= 0)
		return NULL;
	p = der;
	public = d2i_PUBKEY(NULL, &p, len);
	OPENSSL_free(der);
	return public;
}

int sign_load_key(const char *path, int private_too, EVP_PKEY **ret, struct err *err)
{
	EVP_PKEY *key = NULL;
	int bits, token, rc = sign_key_open(path, private_too, &key, &token, err);

	if (rc)
		return rc;
	bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || bits < 2048 || bits > 4096) {
		EVP_PKEY_free(key);
		return err_set(err, -EINVAL, "%s: firmware and GRUB need RSA of 2048 to 4096 bits",
			       path);
	}
	*ret = key;
	return 0;
}

int sign_load_cert(const char *path, X509 **ret, struct err *err)
{
	BIO *bio = BIO_new_file(path, "r");
	X509 *cert;

	if (!bio)
		return err_sys(err, -errno, "open %s", path);
	cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (!cert)
		return err_set(err, -EINVAL, "%s: no certificate in PEM", path);
	*ret = cert;
	return 0;
}
