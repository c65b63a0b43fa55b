// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_QUOTE_KEYS_H
#define CAIRN_TRUST_QUOTE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_esys.h>

#include "err.h"
#include "tpm2parse.h"

/* Keys and sessions of attestation; quote.h says what each key is. */

#define QUOTE_CERTIFICATE_MAX 4096

/* A primary key while one order is worked on. */
struct quote_key {
	ESYS_TR handle;		       /* ESYS_TR_NONE: none */
	bool kept;		       /* persistent in the TPM: not to be flushed */
	uint8_t area[TPM2_PUBLIC_MAX]; /* TPMT_PUBLIC */
	size_t len;
	TPM2_HANDLE certificate; /* EK: NV index of its certificate; 0: none */
};

/* What one order holds of the TPM. quote_close gives all of it back, on every path. */
struct quote_work {
	ESYS_CONTEXT *esys;
	struct quote_key ek, ak, identity;
	ESYS_TR session; /* HMAC, salted with the EK; encrypts both ways unless told */
	struct err *err;
};

/* quote_fail - -EIO, and which command failed with which code. */
int quote_fail(struct err *err, const char *command, TSS2_RC rc);

/* quote_open - the EK, and a session salted with it. Whatever it returns, quote_close ends it. */
int quote_open(struct quote_work *w, ESYS_CONTEXT *esys, struct err *err);
void quote_close(struct quote_work *w);

int quote_load_ak(struct quote_work *w);
int quote_load_identity(struct quote_work *w);

/* quote_session - which directions the session encrypts: TPMA_SESSION_DECRYPT, _ENCRYPT. */
int quote_session(struct quote_work *w, TPMA_SESSION attributes);
/* quote_policy - a policy session that the EK's policy is satisfied in (PolicySecret). */
int quote_policy(struct quote_work *w, ESYS_TR *ret_session);

/* quote_certificate - of the EK; 0 bytes where the TPM has none. */
int quote_certificate(struct quote_work *w, uint8_t ret[static QUOTE_CERTIFICATE_MAX],
		      size_t *ret_len);

#endif
