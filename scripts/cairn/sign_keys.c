// SPDX-License-Identifier: Apache-2.0
#include "sign.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

/* Asking for a pass phrase would stop a build; such keys are refused. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

int sign_load_key(const char *path, int private_too, EVP_PKEY **ret, struct err *err)
{
	BIO *bio = BIO_new_file(path, "r");
	EVP_PKEY *key = NULL;
	int bits;

	if (!bio)
		return err_sys(err, -errno, "open %s", path);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!key && !private_too && BIO_reset(bio) == 0)
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (!key)
		return err_set(err, -EINVAL, "%s: no %skey in PEM without a pass phrase", path,
			       private_too ? "private " : "");
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
