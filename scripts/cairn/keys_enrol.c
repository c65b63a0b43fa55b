// SPDX-License-Identifier: Apache-2.0
/* The files that a machine in Setup Mode is given: signed once by the owner, public afterwards. */
#include "keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pkcs7.h>

#include "cmd.h"
#include "efiauth.h"
#include "hex.h"
#include "io.h"
#include "mscert.h"
#include "pe.h"
#include "sign.h"

/* Owner of our signatures: a GUID of ours, of no meaning to the firmware. */
static const uint8_t owner_guid[EFIAUTH_GUID_BYTES] = { 0x6e, 0x72, 0x69, 0x61, 0x63, 0x00,
							0x00, 0x40, 0x80, 0x00, 0x63, 0x61,
							0x69, 0x72, 0x6e, 0x01 };
/* Owner of Microsoft's: the GUID that its tools give them, 77fa9abd-0359-4d32-bd60-28f4e78f784b. */
static const uint8_t microsoft_guid[EFIAUTH_GUID_BYTES] = { 0xbd, 0x9a, 0xfa, 0x77, 0x59, 0x03,
							    0x32, 0x4d, 0xbd, 0x60, 0x28, 0xf4,
							    0xe7, 0x8f, 0x78, 0x4b };

struct content {
	uint8_t buf[EFIAUTH_MAX];
	size_t len;
};

struct signer {
	EVP_PKEY *key;
	X509 *cert;
};

static int add(struct content *c, enum efiauth_type type, const uint8_t *owner, const void *data,
	       size_t len, struct err *err)
{
	int rc = efiauth_add(c->buf, sizeof(c->buf), &c->len, type, owner, data, len);

	return rc ? err_set(err, -EINVAL, "too much for one variable") : 0;
}

static int add_cert(struct content *c, const char *path, struct err *err)
{
	unsigned char *der = NULL;
	X509 *cert = NULL;
	int len, rc = sign_load_cert(path, &cert, err);

	if (rc)
		return rc;
	len = i2d_X509(cert, &der);
	X509_free(cert);
	if (len <= 0)
		return err_set(err, -EINVAL, "%s: libcrypto cannot write it", path);
	rc = add(c, EFIAUTH_X509, owner_guid, der, (size_t)len, err);
	OPENSSL_free(der);
	return rc;
}

/* 64 hex digits, an image, or a certificate. */
static int add_revoked(struct content *c, const char *what, struct err *err)
{
	uint8_t digest[SHA256_SIZE], *buf _cleanup_free_ = NULL;
	struct pe pe;
	size_t len;
	int rc;

	if (hex_decode(what, digest, sizeof(digest)) == 0)
		return add(c, EFIAUTH_SHA256, owner_guid, digest, sizeof(digest), err);
	rc = cmd_load(what, PE_MAX, 0, &buf, &len, err);
	if (rc)
		return rc;
	if (pe_parse(buf, len, &pe, NULL))
		return add_cert(c, what, err);
	pe_hash(buf, len, &pe, pe.cert_bytes ? 0 : pe_pad(len), digest);
	return add(c, EFIAUTH_SHA256, owner_guid, digest, sizeof(digest), err);
}

static int load_signer(const char *dir, const char *name, struct signer *ret, struct err *err)
{
	char path[KEYS_PATH_MAX];
	int rc = keys_path(path, dir, name, "key", err);

	if (!rc)
		rc = sign_load_key(path, 1, &ret->key, err);
	if (!rc)
		rc = keys_path(path, dir, name, "crt", err);
	if (!rc)
		rc = sign_load_cert(path, &ret->cert, err);
	if (!rc && X509_check_private_key(ret->cert, ret->key) != 1)
		rc = err_set(err, -EINVAL, "%s is not the certificate of its key", path);
	return rc;
}

static void release_signer(struct signer *s)
{
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
}

/* SignedData alone, detached, without attributes: the one form that every firmware takes. */
static int sign(const struct signer *s, const uint8_t *message, size_t len, unsigned char **ret)
{
	const int flags = PKCS7_BINARY | PKCS7_DETACHED | PKCS7_NOATTR | PKCS7_NOSMIMECAP;
	BIO *in = BIO_new_mem_buf(message, (int)len);
	PKCS7 *p7 = PKCS7_sign(NULL, NULL, NULL, in, flags | PKCS7_PARTIAL);
	int bytes = -1;

	if (in && p7 && PKCS7_sign_add_signer(p7, s->cert, s->key, EVP_sha256(), flags) &&
	    PKCS7_final(p7, in, flags))
		bytes = i2d_PKCS7_SIGNED(p7->d.sign, ret);
	PKCS7_free(p7);
	BIO_free(in);
	return bytes;
}

static int save(const char *dir, const char *name, enum efiauth_var var, const struct signer *s,
		const struct content *c, uint64_t time, struct err *err)
{
	static uint8_t message[EFIAUTH_MESSAGE_MAX], whole[EFIAUTH_MAX];
	uint8_t when[EFIAUTH_TIME_BYTES];
	char path[KEYS_PATH_MAX];
	unsigned char *der = NULL;
	size_t message_len, len;
	int bytes, rc = keys_path(path, dir, name, "auth", err);

	if (rc)
		return rc;
	if (efiauth_time(time, when))
		return cmd_usage(err, "--time: the years 1998 to 9999");
	rc = efiauth_message(var, when, c->buf, c->len, message, &message_len);
	bytes = rc ? -1 : sign(s, message, message_len, &der);
	if (bytes <= 0)
		return err_set(err, -EIO, "libcrypto could not sign %s", path);
	rc = efiauth_format(&(struct efiauth){ when, der, (size_t)bytes, c->buf, c->len }, whole,
			    &len);
	OPENSSL_free(der);
	if (rc)
		return err_set(err, -EINVAL, "%s: too much for one variable", path);
	return cmd_save(path, whole, len, err);
}

/* One variable that holds one certificate. */
static int save_cert(const char *dir, enum efiauth_var var, const struct signer *s, uint64_t time,
		     struct content *c, struct err *err)
{
	char path[KEYS_PATH_MAX];
	int rc = keys_path(path, dir, efiauth_name(var), "crt", err);

	c->len = 0;
	if (!rc)
		rc = add_cert(c, path, err);
	return rc ? rc : save(dir, efiauth_name(var), var, s, c, time, err);
}

static int save_db(const char *dir, const struct keys_enrolment *e, const struct signer *kek,
		   struct content *c, struct err *err)
{
	char path[KEYS_PATH_MAX];
	const uint8_t *microsoft;
	size_t i, len;
	int rc = keys_path(path, dir, "db", "crt", err);

	c->len = 0;
	if (!rc)
		rc = add_cert(c, path, err);
	for (i = 0; !rc && i < e->n_also; i++)
		rc = add_cert(c, e->also[i], err);
	if (!rc)
		rc = save(dir, "db", EFIAUTH_DB, kek, c, e->time, err);
	if (rc)
		return rc;
	microsoft = mscert_der(&len);
	rc = add(c, EFIAUTH_X509, microsoft_guid, microsoft, len, err);
	return rc ? rc : save(dir, "db-microsoft", EFIAUTH_DB, kek, c, e->time, err);
}

static int save_dbx(const char *dir, const struct keys_enrolment *e, const struct signer *kek,
		    struct content *c, struct err *err)
{
	char path[KEYS_PATH_MAX];
	size_t i;
	int rc = 0;

	c->len = 0;
	for (i = 0; !rc && i < e->n_revoke; i++)
		rc = add_revoked(c, e->revoke[i], err);
	if (!rc && c->len)
		return save(dir, "dbx", EFIAUTH_DBX, kek, c, e->time, err);
	if (!rc)
		rc = keys_path(path, dir, "dbx", "auth", err);
	/* An older one would say otherwise. */
	if (!rc && unlink(path) && errno != ENOENT)
		rc = err_sys(err, -errno, "remove %s", path);
	return rc;
}

int keys_enrol(const char *dir, const struct keys_enrolment *e, struct err *err)
{
	static struct content content;
	struct signer pk = { 0 }, kek = { 0 };
	int rc = load_signer(dir, "PK", &pk, err);

	if (!rc)
		rc = load_signer(dir, "KEK", &kek, err);
	if (!rc)
		rc = save_dbx(dir, e, &kek, &content, err);
	if (!rc)
		rc = save_db(dir, e, &kek, &content, err);
	if (!rc)
		rc = save_cert(dir, EFIAUTH_KEK, &pk, e->time, &content, err);
	if (!rc)
		rc = save_cert(dir, EFIAUTH_PK, &pk, e->time, &content, err);
	release_signer(&kek);
	release_signer(&pk);
	return rc;
}
