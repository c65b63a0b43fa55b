// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_TPM_WORK_H
#define CAIRN_TRUST_TPM_WORK_H

#include "agent/trust/tpm.h"

/* What the files of tpm.h share. */

/* tpm_srk - look the storage key up, or make it. */
int tpm_srk(struct tpm *t, struct err *err);

/* tpm_session - salted with the storage key; attributes: TPMA_SESSION_DECRYPT (what goes in),
 * _ENCRYPT (what comes out). tpm_end ends it. */
int tpm_session(struct tpm *t, TPM2_SE type, TPMA_SESSION attributes, ESYS_TR *ret_session,
		struct err *err);

/* tpm_end - flush a session or an object; ESYS_TR_NONE is accepted. */
void tpm_end(struct tpm *t, ESYS_TR handle);

/* tpm_counter_find - the index, to be closed with Esys_TR_Close. */
int tpm_counter_find(struct tpm *t, uint32_t index, ESYS_TR *ret_index, struct err *err);

#endif
