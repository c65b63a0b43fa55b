// SPDX-License-Identifier: Apache-2.0
/* Sealed objects: no authorisation but the policy, exempt from the dictionary lockout. */
#include <errno.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "agent/trust/tpm_work.h"
#include "bytes.h"
#include "sealpolicy.h"

_Static_assert(TPM_SECRET_MAX <= sizeof(((TPM2B_SENSITIVE_DATA *)0)->buffer), "a secret fits");

static int keep_areas(const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
		      struct keyhead_blob *b, struct err *err)
{
	size_t public_len = 0, private_len = 0;
	TSS2_RC rc;

	rc = Tss2_MU_TPM2B_PUBLIC_Marshal(public, b->public_area, sizeof(b->public_area),
					  &public_len);
	if (!rc)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(private, b->private_area,
						   sizeof(b->private_area), &private_len);
	if (rc)
		return err_set(err, -ENOSPC, "the sealed object is too large");
	b->public_len = (uint16_t)public_len;
	b->private_len = (uint16_t)private_len;
	return 0;
}

int tpm_seal(struct tpm *t, const uint8_t *secret, size_t len, struct keyhead_blob *b,
	     struct err *err)
{
	static const TPM2B_DATA outside;
	static const TPML_PCR_SELECTION pcrs;
	TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	TPM2B_PUBLIC template = {
		.publicArea = {
			.type = TPM2_ALG_KEYEDHASH,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
					    TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA,
			.authPolicy.size = SHA256_SIZE,
			.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
		},
	};
	TPM2B_PUBLIC *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	ESYS_TR session;
	TSS2_RC rc;
	int error;

	if (len > TPM_SECRET_MAX)
		return err_set(err, -EINVAL, "a secret of %zu bytes cannot be sealed", len);
	error = tpm_session(t, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session, err);
	if (error)
		return error;
	memcpy(template.publicArea.authPolicy.buffer, b->policy, SHA256_SIZE);
	memcpy(sensitive.sensitive.data.buffer, secret, len);
	sensitive.sensitive.data.size = (UINT16)len;
	rc = Esys_Create(t->esys, t->srk, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &sensitive,
			 &template, &outside, &pcrs, &private, &public, NULL, NULL, NULL);
	crypto_wipe(&sensitive, sizeof(sensitive));
	error = rc ? tpm_fail(err, "cannot seal", rc) : keep_areas(public, private, b, err);
	Esys_Free(public);
	Esys_Free(private);
	tpm_end(t, session);
	return error;
}

static int load(struct tpm *t, const struct keyhead_blob *b, ESYS_TR *ret_object, struct err *err)
{
	TPM2B_PUBLIC public = { 0 };
	TPM2B_PRIVATE private = { 0 };
	size_t at = 0;
	TSS2_RC rc;

	rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(b->public_area, b->public_len, &at, &public);
	if (rc || at != b->public_len)
		return err_set(err, -EBADMSG, "the sealed object has no public area");
	at = 0;
	rc = Tss2_MU_TPM2B_PRIVATE_Unmarshal(b->private_area, b->private_len, &at, &private);
	if (rc || at != b->private_len)
		return err_set(err, -EBADMSG, "the sealed object has no private area");
	rc = Esys_Load(t->esys, t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private,
		       &public, ret_object);
	return rc ? tpm_fail(err, "cannot load the sealed object", rc) : 0;
}

/* satisfy - PolicyPCR of what the PCRs hold now, PolicyNV. */
static int satisfy(struct tpm *t, ESYS_TR session, const struct keyhead_blob *b, uint32_t nv_index,
		   struct err *err)
{
	const TPML_PCR_SELECTION pcrs = {
		.count = 1,
		.pcrSelections = { {
			.hash = TPM2_ALG_SHA256,
			.sizeofSelect = 3,
			.pcrSelect = { (uint8_t)b->pcr_mask, (uint8_t)(b->pcr_mask >> 8),
				       (uint8_t)(b->pcr_mask >> 16) },
		} },
	};
	static const TPM2B_DIGEST as_they_are;
	TPM2B_OPERAND value = { .size = SEALPOLICY_NV_BYTES };
	ESYS_TR nv;
	TSS2_RC rc;
	int error;

	rc = Esys_PolicyPCR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			    &as_they_are, &pcrs);
	if (rc)
		return tpm_fail(err, "cannot say which PCRs", rc);
	error = tpm_counter_find(t, nv_index, &nv, err);
	if (error)
		return error;
	be64_store(value.buffer, b->counter);
	rc = Esys_PolicyNV(t->esys, ESYS_TR_RH_OWNER, nv, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			   ESYS_TR_NONE, &value, 0, TPM2_EO_EQ);
	(void)Esys_TR_Close(t->esys, &nv);
	return rc ? tpm_fail(err, "the counter is another", rc) : 0;
}

int tpm_unseal(struct tpm *t, const struct keyhead_blob *b, uint32_t nv_index,
	       uint8_t ret_secret[static TPM_SECRET_MAX], size_t *ret_len, struct err *err)
{
	ESYS_TR session, object = ESYS_TR_NONE;
	TPM2B_SENSITIVE_DATA *got = NULL;
	TSS2_RC rc;
	int error = tpm_session(t, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT, &session, err);

	if (error)
		return error;
	error = load(t, b, &object, err);
	error = error ? error : satisfy(t, session, b, nv_index, err);
	if (!error) {
		rc = Esys_Unseal(t->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &got);
		if (rc)
			error = tpm_fail(err, "cannot unseal", rc);
		else if (got->size > TPM_SECRET_MAX)
			error = err_set(err, -EBADMSG, "the sealed secret is too large");
	}
	if (!error) {
		memcpy(ret_secret, got->buffer, got->size);
		*ret_len = got->size;
	}
	if (got)
		crypto_wipe(got, sizeof(*got));
	Esys_Free(got);
	tpm_end(t, object);
	tpm_end(t, session);
	return error;
}
