// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ATTEST_H
#define CAIRN_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "evidence.h"
#include "pcrlist.h"
#include "report.h"
#include "tpm2parse.h"

/*
 * Is this evidence from this machine, now, and did it start exactly what it was to start? Pure: no
 * TPM, no clock, no heap of ours on the way of one verification. docs/attestation.md.
 */

#define ATTEST_PCRS 0x43ffu /* of a quote: 0 to 9 and 14 */

/* The checks, all mandatory, in the order in which they are made. The first that fails ends it. */
enum attest_check {
	ATTEST_FORM,	  /* the container, its parts, the TPM's structures, the report */
	ATTEST_KEYS,	  /* EK, AK and identity are those of the enrolment, byte by byte */
	ATTEST_MAGIC,	  /* TPM_GENERATED_VALUE: made by a TPM, not handed to it */
	ATTEST_TYPE,	  /* TPM_ST_ATTEST_QUOTE (of a request TPM_ST_ATTEST_CERTIFY) */
	ATTEST_SIGNER,	  /* the AK's qualified name */
	ATTEST_NONCE,	  /* qualifying data: nonce, channel, and all else in the container */
	ATTEST_SELECTION, /* SHA-256 bank, PCR 0 to 9 and 14, no less and no more */
	ATTEST_DIGEST,	  /* recomputed from the PCRs that come along */
	ATTEST_SIGNATURE, /* by the AK */
	ATTEST_CLOCK,	  /* clock, resets and restarts did not go back */
	ATTEST_LOG,	  /* the event log replays to these PCRs */
	ATTEST_EVENTS,	  /* each event at its position: one of the exact lists */
	ATTEST_REPORT,	  /* root hash and release that the report names, where they are wanted */
	ATTEST_CHECKS
};

/* attest_check_name - "form", "keys"...; "nothing" for ATTEST_CHECKS. */
const char *attest_check_name(enum attest_check check);

/* The TPM's time. A cleared TPM begins anew: its machine has to be enrolled again. */
struct attest_clock {
	uint64_t clock_ms;
	uint32_t resets, restarts;
};

/* What is known of a machine since its enrolment. TPMT_PUBLIC of its keys, and what follows. */
struct attest_machine {
	struct {
		uint8_t area[TPM2_PUBLIC_MAX];
		size_t len;
	} ek, ak, identity;
	struct attest_clock last; /* of the last evidence that was accepted, or of the enrolment */
	/* By attest_machine_ready: */
	uint8_t signer[TPM2_NAME_SIZE]; /* the AK's qualified name */
	struct tpm2_public ek_public, ak_public, identity_public;
};

/*
 * attest_machine_ready - check the keys and fill in what follows from them. The AK is a primary key
 * of the endorsement hierarchy. The struct must stay where it is: the parsed areas point into it.
 * Errors: -EBADMSG, -ENOTSUP, -EKEYREJECTED as tpm2_public_parse and tpm2_public_is_*.
 */
int attest_machine_ready(struct attest_machine *m, struct err *err);

struct attest_policy {
	const struct attest_machine *machine; /* ready */
	struct p256_key *ak;		      /* crypto_p256_key_new of machine->ak_public.point */
	struct evidence_ask ask;
	const struct pcrlist *const *list; /* exact lists; one must match. None: nothing matches */
	size_t lists;
	const uint8_t *root; /* the release's root hash; NULL: not compared */
	uint64_t release;    /* 0: not compared */
};

struct attest_result {
	enum attest_check failed;  /* ATTEST_CHECKS: none */
	struct err why;		   /* of failed, one sentence */
	struct attest_clock clock; /* from ATTEST_SIGNATURE on */
	size_t list;		   /* which one matched */
	uint32_t events;	   /* in the log */
	struct evidence evidence;  /* after ATTEST_FORM; points into the caller's buffer */
	struct tpm2_attest attest; /* likewise */
	struct report report;	   /* likewise */
};

/*
 * attest_verify - Returns 0 where every check holds, else -EKEYREJECTED with failed and why set.
 * Before ATTEST_SIGNATURE has held, nothing in *ret is more than a claim.
 */
int attest_verify(const struct attest_policy *policy, const uint8_t *buf, size_t len,
		  struct attest_result *ret);

/*
 * attest_enrol - a request for enrolment: the keys are what they must be (attest_machine_ready),
 * and the AK says that identity is in its TPM. That the AK is in the TPM of that EK is proved by
 * the answer to a credential (credential.h) alone, and that the EK is a TPM's by its certificate
 * (ekcert.h) or by somebody's word. *ret_machine is ready.
 * Returns as attest_verify; checks after ATTEST_SIGNATURE are not made.
 */
int attest_enrol(const struct evidence_ask *ask, const uint8_t *buf, size_t len,
		 struct attest_machine *ret_machine, struct attest_result *ret);

/*
 * attest_clock_check - may this come after that? resets count power cycles of the TPM, restarts its
 * resumes since. Within one power cycle the clock does not go back; after one it does not either,
 * but where the TPM says that it may have (not safe: it lost power unannounced).
 */
int attest_clock_check(const struct attest_clock *last, const struct attest_clock *now, bool safe,
		       struct err *err);

#endif
