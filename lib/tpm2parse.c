// SPDX-License-Identifier: Apache-2.0
#include "tpm2parse.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

/* A walk over a structure: what does not fit leaves it bad, and reads give zeros from then on. */
struct walk {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct walk *w, size_t n)
{
	static const uint8_t zeros[8];
	const uint8_t *p = w->p;

	if (w->bad || n > w->left) {
		w->bad = true;
		return n <= sizeof(zeros) ? zeros : NULL;
	}
	w->p += n;
	w->left -= n;
	return p;
}

static uint16_t take16(struct walk *w)
{
	return be16_load(take(w, 2));
}

static uint32_t take32(struct walk *w)
{
	return be32_load(take(w, 4));
}

static uint64_t take64(struct walk *w)
{
	return be64_load(take(w, 8));
}

/* take_sized - a TPM2B of at most max bytes; NULL and bad where it is longer. */
static const uint8_t *take_sized(struct walk *w, size_t max, size_t *ret_len)
{
	size_t n = take16(w);

	*ret_len = 0;
	if (n > max)
		w->bad = true;
	if (w->bad || n > w->left) {
		w->bad = true;
		return NULL;
	}
	*ret_len = n;
	return take(w, n);
}

/* take_right - an integer of the TPM's, without leading zeros or with, right-aligned. */
static void take_right(struct walk *w, uint8_t *ret, size_t size)
{
	size_t n;
	const uint8_t *p = take_sized(w, size, &n);

	memset(ret, 0, size);
	if (p && n)
		memcpy(ret + size - n, p, n);
}

/* TPMT_SYM_DEF_OBJECT: none, or AES-128 in CFB. */
static int symmetric(struct walk *w, struct tpm2_public *p)
{
	p->symmetric = take16(w);
	if (p->symmetric == TPM2_ID_NULL)
		return 0;
	if (p->symmetric != TPM2_ID_AES || take16(w) != 128 || take16(w) != TPM2_ID_CFB)
		return -ENOTSUP;
	return 0;
}

static int read_ecc(struct walk *w, struct tpm2_public *p)
{
	p->scheme = take16(w);
	if (p->scheme == TPM2_ID_ECDSA) {
		if (take16(w) != TPM2_ID_SHA256)
			return -ENOTSUP;
	} else if (p->scheme != TPM2_ID_NULL) {
		return -ENOTSUP;
	}
	if (take16(w) != TPM2_ID_P256 || take16(w) != TPM2_ID_NULL)
		return -ENOTSUP;
	p->point[0] = 4;
	take_right(w, p->point + 1, 32);
	take_right(w, p->point + 33, 32);
	return 0;
}

static int read_rsa(struct walk *w, struct tpm2_public *p)
{
	uint16_t bits;

	p->scheme = take16(w);
	if (p->scheme != TPM2_ID_NULL)
		return -ENOTSUP;
	bits = take16(w);
	p->exponent = take32(w);
	if (p->exponent == 0)
		p->exponent = 65537; /* Part 2, 12.2.3.5 */
	p->modulus = take_sized(w, RSA_SIZE_MAX, &p->modulus_len);
	if (!w->bad && (p->modulus_len < RSA_SIZE_MIN || p->modulus_len * 8 != bits))
		return -ENOTSUP;
	return 0;
}

static void name_of(const uint8_t *buf, size_t len, uint8_t ret[static TPM2_NAME_SIZE])
{
	be16_store(ret, TPM2_ID_SHA256);
	sha256(buf, len, ret + 2);
}

int tpm2_public_parse(const uint8_t *buf, size_t len, struct tpm2_public *ret, struct err *err)
{
	struct walk w = { .p = buf, .left = len };
	struct tpm2_public p = { 0 };
	uint16_t name_alg;
	int rc;

	if (len > TPM2_PUBLIC_MAX)
		return err_set(err, -EBADMSG, "public area: %zu bytes", len);
	p.type = take16(&w);
	name_alg = take16(&w);
	p.attributes = take32(&w);
	p.policy = take_sized(&w, 64, &p.policy_len);
	if (w.bad)
		return err_set(err, -EBADMSG, "public area: cut short");
	if (name_alg != TPM2_ID_SHA256 || (p.policy_len && p.policy_len != SHA256_SIZE))
		return err_set(err, -ENOTSUP, "public area: name of algorithm 0x%04x", name_alg);
	if (p.type != TPM2_ID_ECC && p.type != TPM2_ID_RSA)
		return err_set(err, -ENOTSUP, "public area: type 0x%04x", p.type);
	rc = symmetric(&w, &p);
	if (!rc)
		rc = p.type == TPM2_ID_ECC ? read_ecc(&w, &p) : read_rsa(&w, &p);
	if (w.bad || (!rc && w.left))
		return err_set(err, -EBADMSG, "public area: %s", w.bad ? "cut short" : "too long");
	if (rc)
		return err_set(err, rc, "public area: an algorithm that is not taken");
	name_of(buf, len, p.name);
	*ret = p;
	return 0;
}

/* judge - exactly these of the attributes that matter for what a key can be used for. */
static int judge(const struct tpm2_public *p, uint32_t want, const char *what, struct err *err)
{
	const uint32_t matter = TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE |
				TPM2_RESTRICTED | TPM2_DECRYPT | TPM2_SIGN |
				TPM2_ENCRYPTED_DUPLICATION;

	if ((p->attributes & matter) != want)
		return err_set(err, -EKEYREJECTED, "%s: its attributes are 0x%08x", what,
			       p->attributes);
	return 0;
}

static int signs(const struct tpm2_public *p, uint32_t want, const char *what, struct err *err)
{
	if (p->type != TPM2_ID_ECC || p->scheme != TPM2_ID_ECDSA || p->symmetric != TPM2_ID_NULL)
		return err_set(err, -EKEYREJECTED, "%s: not ECDSA P-256 with SHA-256", what);
	return judge(p, want | TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE | TPM2_SIGN, what,
		     err);
}

int tpm2_public_is_ak(const struct tpm2_public *p, struct err *err)
{
	return signs(p, TPM2_RESTRICTED, "attestation key", err);
}

int tpm2_public_is_identity(const struct tpm2_public *p, struct err *err)
{
	return signs(p, 0, "identity key", err);
}

int tpm2_public_is_ek(const struct tpm2_public *p, struct err *err)
{
	if (p->symmetric != TPM2_ID_AES || p->scheme != TPM2_ID_NULL)
		return err_set(err, -EKEYREJECTED, "endorsement key: not one to decrypt with");
	return judge(p,
		     TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE | TPM2_RESTRICTED |
			     TPM2_DECRYPT,
		     "endorsement key", err);
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	be16_store(p, v);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	be32_store(p, v);
	return p + 4;
}

static uint8_t *put(uint8_t *p, const void *buf, size_t len)
{
	if (len)
		memcpy(p, buf, len);
	return p + len;
}

static uint8_t *put_sized(uint8_t *p, const void *buf, size_t len)
{
	return put(put16(p, (uint16_t)len), buf, len);
}

size_t tpm2_public_p256(uint32_t attributes, uint16_t sym, uint16_t scheme,
			const uint8_t point[static P256_POINT_SIZE],
			uint8_t ret[static TPM2_PUBLIC_MAX])
{
	uint8_t *p = ret;

	p = put16(p, TPM2_ID_ECC);
	p = put16(p, TPM2_ID_SHA256);
	p = put32(p, attributes);
	p = put16(p, 0);
	p = put16(p, sym);
	if (sym != TPM2_ID_NULL)
		p = put16(put16(p, 128), TPM2_ID_CFB);
	p = put16(p, scheme);
	if (scheme != TPM2_ID_NULL)
		p = put16(p, TPM2_ID_SHA256);
	p = put16(p, TPM2_ID_P256);
	p = put16(p, TPM2_ID_NULL);
	p = put_sized(p, point + 1, 32);
	p = put_sized(p, point + 33, 32);
	return (size_t)(p - ret);
}

void tpm2_qualified_name(const uint8_t *parent, size_t parent_len,
			 const uint8_t name[static TPM2_NAME_SIZE],
			 uint8_t ret[static TPM2_NAME_SIZE])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, parent, parent_len);
	sha256_update(&h, name, TPM2_NAME_SIZE);
	be16_store(ret, TPM2_ID_SHA256);
	sha256_final(&h, ret + 2);
}

void tpm2_primary_name(uint32_t hierarchy, const uint8_t name[static TPM2_NAME_SIZE],
		       uint8_t ret[static TPM2_NAME_SIZE])
{
	uint8_t handle[4];

	be32_store(handle, hierarchy);
	tpm2_qualified_name(handle, sizeof(handle), name, ret);
}

/* TPMS_QUOTE_INFO: one selection of three bytes. */
static void read_quote(struct walk *w, struct tpm2_attest *a)
{
	const uint8_t *select;
	size_t n;

	if (take32(w) != 1)
		w->bad = true;
	a->pcr_hash = take16(w);
	if (*take(w, 1) != 3)
		w->bad = true;
	select = take(w, 3);
	a->pcr_mask = (uint32_t)select[0] | (uint32_t)select[1] << 8 | (uint32_t)select[2] << 16;
	a->pcr_digest = take_sized(w, SHA256_SIZE, &n);
	if (n != SHA256_SIZE)
		w->bad = true;
}

static void read_certify(struct walk *w, struct tpm2_attest *a)
{
	size_t n, q;

	a->name = take_sized(w, TPM2_NAME_SIZE, &n);
	a->qualified_name = take_sized(w, TPM2_NAME_SIZE, &q);
	if (n != TPM2_NAME_SIZE || q != TPM2_NAME_SIZE)
		w->bad = true;
}

int tpm2_attest_parse(const uint8_t *buf, size_t len, struct tpm2_attest *ret, struct err *err)
{
	struct walk w = { .p = buf, .left = len };
	struct tpm2_attest a = { 0 };
	uint8_t safe;

	if (len > TPM2_ATTEST_MAX)
		return err_set(err, -EBADMSG, "attestation: %zu bytes", len);
	a.magic = take32(&w);
	a.type = take16(&w);
	a.signer = take_sized(&w, 66, &a.signer_len);
	a.extra = take_sized(&w, TPM2_EXTRA_MAX, &a.extra_len);
	a.clock_ms = take64(&w);
	a.resets = take32(&w);
	a.restarts = take32(&w);
	safe = *take(&w, 1);
	a.safe = safe == 1;
	a.firmware = take64(&w);
	if (a.type == TPM2_TYPE_QUOTE)
		read_quote(&w, &a);
	else if (a.type == TPM2_TYPE_CERTIFY)
		read_certify(&w, &a);
	else
		w.left = 0;
	if (w.bad || w.left || safe > 1)
		return err_set(err, -EBADMSG, "attestation: %s",
			       w.bad ? "cut short or of another form" : "too long");
	*ret = a;
	return 0;
}

size_t tpm2_attest_format(const struct tpm2_attest *a, uint8_t ret[static TPM2_ATTEST_MAX])
{
	uint8_t *p = ret;

	if (a->signer_len > 66 || a->extra_len > TPM2_EXTRA_MAX)
		return 0;
	p = put32(p, a->magic);
	p = put16(p, a->type);
	p = put_sized(p, a->signer, a->signer_len);
	p = put_sized(p, a->extra, a->extra_len);
	be64_store(p, a->clock_ms);
	p = put32(p + 8, a->resets);
	p = put32(p, a->restarts);
	*p++ = a->safe;
	be64_store(p, a->firmware);
	p += 8;
	if (a->type == TPM2_TYPE_QUOTE) {
		p = put16(put32(p, 1), a->pcr_hash);
		*p++ = 3;
		*p++ = (uint8_t)a->pcr_mask;
		*p++ = (uint8_t)(a->pcr_mask >> 8);
		*p++ = (uint8_t)(a->pcr_mask >> 16);
		p = put_sized(p, a->pcr_digest, SHA256_SIZE);
	} else if (a->type == TPM2_TYPE_CERTIFY) {
		p = put_sized(p, a->name, TPM2_NAME_SIZE);
		p = put_sized(p, a->qualified_name, TPM2_NAME_SIZE);
	}
	return (size_t)(p - ret);
}

int tpm2_signature_parse(const uint8_t *buf, size_t len, uint8_t ret_rs[static P256_SIGNATURE_SIZE],
			 struct err *err)
{
	struct walk w = { .p = buf, .left = len };
	uint16_t alg = take16(&w), hash = take16(&w);

	if (!w.bad && (alg != TPM2_ID_ECDSA || hash != TPM2_ID_SHA256))
		return err_set(err, -ENOTSUP, "signature: algorithm 0x%04x with hash 0x%04x", alg,
			       hash);
	take_right(&w, ret_rs, 32);
	take_right(&w, ret_rs + 32, 32);
	if (w.bad || w.left)
		return err_set(err, -EBADMSG, "signature: %zu bytes", len);
	return 0;
}

size_t tpm2_signature_format(const uint8_t rs[static P256_SIGNATURE_SIZE],
			     uint8_t ret[static TPM2_SIGNATURE_MAX])
{
	uint8_t *p = put16(put16(ret, TPM2_ID_ECDSA), TPM2_ID_SHA256);

	p = put_sized(p, rs, 32);
	p = put_sized(p, rs + 32, 32);
	return (size_t)(p - ret);
}
