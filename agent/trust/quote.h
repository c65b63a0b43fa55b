// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_QUOTE_H
#define CAIRN_TRUST_QUOTE_H

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_esys.h>

#include "err.h"
#include "evidence.h"
#include "object.h"
#include "report.h"

/*
 * Attestation and device identity, for the one process that holds the TPM. Every call makes the
 * keys it needs and flushes them: nothing is kept in the TPM or on disk, and a boot pays nothing.
 *
 *   key       hierarchy    template                                     lives until
 *   EK        endorsement  TCG EK Credential Profile 2.3, L-2 (ECC      the maker's seed changes
 *                          P-256) or L-1 (RSA-2048), by its certificate
 *   AK        endorsement  ECC P-256, ECDSA SHA-256, restricted          the same
 *   identity  owner        ECC P-256, ECDSA SHA-256                      the TPM is cleared
 *
 * All are primary keys, fixedTPM, fixedParent and made by the TPM: made again from their seeds
 * each time, the same key each time, and no key ever leaves. AK and identity are noDA: a lockout
 * does not end attestation. The authorizations of the hierarchies are expected to be empty.
 *
 * Sessions are salted with the EK, and the first parameter of each command and answer is encrypted
 * where it has one (AES-128 in CFB), so that a probe on the bus learns no secret.
 *
 * For agent/trust/proto.h: QUOTE is quote_evidence of trustd_nonce (its 32 bytes and the binding
 * are struct evidence_ask) and of the report that the asker sends after it, in a descriptor;
 * IDENTITY is quote_request, likewise; ACTIVATE is quote_activate; SIGN is quote_sign_digest; what
 * measures settings before they are used is quote_measure, and the service keeps the events for
 * QUOTE.
 *
 * Errors: -EIO the TPM refused or failed (err names the command and the code), -ENOSPC the caller's
 * buffer, and as each says. Memory: what ESYS takes for one command, given back.
 */

#define QUOTE_REQUEST_MAX 16384 /* bytes of every request */
#define QUOTE_SECRET_MAX 32
#define QUOTE_PCRS 0x43ffu /* of a quote: 0 to 9 and 14 */

/*
 * quote_request - the request for enrolment: EK, its certificate where the TPM has one, AK,
 * identity, and the AK's word (TPM2_Certify) that identity is in the same TPM.
 */
int quote_request(ESYS_CONTEXT *esys, const struct evidence_ask *ask, uint8_t *buf, size_t max,
		  size_t *ret_len, struct err *err);

/*
 * quote_activate - the secret in a credential (lib/credential.h: the file form of tpm2-tools) that
 * was made for this EK and AK. Errors: -EBADMSG no credential, -EKEYREJECTED not for this TPM.
 */
int quote_activate(ESYS_CONTEXT *esys, const uint8_t *credential, size_t len,
		   uint8_t ret_secret[static QUOTE_SECRET_MAX], size_t *ret_len, struct err *err);

/*
 * quote_evidence - what the machine says of itself, with a quote over QUOTE_PCRS. log is the
 * firmware's event log followed by what quote_measure gave; it may be empty where there is none,
 * and no verifier will take that. ret_len bytes of an evidence container (lib/evidence.h).
 */
int quote_evidence(ESYS_CONTEXT *esys, const struct evidence_ask *ask, const struct report *report,
		   const uint8_t *log, size_t log_len, uint8_t *buf, size_t max, size_t *ret_len,
		   struct err *err);

/*
 * quote_sign - an object signed by the identity key (lib/object.h). buf holds the
 * content from buf + OBJECT_HEAD on, len bytes; the head and the signature are written around it.
 */
int quote_sign(ESYS_CONTEXT *esys, enum object_kind kind, uint8_t *buf, size_t len, size_t max,
	       size_t *ret_len, struct err *err);

/* quote_sign_digest - ECDSA of a SHA-256 digest by the identity key. */
int quote_sign_digest(ESYS_CONTEXT *esys, const uint8_t digest[static SHA256_SIZE],
		      uint8_t ret_signature[static P256_SIGNATURE_SIZE], struct err *err);

#define QUOTE_EVENT_TEXT_MAX 128
#define QUOTE_EVENT_MAX (4 + 4 + 4 + 2 + SHA256_SIZE + 4 + QUOTE_EVENT_TEXT_MAX)

/*
 * quote_measure - extend PCR 14 (SHA-256 bank) with the digest of settings before they are used.
 * ret_event gets the event as TCG_PCR_EVENT2 (EV_IPL, data: text), to be kept and put after the
 * firmware's log. text: what it is, plain ASCII without NUL, such as "settings network.conf".
 */
int quote_measure(ESYS_CONTEXT *esys, const uint8_t digest[static SHA256_SIZE], const char *text,
		  uint8_t ret_event[static QUOTE_EVENT_MAX], size_t *ret_len, struct err *err);

#endif
