// SPDX-License-Identifier: Apache-2.0
#include "agent/trust/quote.h"

#include <errno.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "agent/trust/quote_keys.h"
#include "bytes.h"
#include "credential.h"

#define PCRS 11 /* bits of QUOTE_PCRS */
#define TRIES 3 /* of a quote, where PCRs change meanwhile */

/* All PCRs of a quote, ascending, after their mask: part pcrs of a container. */
struct pcrs {
	uint8_t text[4 + PCRS * SHA256_SIZE];
};

static TPML_PCR_SELECTION selection(uint32_t mask)
{
	TPML_PCR_SELECTION s = {
		.count = 1,
		.pcrSelections = { { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3 } },
	};
	size_t i;

	for (i = 0; i < 3; i++)
		s.pcrSelections[0].pcrSelect[i] = (uint8_t)(mask >> 8 * i);
	return s;
}

/* put_some - the values of one answer to their places; returns the PCRs that were in it. */
static uint32_t put_some(struct pcrs *ret, const TPML_PCR_SELECTION *got, const TPML_DIGEST *values)
{
	uint32_t taken = 0, n = 0;
	unsigned int nr, place = 0;

	if (got->count != 1 || got->pcrSelections[0].sizeofSelect < 3)
		return 0;
	for (nr = 0; nr < 24; nr++) {
		if (!(QUOTE_PCRS & 1u << nr))
			continue;
		if (got->pcrSelections[0].pcrSelect[nr / 8] & 1u << nr % 8) {
			if (n == values->count || values->digests[n].size != SHA256_SIZE)
				return 0;
			memcpy(ret->text + 4 + place * SHA256_SIZE, values->digests[n++].buffer,
			       SHA256_SIZE);
			taken |= 1u << nr;
		}
		place++;
	}
	return taken;
}

/* read_pcrs - a TPM answers for at most eight at a time (TPM 2.0 Part 3 r1.59, TPM2_PCR_Read). */
static int read_pcrs(struct quote_work *w, struct pcrs *ret)
{
	uint32_t want = QUOTE_PCRS;

	be32_store(ret->text, QUOTE_PCRS);
	while (want) {
		const TPML_PCR_SELECTION ask = selection(want);
		TPML_PCR_SELECTION *got = NULL;
		TPML_DIGEST *values = NULL;
		uint32_t taken, counter;
		TSS2_RC rc;

		rc = Esys_PCR_Read(w->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ask,
				   &counter, &got, &values);
		if (rc)
			return quote_fail(w->err, "TPM2_PCR_Read", rc);
		taken = put_some(ret, got, values) & want;
		Esys_Free(got);
		Esys_Free(values);
		if (!taken)
			return err_set(w->err, -EIO, "the TPM has no SHA-256 bank");
		want &= ~taken;
	}
	return 0;
}

static const TPMT_SIG_SCHEME as_the_key = { .scheme = TPM2_ALG_NULL };

/* add_statement - what the TPM said, and its signature; frees both. */
static int add_statement(struct quote_work *w, struct evidence_writer *out, TPM2B_ATTEST *said,
			 TPMT_SIGNATURE *signature)
{
	uint8_t text[sizeof(TPMT_SIGNATURE)];
	size_t len = 0;
	TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, text, sizeof(text), &len);

	if (!rc) {
		evidence_add(out, EVIDENCE_ATTEST, said->attestationData, said->size);
		evidence_add(out, EVIDENCE_SIGNATURE, text, len);
	}
	Esys_Free(said);
	Esys_Free(signature);
	return rc ? quote_fail(w->err, "signature", rc) : 0;
}

static TPM2B_DATA qualifying(const struct evidence_ask *ask, const struct evidence_writer *out)
{
	TPM2B_DATA data = { .size = SHA256_SIZE };

	evidence_qualify(ask, out->buf, out->len, data.buffer);
	return data;
}

/* add_quote - 1 where a PCR changed after it had been read. */
static int add_quote(struct quote_work *w, const struct evidence_ask *ask, const struct pcrs *pcrs,
		     struct evidence_writer *out)
{
	const TPML_PCR_SELECTION which = selection(QUOTE_PCRS);
	TPM2B_DATA data = qualifying(ask, out);
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_ATTEST *said = NULL;
	uint8_t digest[SHA256_SIZE];
	struct tpm2_attest quote;
	TSS2_RC rc;

	rc = Esys_Quote(w->esys, w->ak.handle, w->session, ESYS_TR_NONE, ESYS_TR_NONE, &data,
			&as_the_key, &which, &said, &signature);
	if (rc)
		return quote_fail(w->err, "TPM2_Quote", rc);
	sha256(pcrs->text + 4, sizeof(pcrs->text) - 4, digest);
	if (tpm2_attest_parse(said->attestationData, said->size, &quote, NULL) == 0 &&
	    quote.pcr_digest && memcmp(quote.pcr_digest, digest, sizeof(digest)) != 0) {
		Esys_Free(said);
		Esys_Free(signature);
		return 1;
	}
	return add_statement(w, out, said, signature);
}

static int add_certified(struct quote_work *w, const struct evidence_ask *ask,
			 struct evidence_writer *out)
{
	TPM2B_DATA data = qualifying(ask, out);
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_ATTEST *said = NULL;
	TSS2_RC rc;

	rc = Esys_Certify(w->esys, w->identity.handle, w->ak.handle, ESYS_TR_PASSWORD, w->session,
			  ESYS_TR_NONE, &data, &as_the_key, &said, &signature);
	return rc ? quote_fail(w->err, "TPM2_Certify", rc) : add_statement(w, out, said, signature);
}

static int add_keys(struct quote_work *w, struct evidence_writer *out)
{
	uint8_t certificate[QUOTE_CERTIFICATE_MAX];
	size_t len = 0;
	int rc = quote_certificate(w, certificate, &len);

	evidence_add(out, EVIDENCE_AK, w->ak.area, w->ak.len);
	evidence_add(out, EVIDENCE_IDENTITY, w->identity.area, w->identity.len);
	evidence_add(out, EVIDENCE_EK, w->ek.area, w->ek.len);
	if (len)
		evidence_add(out, EVIDENCE_CERTIFICATE, certificate, len);
	return rc;
}

static int finish(struct quote_work *w, struct evidence_writer *out, size_t *ret_len)
{
	int rc = evidence_end(out, ret_len);

	return rc ? err_sys(w->err, rc, "evidence") : 0;
}

static int open_all(struct quote_work *w, ESYS_CONTEXT *esys, struct err *err)
{
	int rc = quote_open(w, esys, err);

	rc = rc ? rc : quote_load_ak(w);
	return rc ? rc : quote_load_identity(w);
}

int quote_request(ESYS_CONTEXT *esys, const struct evidence_ask *ask, uint8_t *buf, size_t max,
		  size_t *ret_len, struct err *err)
{
	struct evidence_writer out;
	struct quote_work w;
	int rc = open_all(&w, esys, err);

	evidence_begin(&out, buf, max, EVIDENCE_REQUEST);
	rc = rc ? rc : add_keys(&w, &out);
	if (!rc && out.error)
		rc = err_sys(err, out.error, "evidence");
	rc = rc ? rc : add_certified(&w, ask, &out);
	rc = rc ? rc : finish(&w, &out, ret_len);
	quote_close(&w);
	return rc;
}

int quote_evidence(ESYS_CONTEXT *esys, const struct evidence_ask *ask, const struct report *report,
		   const uint8_t *log, size_t log_len, uint8_t *buf, size_t max, size_t *ret_len,
		   struct err *err)
{
	char text[REPORT_TEXT_MAX];
	struct evidence_writer out;
	struct quote_work w;
	struct pcrs pcrs;
	size_t text_len = 0;
	int rc, tries;

	rc = report_format(report, text, &text_len);
	if (rc)
		return err_sys(err, rc, "report");
	rc = open_all(&w, esys, err);
	for (tries = 0; !rc && tries < TRIES; tries++) {
		evidence_begin(&out, buf, max, EVIDENCE_QUOTE);
		evidence_add(&out, EVIDENCE_REPORT, text, text_len);
		rc = add_keys(&w, &out);
		evidence_add(&out, EVIDENCE_EVENTLOG, log, log_len);
		rc = rc ? rc : read_pcrs(&w, &pcrs);
		evidence_add(&out, EVIDENCE_PCRS, pcrs.text, sizeof(pcrs.text));
		if (!rc && out.error)
			rc = err_sys(err, out.error, "evidence");
		rc = rc ? rc : add_quote(&w, ask, &pcrs, &out);
		if (rc != 1)
			break;
		rc = tries + 1 < TRIES ? 0 : err_set(err, -EIO, "the PCRs do not stand still");
	}
	rc = rc ? rc : finish(&w, &out, ret_len);
	quote_close(&w);
	return rc;
}

/* to_sized - credential parts into the TSS's structs. */
static int take_apart(const uint8_t *buf, size_t len, TPM2B_ID_OBJECT *object,
		      TPM2B_ENCRYPTED_SECRET *seed, struct err *err)
{
	struct credential c;
	int rc = credential_parse(buf, len, &c, err);

	if (rc)
		return rc;
	if (c.object_len > sizeof(object->credential) || c.seed_len > sizeof(seed->secret))
		return err_set(err, -EBADMSG, "credential: too long");
	object->size = (UINT16)c.object_len;
	memcpy(object->credential, c.object, c.object_len);
	seed->size = (UINT16)c.seed_len;
	memcpy(seed->secret, c.seed, c.seed_len);
	return 0;
}

int quote_activate(ESYS_CONTEXT *esys, const uint8_t *credential, size_t len,
		   uint8_t ret_secret[static QUOTE_SECRET_MAX], size_t *ret_len, struct err *err)
{
	TPM2B_ENCRYPTED_SECRET seed = { 0 };
	TPM2B_ID_OBJECT object = { 0 };
	TPM2B_DIGEST *secret = NULL;
	ESYS_TR policy = ESYS_TR_NONE;
	struct quote_work w;
	TSS2_RC tpm;
	int rc = take_apart(credential, len, &object, &seed, err);

	if (rc)
		return rc;
	rc = quote_open(&w, esys, err);
	rc = rc ? rc : quote_load_ak(&w);
	rc = rc ? rc : quote_policy(&w, &policy);
	if (rc)
		goto out;
	tpm = Esys_ActivateCredential(esys, w.ak.handle, w.ek.handle, w.session, policy,
				      ESYS_TR_NONE, &object, &seed, &secret);
	if (tpm) {
		rc = quote_fail(err, "TPM2_ActivateCredential", tpm);
		/* Format-one codes carry the parameter's number: what is refused is the content. */
		if ((tpm & ~TPM2_RC_N_MASK) == (TPM2_RC_INTEGRITY | TPM2_RC_P) ||
		    (tpm & ~TPM2_RC_N_MASK) == (TPM2_RC_VALUE | TPM2_RC_P) ||
		    (tpm & ~TPM2_RC_N_MASK) == (TPM2_RC_SIZE | TPM2_RC_P) ||
		    (tpm & ~TPM2_RC_N_MASK) == (TPM2_RC_ECC_POINT | TPM2_RC_P) ||
		    tpm == TPM2_RC_INTEGRITY || tpm == TPM2_RC_ECC_POINT || tpm == TPM2_RC_FAILURE)
			rc = -EKEYREJECTED;
	} else if (secret->size > QUOTE_SECRET_MAX) {
		rc = err_set(err, -EBADMSG, "credential: a secret of %u bytes", secret->size);
	} else {
		memcpy(ret_secret, secret->buffer, secret->size);
		*ret_len = secret->size;
	}
	if (secret)
		crypto_wipe(secret, sizeof(*secret));
	Esys_Free(secret);
out:
	if (policy != ESYS_TR_NONE)
		(void)Esys_FlushContext(esys, policy);
	quote_close(&w);
	return rc;
}

static int sign(struct quote_work *w, const uint8_t *digest, uint8_t *ret_signature)
{
	const TPMT_TK_HASHCHECK none = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
	TPM2B_DIGEST what = { .size = SHA256_SIZE };
	TPMT_SIGNATURE *signature = NULL;
	uint8_t text[sizeof(TPMT_SIGNATURE)];
	size_t len = 0;
	TSS2_RC rc;

	memcpy(what.buffer, digest, SHA256_SIZE);
	rc = Esys_Sign(w->esys, w->identity.handle, w->session, ESYS_TR_NONE, ESYS_TR_NONE, &what,
		       &as_the_key, &none, &signature);
	if (!rc)
		rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, text, sizeof(text), &len);
	Esys_Free(signature);
	if (rc)
		return quote_fail(w->err, "TPM2_Sign", rc);
	return tpm2_signature_parse(text, len, ret_signature, w->err);
}

int quote_sign_digest(ESYS_CONTEXT *esys, const uint8_t digest[static SHA256_SIZE],
		      uint8_t ret_signature[static P256_SIGNATURE_SIZE], struct err *err)
{
	struct quote_work w;
	int rc = quote_open(&w, esys, err);

	rc = rc ? rc : quote_load_identity(&w);
	/* The answer begins with a structure that is not encrypted (Part 1, 21.1). */
	rc = rc ? rc : quote_session(&w, TPMA_SESSION_DECRYPT);
	rc = rc ? rc : sign(&w, digest, ret_signature);
	quote_close(&w);
	return rc;
}

int quote_sign(ESYS_CONTEXT *esys, enum object_kind kind, uint8_t *buf, size_t len, size_t max,
	       size_t *ret_len, struct err *err)
{
	uint8_t digest[SHA256_SIZE];
	int rc;

	if (max < OBJECT_HEAD + P256_SIGNATURE_SIZE ||
	    len > max - OBJECT_HEAD - P256_SIGNATURE_SIZE)
		return err_sys(err, -ENOSPC, "object");
	rc = object_head((uint16_t)kind, len, buf);
	if (rc)
		return err_sys(err, rc, "object");
	sha256(buf, OBJECT_HEAD + len, digest);
	rc = quote_sign_digest(esys, digest, buf + OBJECT_HEAD + len, err);
	if (!rc)
		*ret_len = OBJECT_HEAD + len + P256_SIGNATURE_SIZE;
	return rc;
}

#define EV_IPL 0x0du
#define MEASURED_PCR 14

int quote_measure(ESYS_CONTEXT *esys, const uint8_t digest[static SHA256_SIZE], const char *text,
		  uint8_t ret_event[static QUOTE_EVENT_MAX], size_t *ret_len, struct err *err)
{
	TPML_DIGEST_VALUES values = { .count = 1, .digests = { { .hashAlg = TPM2_ALG_SHA256 } } };
	size_t text_len = strnlen(text, QUOTE_EVENT_TEXT_MAX);
	uint8_t *p = ret_event;
	TSS2_RC rc;

	memcpy(values.digests[0].digest.sha256, digest, SHA256_SIZE);
	/* Nothing of it is secret, and one that was changed on the bus fails every quote. */
	rc = Esys_PCR_Extend(esys, ESYS_TR_PCR14, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			     &values);
	if (rc)
		return quote_fail(err, "TPM2_PCR_Extend", rc);
	le32_store(p, MEASURED_PCR);
	le32_store(p + 4, EV_IPL);
	le32_store(p + 8, 1);
	le16_store(p + 12, TPM2_ALG_SHA256);
	memcpy(p + 14, digest, SHA256_SIZE);
	le32_store(p + 14 + SHA256_SIZE, (uint32_t)text_len);
	memcpy(p + 18 + SHA256_SIZE, text, text_len);
	*ret_len = 18 + SHA256_SIZE + text_len;
	return 0;
}
