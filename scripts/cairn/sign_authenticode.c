// SPDX-License-Identifier: Apache-2.0
#include "sign.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/objects.h>
#include <openssl/pkcs7.h>

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

/*
 * SpcIndirectDataContent ("Windows Authenticode Portable Executable Signature Format", 1.0) in
 * DER, up to the hash that ends it: SpcPeImageData with no flags and the file name that the
 * specification asks for ("<<<Obsolete>>>" in UTF-16), then the DigestInfo of SHA-256.
 */
static const uint8_t spc_prefix[] = {
	0x30, 0x68, 0x30, 0x33, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
	0x0f, 0x30, 0x25, 0x03, 0x01, 0x00, 0xa0, 0x20, 0xa2, 0x1e, 0x80, 0x1c, 0x00, '<',  0x00,
	'<',  0x00, '<',  0x00, 'O',  0x00, 'b',  0x00, 's',  0x00, 'o',  0x00, 'l',  0x00, 'e',
	0x00, 't',  0x00, 'e',	0x00, '>',  0x00, '>',	0x00, '>',  0x30, 0x31, 0x30, 0x0d, 0x06,
	0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};

enum {
	SPC_BYTES = sizeof(spc_prefix) + SHA256_SIZE,
	SPC_HEADER_BYTES = 2, /* tag and length: not part of the message digest */
	PKCS7_BYTES_MAX = 65536,
};

static void spc_format(const uint8_t digest[static SHA256_SIZE], uint8_t ret[static SPC_BYTES])
{
	memcpy(ret, spc_prefix, sizeof(spc_prefix));
	memcpy(ret + sizeof(spc_prefix), digest, SHA256_SIZE);
}

static PKCS7 *new_content(const uint8_t spc[static SPC_BYTES])
{
	PKCS7 *content = PKCS7_new();
	const unsigned char *p = spc;

	if (!content)
		return NULL;
	ASN1_OBJECT_free(content->type);
	content->type = OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
	content->d.other = d2i_ASN1_TYPE(NULL, &p, SPC_BYTES);
	if (!content->type || !content->d.other) {
		PKCS7_free(content);
		return NULL;
	}
	return content;
}

/* The attributes are what the RSA operation signs; their DER is sorted, so the bytes are fixed. */
static int sign_attributes(PKCS7_SIGNER_INFO *si, const uint8_t spc[static SPC_BYTES],
			   uint64_t time)
{
	ASN1_OBJECT *type = OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)time);
	uint8_t digest[SHA256_SIZE];
	int ok;

	sha256(spc + SPC_HEADER_BYTES, SPC_BYTES - SPC_HEADER_BYTES, digest);
	ok = type && when &&
	     PKCS7_add_signed_attribute(si, NID_pkcs9_contentType, V_ASN1_OBJECT, type);
	if (ok)
		type = NULL;
	ok = ok && PKCS7_add0_attrib_signing_time(si, when);
	if (ok)
		when = NULL;
	ok = ok && PKCS7_add1_attrib_digest(si, digest, sizeof(digest)) &&
	     PKCS7_SIGNER_INFO_sign(si);
	ASN1_OBJECT_free(type);
	ASN1_TIME_free(when);
	return ok;
}

int sign_authenticode(const uint8_t digest[static SHA256_SIZE], EVP_PKEY *key, X509 *cert,
		      uint64_t time, uint8_t **ret, size_t *ret_len, struct err *err)
{
	uint8_t spc[SPC_BYTES];
	PKCS7 *p7 = NULL, *content = NULL;
	PKCS7_SIGNER_INFO *si;
	unsigned char *der = NULL;
	int ok, len = -1;

	if (!X509_check_private_key(cert, key))
		return err_set(err, -EINVAL, "the certificate is not this key's");
	spc_format(digest, spc);
	p7 = PKCS7_new();
	content = new_content(spc);
	ok = p7 && content && PKCS7_set_type(p7, NID_pkcs7_signed) &&
	     PKCS7_set_content(p7, content);
	if (ok)
		content = NULL;
	ok = ok && PKCS7_add_certificate(p7, cert);
	si = ok ? PKCS7_add_signature(p7, cert, key, EVP_sha256()) : NULL;
	if (si && sign_attributes(si, spc, time))
		len = i2d_PKCS7(p7, &der);
	PKCS7_free(content);
	PKCS7_free(p7);
	if (len <= 0)
		return err_set(err, -EIO, "libcrypto could not make the PKCS #7 signature");
	*ret = der;
	*ret_len = (size_t)len;
	return 0;
}

/* The content of the signature is the one that this image's hash gives, byte by byte. */
static int content_matches(const PKCS7 *p7, const uint8_t spc[static SPC_BYTES])
{
	const PKCS7 *content = p7->d.sign->contents;
	const ASN1_TYPE *other = content ? content->d.other : NULL;
	char oid[64];

	if (!other || OBJ_obj2txt(oid, sizeof(oid), content->type, 1) <= 0 ||
	    strcmp(oid, SPC_INDIRECT_DATA) != 0 || other->type != V_ASN1_SEQUENCE)
		return 0;
	return other->value.sequence->length == SPC_BYTES &&
	       memcmp(other->value.sequence->data, spc, SPC_BYTES) == 0;
}

static int signature_valid(PKCS7 *p7, const uint8_t spc[static SPC_BYTES])
{
	BIO *content = BIO_new_mem_buf(spc + SPC_HEADER_BYTES, SPC_BYTES - SPC_HEADER_BYTES);
	int ok = content &&
		 PKCS7_verify(p7, NULL, NULL, content, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) == 1;

	BIO_free(content);
	return ok;
}

int sign_authenticode_check(const uint8_t *pkcs7, size_t len,
			    const uint8_t digest[static SHA256_SIZE], struct err *err)
{
	uint8_t spc[SPC_BYTES];
	const unsigned char *p = pkcs7;
	PKCS7 *p7 = len <= PKCS7_BYTES_MAX ? d2i_PKCS7(NULL, &p, (long)len) : NULL;
	int rc = 0;

	spc_format(digest, spc);
	if (!p7 || p != pkcs7 + len || !PKCS7_type_is_signed(p7))
		rc = err_set(err, -EBADMSG, "no PKCS #7 signature in DER");
	else if (!content_matches(p7, spc))
		rc = err_set(err, -EKEYREJECTED, "the signature is for another image");
	else if (!signature_valid(p7, spc))
		rc = err_set(err, -EKEYREJECTED, "the signature is not by its own certificate");
	PKCS7_free(p7);
	return rc;
}
