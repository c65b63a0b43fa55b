// SPDX-License-Identifier: Apache-2.0
/* The machine's own counter (sealpolicy.h). */
#include <errno.h>
#include <string.h>

#include "agent/trust/tpm_work.h"
#include "bytes.h"
#include "sealpolicy.h"

int tpm_counter_find(struct tpm *t, uint32_t index, ESYS_TR *ret_index, struct err *err)
{
	int error = tpm_ready(t, err);
	TSS2_RC rc;

	if (error)
		return error;
	rc = Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ret_index);
	if (!rc)
		return 0;
	error = tpm_fail(err, "cannot look for the counter", rc);
	return error == -ENOENT ? err_set(err, -ENOENT, "the TPM's counter is gone") : error;
}

int tpm_counter_remove(struct tpm *t, uint32_t index, struct err *err)
{
	ESYS_TR nv;
	TSS2_RC rc;
	int error = tpm_counter_find(t, index, &nv, err);

	if (error)
		return error == -ENOENT ? 0 : error;
	rc = Esys_NV_UndefineSpace(t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				   ESYS_TR_NONE);
	if (!rc)
		return 0;
	(void)Esys_TR_Close(t->esys, &nv);
	return tpm_fail(err, "cannot remove the counter", rc);
}

static int define(struct tpm *t, uint32_t index, const uint8_t *auth, struct err *err)
{
	const TPM2B_NV_PUBLIC public = {
		.nvPublic = {
			.nvIndex = index,
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = SEALPOLICY_NV_ATTRIBUTES,
			.dataSize = SEALPOLICY_NV_BYTES,
		},
	};
	TPM2B_AUTH value = { .size = SHA256_SIZE };
	ESYS_TR session, nv = ESYS_TR_NONE;
	TSS2_RC rc;
	int error = tpm_session(t, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session, err);

	if (error)
		return error;
	memcpy(value.buffer, auth, SHA256_SIZE);
	rc = Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, session, ESYS_TR_NONE,
				 &value, &public, &nv);
	crypto_wipe(&value, sizeof(value));
	tpm_end(t, session);
	if (rc)
		return tpm_fail(err, "cannot make a counter", rc);
	(void)Esys_TR_Close(t->esys, &nv);
	return 0;
}

int tpm_counter_raise(struct tpm *t, uint32_t index, const uint8_t auth[static SHA256_SIZE],
		      struct err *err)
{
	TPM2B_AUTH value = { .size = SHA256_SIZE };
	ESYS_TR session = ESYS_TR_NONE, nv;
	TSS2_RC rc;
	int error = tpm_counter_find(t, index, &nv, err);

	if (error)
		return error;
	memcpy(value.buffer, auth, SHA256_SIZE);
	/* ESYS holds it until the index is closed; only an HMAC of it goes out. */
	rc = Esys_TR_SetAuth(t->esys, nv, &value);
	crypto_wipe(&value, sizeof(value));
	error = rc ? tpm_fail(err, "cannot raise the counter", rc)
		   : tpm_session(t, TPM2_SE_HMAC, 0, &session, err);
	if (!error) {
		rc = Esys_NV_Increment(t->esys, nv, nv, session, ESYS_TR_NONE, ESYS_TR_NONE);
		if (rc)
			error = tpm_fail(err, "cannot raise the counter", rc);
	}
	tpm_end(t, session);
	(void)Esys_TR_Close(t->esys, &nv);
	return error;
}

int tpm_counter_read(struct tpm *t, uint32_t index, uint64_t *ret_value, struct err *err)
{
	TPM2B_MAX_NV_BUFFER *got = NULL;
	ESYS_TR nv;
	TSS2_RC rc;
	int error = tpm_counter_find(t, index, &nv, err);

	if (error)
		return error;
	rc = Esys_NV_Read(t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			  ESYS_TR_NONE, SEALPOLICY_NV_BYTES, 0, &got);
	(void)Esys_TR_Close(t->esys, &nv);
	if (rc)
		return tpm_fail(err, "cannot read the counter", rc);
	if (got->size == SEALPOLICY_NV_BYTES)
		*ret_value = be64_load(got->buffer);
	else
		error = err_set(err, -EIO, "the TPM's counter has %u bytes", got->size);
	Esys_Free(got);
	return error;
}

int tpm_counter_new(struct tpm *t, uint32_t index, const uint8_t auth[static SHA256_SIZE],
		    uint64_t *ret_value, struct err *err)
{
	int error = tpm_counter_remove(t, index, err);

	error = error ? error : define(t, index, auth, err);
	error = error ? error : tpm_counter_raise(t, index, auth, err);
	return error ? error : tpm_counter_read(t, index, ret_value, err);
}
