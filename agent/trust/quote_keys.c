// SPDX-License-Identifier: Apache-2.0
#include "agent/trust/quote_keys.h"

#include <errno.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "bytes.h"

/* TCG EK Credential Profile 2.3 (r2), 2.2.1.4 and B.3: handles and templates L-1 and L-2. */
#define EK_RSA_CERTIFICATE 0x01c00002u
#define EK_ECC_CERTIFICATE 0x01c0000au
#define EK_RSA_KEPT 0x81010001u
#define EK_ATTRIBUTES                                                                              \
	(TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE | TPM2_ADMIN_WITH_POLICY |             \
	 TPM2_RESTRICTED | TPM2_DECRYPT)
#define NV_CHUNK 512u

/* PolicySecret(TPM_RH_ENDORSEMENT), policy A of the profile. */
static const uint8_t ek_policy[SHA256_SIZE] = {
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
	0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
	0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
};

int quote_fail(struct err *err, const char *command, TSS2_RC rc)
{
	return err_set(err, -EIO, "%s: TPM error 0x%08x", command, rc);
}

static void ek_template(TPM2B_PUBLIC *t, bool rsa)
{
	TPMT_PUBLIC *p = &t->publicArea;
	const TPMT_SYM_DEF_OBJECT aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits = { .aes = 128 },
		.mode = { .aes = TPM2_ALG_CFB },
	};

	memset(t, 0, sizeof(*t));
	p->type = rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC;
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = EK_ATTRIBUTES;
	p->authPolicy.size = sizeof(ek_policy);
	memcpy(p->authPolicy.buffer, ek_policy, sizeof(ek_policy));
	if (rsa) {
		p->parameters.rsaDetail.symmetric = aes;
		p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		p->parameters.rsaDetail.keyBits = 2048;
		p->unique.rsa.size = 256;
		return;
	}
	p->parameters.eccDetail.symmetric = aes;
	p->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	p->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	p->unique.ecc.x.size = p->unique.ecc.y.size = 32;
}

static void signing_template(TPM2B_PUBLIC *t, uint32_t more)
{
	TPMT_PUBLIC *p = &t->publicArea;

	memset(t, 0, sizeof(*t));
	p->type = TPM2_ALG_ECC;
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE |
			      TPM2_USER_WITH_AUTH | TPM2_NO_DA | TPM2_SIGN | more;
	p->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	p->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	p->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	p->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
}

static int keep_public(struct quote_work *w, struct quote_key *key, const TPM2B_PUBLIC *public)
{
	TSS2_RC rc;

	key->len = 0;
	rc = Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, key->area, sizeof(key->area),
					 &key->len);
	return rc ? quote_fail(w->err, "public area", rc) : 0;
}

/* create - a primary key; session ESYS_TR_PASSWORD for the EK, before there is another. */
static int create(struct quote_work *w, ESYS_TR hierarchy, ESYS_TR session, const TPM2B_PUBLIC *t,
		  struct quote_key *ret)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPML_PCR_SELECTION pcrs = { 0 };
	const TPM2B_DATA outside = { 0 };
	TPM2B_CREATION_DATA *data = NULL;
	TPMT_TK_CREATION *ticket = NULL;
	TPM2B_PUBLIC *public = NULL;
	TPM2B_DIGEST *hash = NULL;
	TSS2_RC rc;
	int result;

	rc = Esys_CreatePrimary(w->esys, hierarchy, session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
				t, &outside, &pcrs, &ret->handle, &public, &data, &hash, &ticket);
	if (rc) {
		ret->handle = ESYS_TR_NONE;
		return quote_fail(w->err, "TPM2_CreatePrimary", rc);
	}
	result = keep_public(w, ret, public);
	Esys_Free(public);
	Esys_Free(data);
	Esys_Free(hash);
	Esys_Free(ticket);
	return result;
}

/* open_index - an NV index that is there; *ret_nv is ESYS_TR_NONE where it is not. */
static int open_index(struct quote_work *w, TPM2_HANDLE index, ESYS_TR *ret_nv)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;
	int there;

	*ret_nv = ESYS_TR_NONE;
	rc = Esys_GetCapability(w->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
				index, 1, &more, &data);
	if (rc)
		return quote_fail(w->err, "TPM2_GetCapability", rc);
	there = data->data.handles.count == 1 && data->data.handles.handle[0] == index;
	Esys_Free(data);
	if (!there)
		return 0;
	rc = Esys_TR_FromTPMPublic(w->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ret_nv);
	if (rc) {
		*ret_nv = ESYS_TR_NONE;
		return quote_fail(w->err, "TPM2_ReadPublic", rc);
	}
	return 0;
}

/* kept_ek - the RSA EK that the maker left in the TPM: making one again takes seconds. */
static int kept_ek(struct quote_work *w, const TPM2B_PUBLIC *t)
{
	TPM2B_NAME *name = NULL, *qualified = NULL;
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR handle;
	TSS2_RC rc;
	int result = open_index(w, EK_RSA_KEPT, &handle);

	if (result || handle == ESYS_TR_NONE)
		return result;
	rc = Esys_ReadPublic(w->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
			     &name, &qualified);
	if (rc) {
		(void)Esys_TR_Close(w->esys, &handle);
		return quote_fail(w->err, "TPM2_ReadPublic", rc);
	}
	if (public->publicArea.type == t->publicArea.type &&
	    public->publicArea.objectAttributes == t->publicArea.objectAttributes &&
	    public->publicArea.authPolicy.size == t->publicArea.authPolicy.size &&
	    memcmp(public->publicArea.authPolicy.buffer, t->publicArea.authPolicy.buffer,
		   t->publicArea.authPolicy.size) == 0) {
		w->ek.handle = handle;
		w->ek.kept = true;
		result = keep_public(w, &w->ek, public);
	} else {
		(void)Esys_TR_Close(w->esys, &handle);
	}
	Esys_Free(public);
	Esys_Free(name);
	Esys_Free(qualified);
	return result;
}

static int load_ek(struct quote_work *w)
{
	TPM2B_PUBLIC template;
	ESYS_TR nv;
	int rc = open_index(w, EK_ECC_CERTIFICATE, &nv);

	if (rc)
		return rc;
	w->ek.certificate = nv == ESYS_TR_NONE ? 0 : EK_ECC_CERTIFICATE;
	if (!w->ek.certificate) {
		rc = open_index(w, EK_RSA_CERTIFICATE, &nv);
		if (rc)
			return rc;
		w->ek.certificate = nv == ESYS_TR_NONE ? 0 : EK_RSA_CERTIFICATE;
	}
	if (nv != ESYS_TR_NONE)
		(void)Esys_TR_Close(w->esys, &nv);
	ek_template(&template, w->ek.certificate == EK_RSA_CERTIFICATE);
	if (w->ek.certificate == EK_RSA_CERTIFICATE) {
		rc = kept_ek(w, &template);
		if (rc || w->ek.handle != ESYS_TR_NONE)
			return rc;
	}
	return create(w, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, &template, &w->ek);
}

static int start_session(struct quote_work *w, TPM2_SE type, ESYS_TR *ret)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits = { .aes = 128 },
		.mode = { .aes = TPM2_ALG_CFB },
	};
	TSS2_RC rc;

	rc = Esys_StartAuthSession(w->esys, w->ek.handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, NULL, type, &aes, TPM2_ALG_SHA256, ret);
	if (rc) {
		*ret = ESYS_TR_NONE;
		return quote_fail(w->err, "TPM2_StartAuthSession", rc);
	}
	return 0;
}

int quote_session(struct quote_work *w, TPMA_SESSION attributes)
{
	TSS2_RC rc = Esys_TRSess_SetAttributes(w->esys, w->session,
					       attributes | TPMA_SESSION_CONTINUESESSION, 0xff);

	return rc ? quote_fail(w->err, "session", rc) : 0;
}

int quote_open(struct quote_work *w, ESYS_CONTEXT *esys, struct err *err)
{
	int rc;

	memset(w, 0, sizeof(*w));
	w->esys = esys;
	w->err = err;
	w->ek.handle = w->ak.handle = w->identity.handle = w->session = ESYS_TR_NONE;
	rc = load_ek(w);
	rc = rc ? rc : start_session(w, TPM2_SE_HMAC, &w->session);
	return rc ? rc : quote_session(w, TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT);
}

static void drop(struct quote_work *w, struct quote_key *key)
{
	if (key->handle == ESYS_TR_NONE)
		return;
	if (key->kept)
		(void)Esys_TR_Close(w->esys, &key->handle);
	else
		(void)Esys_FlushContext(w->esys, key->handle);
	key->handle = ESYS_TR_NONE;
}

void quote_close(struct quote_work *w)
{
	if (w->session != ESYS_TR_NONE)
		(void)Esys_FlushContext(w->esys, w->session);
	w->session = ESYS_TR_NONE;
	drop(w, &w->identity);
	drop(w, &w->ak);
	drop(w, &w->ek);
}

int quote_load_ak(struct quote_work *w)
{
	TPM2B_PUBLIC template;

	signing_template(&template, TPM2_RESTRICTED);
	return create(w, ESYS_TR_RH_ENDORSEMENT, w->session, &template, &w->ak);
}

int quote_load_identity(struct quote_work *w)
{
	TPM2B_PUBLIC template;

	signing_template(&template, 0);
	return create(w, ESYS_TR_RH_OWNER, w->session, &template, &w->identity);
}

int quote_policy(struct quote_work *w, ESYS_TR *ret_session)
{
	const TPM2B_NONCE none = { 0 };
	TPM2B_TIMEOUT *timeout = NULL;
	TPMT_TK_AUTH *ticket = NULL;
	TSS2_RC rc;
	int result = start_session(w, TPM2_SE_POLICY, ret_session);

	if (result)
		return result;
	rc = Esys_PolicySecret(w->esys, ESYS_TR_RH_ENDORSEMENT, *ret_session, ESYS_TR_PASSWORD,
			       ESYS_TR_NONE, ESYS_TR_NONE, &none, &none, &none, 0, &timeout,
			       &ticket);
	Esys_Free(timeout);
	Esys_Free(ticket);
	if (rc) {
		(void)Esys_FlushContext(w->esys, *ret_session);
		*ret_session = ESYS_TR_NONE;
		return quote_fail(w->err, "TPM2_PolicySecret", rc);
	}
	return 0;
}

/* der_size - bytes of the certificate at the start: an index may be longer than what it holds. */
static size_t der_size(const uint8_t *p, size_t len)
{
	size_t n;

	if (len < 4 || p[0] != 0x30 || p[1] != 0x82)
		return 0;
	n = 4 + (size_t)be16_load(p + 2);
	return n <= len ? n : 0;
}

static int read_index(struct quote_work *w, ESYS_TR nv, size_t size, uint8_t *ret)
{
	size_t at = 0;

	while (at < size) {
		UINT16 want = (UINT16)(size - at < NV_CHUNK ? size - at : NV_CHUNK);
		TPM2B_MAX_NV_BUFFER *data = NULL;
		TSS2_RC rc = Esys_NV_Read(w->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					  ESYS_TR_NONE, want, (UINT16)at, &data);
		size_t got;

		if (rc)
			return quote_fail(w->err, "TPM2_NV_Read of the EK certificate", rc);
		got = data->size;
		if (got == want)
			memcpy(ret + at, data->buffer, got);
		Esys_Free(data);
		if (got != want)
			return err_set(w->err, -EIO, "TPM2_NV_Read: %zu bytes of %u", got, want);
		at += got;
	}
	return 0;
}

int quote_certificate(struct quote_work *w, uint8_t ret[static QUOTE_CERTIFICATE_MAX],
		      size_t *ret_len)
{
	TPM2B_NV_PUBLIC *public = NULL;
	TPM2B_NAME *name = NULL;
	size_t size = 0;
	ESYS_TR nv;
	TSS2_RC rc;
	int result;

	*ret_len = 0;
	if (!w->ek.certificate)
		return 0;
	result = open_index(w, w->ek.certificate, &nv);
	if (result || nv == ESYS_TR_NONE)
		return result;
	rc = Esys_NV_ReadPublic(w->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
				&name);
	if (rc)
		result = quote_fail(w->err, "TPM2_NV_ReadPublic", rc);
	else
		size = public->nvPublic.dataSize;
	Esys_Free(public);
	Esys_Free(name);
	if (!result && size > QUOTE_CERTIFICATE_MAX)
		result = err_set(w->err, -EIO, "EK certificate: %zu bytes", size);
	if (!result)
		result = read_index(w, nv, size, ret);
	if (!result)
		*ret_len = der_size(ret, size);
	(void)Esys_TR_Close(w->esys, &nv);
	return result;
}
