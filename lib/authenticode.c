// SPDX-License-Identifier: Apache-2.0
#include "authenticode.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "der.h"
#include "efiauth.h"
#include "pe.h"

enum { CERT_HEAD_BYTES = 8, CERT_TYPE_PKCS7 = 2, CERTS_MAX = 8 };

static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t oid_spc[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04 };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };
static const uint8_t oid_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 };
static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t oid_rsa_sha256[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b };

/* What is used of an X.509 certificate (RFC 5280, 4.1). */
struct cert {
	struct der whole, tbs, serial, issuer, n, e;
	int is_rsa;
};

/* AlgorithmIdentifier: its OID; parameters are NULL or absent wherever they are read here. */
static int algorithm(struct der *in, struct der *ret_oid)
{
	struct der seq;

	return der_next(in, DER_SEQUENCE, &seq) || der_next(&seq, DER_OID, ret_oid) ? -EBADMSG : 0;
}

static int parse_spki(struct der *in, struct cert *ret)
{
	struct der spki, oid, bits, key;

	if (der_next(in, DER_SEQUENCE, &spki) || algorithm(&spki, &oid) ||
	    der_next(&spki, DER_BIT_STRING, &bits))
		return -EBADMSG;
	if (!der_equal(&oid, oid_rsa, sizeof(oid_rsa)))
		return 0;
	if (!bits.len || bits.p[0])
		return -EBADMSG;
	bits = (struct der){ bits.p + 1, bits.len - 1 };
	if (der_next(&bits, DER_SEQUENCE, &key) || der_next(&key, DER_INTEGER, &ret->n) ||
	    der_next(&key, DER_INTEGER, &ret->e))
		return -EBADMSG;
	ret->is_rsa = 1;
	return 0;
}

static int parse_cert(struct der whole, struct cert *ret)
{
	struct der in = whole, cert, tbs, skip;

	memset(ret, 0, sizeof(*ret));
	ret->whole = whole;
	if (der_next(&in, DER_SEQUENCE, &cert) || in.len)
		return -EBADMSG;
	in = cert;
	if (der_any(&in, NULL, NULL, &ret->tbs) || der_next(&cert, DER_SEQUENCE, &tbs))
		return -EBADMSG;
	if (der_next_is(&tbs, DER_CONTEXT_0) && der_any(&tbs, NULL, NULL, NULL))
		return -EBADMSG;
	if (der_next(&tbs, DER_INTEGER, &ret->serial) || der_next(&tbs, DER_SEQUENCE, &skip) ||
	    !der_next_is(&tbs, DER_SEQUENCE) || der_any(&tbs, NULL, NULL, &ret->issuer) ||
	    der_next(&tbs, DER_SEQUENCE, &skip) || der_next(&tbs, DER_SEQUENCE, &skip))
		return -EBADMSG;
	return parse_spki(&tbs, ret);
}

struct signed_data {
	struct der spc; /* content of SpcIndirectDataContent: what messageDigest is over */
	uint8_t image[SHA256_SIZE];
	struct cert cert[CERTS_MAX];
	size_t certs;
	struct der issuer, serial, attributes, signature;
};

static int parse_spc(struct der *in, struct signed_data *ret)
{
	struct der info, oid, wrapped, spc, data, digest_info, digest;

	if (der_next(in, DER_SEQUENCE, &info) || der_next(&info, DER_OID, &oid) ||
	    !der_equal(&oid, oid_spc, sizeof(oid_spc)) ||
	    der_next(&info, DER_CONTEXT_0, &wrapped) || der_next(&wrapped, DER_SEQUENCE, &spc))
		return -EBADMSG;
	ret->spc = spc;
	if (der_next(&spc, DER_SEQUENCE, &data) || der_next(&spc, DER_SEQUENCE, &digest_info) ||
	    spc.len || algorithm(&digest_info, &oid) ||
	    !der_equal(&oid, oid_sha256, sizeof(oid_sha256)) ||
	    der_next(&digest_info, DER_OCTET_STRING, &digest) || digest.len != SHA256_SIZE)
		return -EBADMSG;
	memcpy(ret->image, digest.p, SHA256_SIZE);
	return 0;
}

static int parse_signer(struct der *in, struct signed_data *ret)
{
	struct der signers, signer, skip, id, oid;

	if (der_next(in, DER_SET, &signers) || der_next(&signers, DER_SEQUENCE, &signer) ||
	    signers.len || der_next(&signer, DER_INTEGER, &skip) ||
	    der_next(&signer, DER_SEQUENCE, &id) || !der_next_is(&id, DER_SEQUENCE) ||
	    der_any(&id, NULL, NULL, &ret->issuer) || der_next(&id, DER_INTEGER, &ret->serial) ||
	    algorithm(&signer, &oid) || !der_equal(&oid, oid_sha256, sizeof(oid_sha256)) ||
	    der_next(&signer, DER_CONTEXT_0, &ret->attributes) || algorithm(&signer, &oid))
		return -EBADMSG;
	if (!der_equal(&oid, oid_rsa, sizeof(oid_rsa)) &&
	    !der_equal(&oid, oid_rsa_sha256, sizeof(oid_rsa_sha256)))
		return -EBADMSG;
	return der_next(&signer, DER_OCTET_STRING, &ret->signature);
}

static int parse(const uint8_t *pkcs7, size_t len, struct signed_data *ret)
{
	struct der in = { pkcs7, len }, info, oid, wrapped, data, skip, certs;

	memset(ret, 0, sizeof(*ret));
	if (der_next(&in, DER_SEQUENCE, &info) || in.len || der_next(&info, DER_OID, &oid) ||
	    !der_equal(&oid, oid_signed_data, sizeof(oid_signed_data)) ||
	    der_next(&info, DER_CONTEXT_0, &wrapped) || der_next(&wrapped, DER_SEQUENCE, &data) ||
	    der_next(&data, DER_INTEGER, &skip) || der_next(&data, DER_SET, &skip) ||
	    parse_spc(&data, ret) || der_next(&data, DER_CONTEXT_0, &certs))
		return -EBADMSG;
	while (certs.len) {
		struct der whole;

		if (ret->certs == CERTS_MAX || der_any(&certs, NULL, NULL, &whole) ||
		    parse_cert(whole, &ret->cert[ret->certs++]))
			return -EBADMSG;
	}
	if (der_next_is(&data, DER_CONTEXT_1) && der_any(&data, NULL, NULL, NULL))
		return -EBADMSG;
	return parse_signer(&data, ret) || data.len ? -EBADMSG : 0;
}

/* The one value of an attribute; each that counts must be there once. */
static int attribute(struct der attributes, const uint8_t *wanted, size_t wanted_len, uint8_t tag,
		     struct der *ret)
{
	struct der one, oid, values;
	int found = 0;

	while (attributes.len) {
		if (der_next(&attributes, DER_SEQUENCE, &one) || der_next(&one, DER_OID, &oid) ||
		    der_next(&one, DER_SET, &values))
			return -EBADMSG;
		if (!der_equal(&oid, wanted, wanted_len))
			continue;
		if (found++ || der_next(&values, tag, ret) || values.len)
			return -EBADMSG;
	}
	return found ? 0 : -EBADMSG;
}

/* RSA over the attributes, whose tag is SET for that (RFC 2315, 9.3). */
static int verify_rsa(const struct signed_data *s, const struct cert *c)
{
	uint8_t digest[SHA256_SIZE], head[4] = { DER_SET };
	size_t len = s->attributes.len, n = 1;
	struct sha256 h;

	if (len >= 0x10000)
		return -EBADMSG;
	if (len >= 0x100)
		head[n++] = 0x82, head[n++] = (uint8_t)(len >> 8);
	else if (len >= 0x80)
		head[n++] = 0x81;
	head[n++] = (uint8_t)len;
	sha256_init(&h);
	sha256_update(&h, head, n);
	sha256_update(&h, s->attributes.p, len);
	sha256_final(&h, digest);
	return crypto_rsa_verify(c->n.p, c->n.len, c->e.p, c->e.len, digest, s->signature.p,
				 s->signature.len);
}

static int verify(const struct signed_data *s, const struct cert **ret_cert, struct err *err)
{
	struct der type, digest;
	uint8_t content[SHA256_SIZE];
	const struct cert *c = NULL;
	size_t i;

	if (attribute(s->attributes, oid_content_type, sizeof(oid_content_type), DER_OID, &type) ||
	    attribute(s->attributes, oid_digest, sizeof(oid_digest), DER_OCTET_STRING, &digest))
		return err_set(err, -EBADMSG, "the signature's attributes are not as they must be");
	sha256(s->spc.p, s->spc.len, content);
	if (!der_equal(&type, oid_spc, sizeof(oid_spc)) ||
	    !der_equal(&digest, content, sizeof(content)))
		return err_set(err, -EKEYREJECTED, "the signature is for other content");
	for (i = 0; i < s->certs && !c; i++)
		if (der_equal(&s->cert[i].issuer, s->issuer.p, s->issuer.len) &&
		    der_equal(&s->cert[i].serial, s->serial.p, s->serial.len))
			c = &s->cert[i];
	if (!c || !c->is_rsa)
		return err_set(err, -EBADMSG, "the signer's certificate is missing or not RSA");
	if (verify_rsa(s, c))
		return err_set(err, -EKEYREJECTED, "the signature is not by its own certificate");
	*ret_cert = c;
	return 0;
}

int authenticode_verify(const uint8_t *pkcs7, size_t len, struct authenticode *ret, struct err *err)
{
	const struct cert *c = NULL;
	struct signed_data s;
	int rc;

	if (parse(pkcs7, len, &s))
		return err_set(err, -EBADMSG, "no Authenticode signature (RSA, SHA-256)");
	rc = verify(&s, &c, err);
	if (rc)
		return rc;
	memcpy(ret->digest, s.image, sizeof(ret->digest));
	ret->cert = c->whole.p;
	ret->cert_len = c->whole.len;
	return 0;
}

/* Is a certificate of the signature revoked, itself or by its hash? Its time does not help it. */
static int revoked(const uint8_t *pkcs7, size_t len, const uint8_t *dbx, size_t dbx_len)
{
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;
	struct signed_data s;
	uint8_t tbs[SHA256_SIZE];
	size_t i;

	if (parse(pkcs7, len, &s))
		return 0;
	while (efiauth_next(dbx, dbx_len, &walk, &e) > 0) {
		for (i = 0; i < s.certs; i++) {
			if (e.type == EFIAUTH_X509 && der_equal(&s.cert[i].whole, e.data, e.len))
				return 1;
			if (e.type != EFIAUTH_X509_SHA256)
				continue;
			sha256(s.cert[i].tbs.p, s.cert[i].tbs.len, tbs);
			if (memcmp(tbs, e.data, sizeof(tbs)) == 0)
				return 1;
		}
	}
	return 0;
}

/* One certificate of the table: 0 it lets the image through. */
static int one(const uint8_t *pkcs7, size_t len, const struct authenticode_keys *keys,
	       const uint8_t digest[static SHA256_SIZE], struct err *err)
{
	struct authenticode a;
	int rc = authenticode_verify(pkcs7, len, &a, err);

	if (rc)
		return -EKEYREJECTED;
	if (memcmp(a.digest, digest, SHA256_SIZE) != 0)
		return err_set(err, -EKEYREJECTED, "its signature is for another image");
	if (!efiauth_has(keys->db, keys->db_len, EFIAUTH_X509, a.cert, a.cert_len))
		return err_set(err, -EKEYREJECTED, "it is signed by a key that is not in db");
	return 0;
}

int authenticode_check(const uint8_t *image, size_t len, const struct authenticode_keys *keys,
		       uint8_t ret_digest[static SHA256_SIZE], struct err *err)
{
	struct err why = { "it is not signed" };
	size_t n, at, end;
	struct pe pe;
	int rc = pe_parse(image, len, &pe, err), pass;

	if (rc)
		return -EINVAL;
	pe_hash(image, len, &pe, 0, ret_digest);
	if (efiauth_check(keys->db, keys->db_len, &n) ||
	    efiauth_check(keys->dbx, keys->dbx_len, &n))
		return err_set(err, -EBADMSG, "db or dbx is malformed");
	if (efiauth_has(keys->dbx, keys->dbx_len, EFIAUTH_SHA256, ret_digest, SHA256_SIZE))
		return err_set(err, -EKEYREJECTED, "its hash is in dbx");
	rc = efiauth_has(keys->db, keys->db_len, EFIAUTH_SHA256, ret_digest, SHA256_SIZE)
		     ? 0
		     : -EKEYREJECTED;
	/* All are asked for what revokes before one is asked for what lets through. */
	for (pass = 0; pass < 2; pass++) {
		at = pe.cert_offset;
		end = at + pe.cert_bytes;
		for (n = 0; n < AUTHENTICODE_SIGNATURES_MAX && end - at > CERT_HEAD_BYTES; n++) {
			uint32_t bytes = le32_load(image + at);
			const uint8_t *p = image + at + CERT_HEAD_BYTES;
			struct der in, whole;

			if (bytes <= CERT_HEAD_BYTES || bytes > end - at)
				return err_set(err, -EKEYREJECTED,
					       "its certificate table is malformed");
			/* What pads the table to a multiple of 8 may be counted in. */
			in = (struct der){ p, bytes - CERT_HEAD_BYTES };
			at += bytes;
			at += pe_pad(at) < end - at ? pe_pad(at) : end - at;
			if (le16_load(p - 2) != CERT_TYPE_PKCS7 || der_any(&in, NULL, NULL, &whole))
				continue;
			if (!pass && revoked(whole.p, whole.len, keys->dbx, keys->dbx_len))
				return err_set(err, -EKEYREJECTED, "its signer is in dbx");
			if (pass && rc)
				rc = one(whole.p, whole.len, keys, ret_digest, &why);
		}
	}
	return rc ? err_set(err, rc, "%s", why.msg) : 0;
}
