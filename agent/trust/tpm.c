// SPDX-License-Identifier: Apache-2.0
#include "tpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trust/tpm_work.h"

int tpm_fail(struct err *err, const char *command, TSS2_RC rc)
{
	/* Format one has a parameter, handle or session number in it (Part 2 r1.59, 6.6.3). */
	TSS2_RC base = rc & TPM2_RC_FMT1 ? rc & 0xbfu : rc;
	int error = -EIO;
	const char *text = NULL;

	if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER) {
		text = "the connection to the TPM failed";
	} else if (rc == TPM2_RC_LOCKOUT) {
		error = -EAGAIN;
		text = "the TPM is locked after too many wrong authorisations";
	} else if (base == TPM2_RC_POLICY_FAIL || rc == TPM2_RC_POLICY ||
		   rc == TPM2_RC_PCR_CHANGED) {
		error = -EPERM;
		text = "the policy is not met";
	} else if (base == TPM2_RC_INTEGRITY) {
		error = -ENOKEY;
		text = "it was sealed by another TPM, or this one was cleared";
	} else if (base == TPM2_RC_HANDLE || base == TPM2_RC_REFERENCE_H0) {
		error = -ENOENT;
	} else if (base == TPM2_RC_BAD_AUTH || base == TPM2_RC_AUTH_FAIL) {
		error = -EACCES;
		text = "the TPM asks for a password that this system does not have";
	}
	return err_set(err, error, "%s: %s (TPM error 0x%03x)", command,
		       text ? text : "the TPM refused", rc);
}

void tpm_open(struct tpm *t, const char *name)
{
	TSS2_RC rc;
	int error;

	memset(t, 0, sizeof(*t));
	t->srk = ESYS_TR_NONE;
	error = tpm_tcti(name, &t->tcti, &t->why);
	t->there = error != -ENODEV;
	if (error)
		return;
	rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (rc)
		(void)tpm_fail(&t->why, "cannot begin to talk to the TPM", rc);
}

void tpm_close(struct tpm *t)
{
	if (t->esys && t->srk_passing)
		(void)Esys_FlushContext(t->esys, t->srk);
	if (t->esys)
		Esys_Finalize(&t->esys);
	if (t->tcti)
		Tss2_Tcti_Finalize(t->tcti);
	free(t->tcti);
	t->tcti = NULL;
}

int tpm_ready(const struct tpm *t, struct err *err)
{
	if (t->esys)
		return 0;
	return err_set(err, t->there ? -EIO : -ENODEV, "%s", t->why.msg);
}

/* TCG EK Credential Profile's SRK template for ECC P-256, with an empty `unique`. */
static const TPM2B_PUBLIC srk_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
				    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES,
				       .keyBits.aes = 128,
				       .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	},
};

/* fits_template - is what is kept at our place the key of our template? */
static bool fits_template(const TPMT_PUBLIC *p)
{
	const TPMT_PUBLIC *w = &srk_template.publicArea;
	const TPMS_ECC_PARMS *e = &p->parameters.eccDetail, *we = &w->parameters.eccDetail;

	return p->type == w->type && p->nameAlg == w->nameAlg &&
	       p->objectAttributes == w->objectAttributes && p->authPolicy.size == 0 &&
	       e->symmetric.algorithm == we->symmetric.algorithm &&
	       e->symmetric.keyBits.aes == we->symmetric.keyBits.aes &&
	       e->symmetric.mode.aes == we->symmetric.mode.aes &&
	       e->scheme.scheme == we->scheme.scheme && e->curveID == we->curveID &&
	       e->kdf.scheme == we->kdf.scheme;
}

static int make_srk(struct tpm *t, bool keep, struct err *err)
{
	static const TPM2B_SENSITIVE_CREATE sensitive;
	static const TPM2B_DATA outside;
	static const TPML_PCR_SELECTION pcrs;
	ESYS_TR kept = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				ESYS_TR_NONE, &sensitive, &srk_template, &outside, &pcrs, &t->srk,
				NULL, NULL, NULL, NULL);
	if (rc) {
		t->srk = ESYS_TR_NONE;
		return tpm_fail(err, "cannot make the storage key", rc);
	}
	t->srk_passing = true;
	/* A TPM that has no place left makes it again each time. */
	if (!keep || Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, t->srk, ESYS_TR_PASSWORD,
				       ESYS_TR_NONE, ESYS_TR_NONE, TPM_SRK_HANDLE, &kept))
		return 0;
	(void)Esys_FlushContext(t->esys, t->srk);
	t->srk = kept;
	t->srk_passing = false;
	return 0;
}

static int look_up_srk(struct tpm *t, bool make, struct err *err)
{
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR key;
	bool fits;
	TSS2_RC rc;

	if (t->srk != ESYS_TR_NONE)
		return 0;
	rc = Esys_TR_FromTPMPublic(t->esys, TPM_SRK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, &key);
	if (rc && tpm_fail(err, "cannot look for the storage key", rc) != -ENOENT)
		return tpm_fail(err, "cannot look for the storage key", rc);
	if (rc)
		return make ? make_srk(t, true, err) : -ENOENT;
	rc = Esys_ReadPublic(t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL,
			     NULL);
	if (rc) {
		(void)Esys_TR_Close(t->esys, &key);
		return tpm_fail(err, "cannot read the storage key", rc);
	}
	fits = fits_template(&public->publicArea);
	Esys_Free(public);
	if (fits) {
		t->srk = key;
		return 0;
	}
	/* Somebody else's key in our place stays there. */
	(void)Esys_TR_Close(t->esys, &key);
	return make ? make_srk(t, false, err) : -ENOENT;
}

int tpm_srk(struct tpm *t, struct err *err)
{
	return look_up_srk(t, true, err);
}

int tpm_prepare(struct tpm *t, struct err *err)
{
	return look_up_srk(t, false, err);
}

int tpm_session(struct tpm *t, TPM2_SE type, TPMA_SESSION attributes, ESYS_TR *ret_session,
		struct err *err)
{
	static const TPMT_SYM_DEF cipher = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;
	int error = tpm_ready(t, err);

	error = error ? error : tpm_srk(t, err);
	if (error)
		return error;
	rc = Esys_StartAuthSession(t->esys, t->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, NULL, type, &cipher, TPM2_ALG_SHA256, &session);
	if (rc)
		return tpm_fail(err, "cannot begin a session with the TPM", rc);
	attributes |= TPMA_SESSION_CONTINUESESSION;
	rc = Esys_TRSess_SetAttributes(t->esys, session, attributes, 0xff);
	if (rc) {
		tpm_end(t, session);
		return tpm_fail(err, "cannot set up a session", rc);
	}
	*ret_session = session;
	return 0;
}

void tpm_end(struct tpm *t, ESYS_TR handle)
{
	if (handle != ESYS_TR_NONE)
		(void)Esys_FlushContext(t->esys, handle);
}

int tpm_random(struct tpm *t, uint8_t *ret_buf, size_t len, struct err *err)
{
	TPM2B_DIGEST *got = NULL;
	ESYS_TR session;
	TSS2_RC rc;
	int error = tpm_session(t, TPM2_SE_HMAC, TPMA_SESSION_ENCRYPT, &session, err);

	if (error)
		return error;
	rc = Esys_GetRandom(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, (UINT16)len, &got);
	if (rc)
		error = tpm_fail(err, "cannot get random bytes", rc);
	else if (got->size != len)
		error = err_set(err, -EIO, "the TPM gives %u random bytes in place of %zu",
				got->size, len);
	else
		memcpy(ret_buf, got->buffer, len);
	if (got)
		crypto_wipe(got, sizeof(*got));
	Esys_Free(got);
	tpm_end(t, session);
	return error;
}
