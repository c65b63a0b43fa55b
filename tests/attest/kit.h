// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_KIT_H
#define CAIRN_TEST_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attest.h"
#include "pcrlist.h"

/*
 * Evidence of a machine whose keys are in a file instead of a TPM: good evidence, and evidence that
 * is wrong in one field and rightly signed all the same, so that each check stands alone. The keys
 * are fixed; signatures are RFC 6979: same kit, same bytes.
 */

#define KIT_LOG_MAX 65536
#define KIT_EVENTS 60

struct kit {
	uint8_t ek_secret[P256_SECRET_SIZE], ak_secret[P256_SECRET_SIZE],
		identity_secret[P256_SECRET_SIZE];
	struct attest_machine machine;
	struct p256_key *ak, *identity;
	struct report report;
	uint8_t log[KIT_LOG_MAX];
	size_t log_len;
	struct pcrlist list; /* of this log */
	const struct pcrlist *lists[1];
	struct attest_policy policy;
	uint8_t buf[EVIDENCE_MAX];
	size_t len;
};

/* What is about to be signed; pointers of attest point into it. */
struct kit_draft {
	uint16_t kind;
	struct {
		uint8_t area[TPM2_PUBLIC_MAX];
		size_t len;
	} ek, ak, identity;
	struct report report;
	uint8_t *log; /* KIT_LOG_MAX bytes */
	size_t log_len;
	uint8_t pcrs[4 + 11 * SHA256_SIZE];
	bool own_pcrs; /* pcrs has been written by the change: not of the log */
	struct tpm2_attest attest;
	uint8_t signer[66], extra[TPM2_EXTRA_MAX], digest[SHA256_SIZE];
	uint8_t name[TPM2_NAME_SIZE], qualified[TPM2_NAME_SIZE];
	const uint8_t *secret; /* that signs */
};

typedef void kit_change(struct kit_draft *d);

/* kit_init - keys, log, list and policy. kit_release gives back what it holds. 0 or -errno. */
int kit_init(struct kit *k);
void kit_release(struct kit *k);

/*
 * kit_make - evidence (EVIDENCE_QUOTE) or a request into k->buf. before may change what the
 * statement binds, after the statement; NULL: as they should be.
 */
int kit_make(struct kit *k, enum evidence_kind kind, kit_change *before, kit_change *after);

/* Hostile evidence, one field each, and the check that must refuse it. */
struct kit_hostile {
	const char *name;
	kit_change *before, *after;
	enum attest_check refused_by;
};
extern const struct kit_hostile kit_hostile[];
extern const size_t kit_hostile_count;

#endif
