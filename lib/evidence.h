// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_EVIDENCE_H
#define CAIRN_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * What a machine hands over about itself, in one compact container. Integers are big-endian, as
 * in the TPM's own structures.
 *
 *     "CAIRN-EV" | u16 version = 1 | u16 kind | parts...
 *     part: u16 id | u16 reserved = 0 | u32 length | content
 *
 *   id  name         evidence  request  content
 *    1  report       yes       -        text of lib/report.h
 *    2  ak           yes       yes      TPMT_PUBLIC of the attestation key
 *    3  identity     yes       yes      TPMT_PUBLIC of the device identity key
 *    4  ek           yes       yes      TPMT_PUBLIC of the endorsement key
 *    5  certificate  where the TPM has one      of the endorsement key, X.509 in DER
 *    6  eventlog     yes       -        the firmware's log, then what init measured (PCR 14)
 *    7  pcrs         yes       -        u32 mask | a SHA-256 PCR for each bit, ascending
 *    8  attest       yes       yes      TPMS_ATTEST: a quote; of a request, identity certified
 *    9  signature    yes       yes      TPMT_SIGNATURE of it by the attestation key
 *
 * Parts are ascending, each once, nothing follows the last. What stands before part 8 is bound by
 * the qualifying data of the TPM's statement (evidence_qualify): no bit of a container can change
 * without its statement or its signature failing.
 */

#define EVIDENCE_VERSION 1
#define EVIDENCE_HEAD 12			     /* bytes before the first part */
#define EVIDENCE_EVENTLOG_MAX (1u << 20)	     /* bytes; more is refused */
#define EVIDENCE_SMALL_MAX 4096			     /* bytes of every other part */
#define EVIDENCE_MAX (EVIDENCE_EVENTLOG_MAX + 16384) /* bytes of a whole container */

enum evidence_kind { EVIDENCE_QUOTE = 1, EVIDENCE_REQUEST = 2 };

enum evidence_part {
	EVIDENCE_REPORT = 1,
	EVIDENCE_AK,
	EVIDENCE_IDENTITY,
	EVIDENCE_EK,
	EVIDENCE_CERTIFICATE,
	EVIDENCE_EVENTLOG,
	EVIDENCE_PCRS,
	EVIDENCE_ATTEST,
	EVIDENCE_SIGNATURE,
	EVIDENCE_PARTS, /* one more than the last id */
};

/* A container taken apart; everything points into the caller's buffer. Absent: NULL, 0. */
struct evidence {
	uint16_t kind; /* enum evidence_kind */
	struct {
		const uint8_t *buf;
		size_t len;
	} part[EVIDENCE_PARTS];
	const uint8_t *bound; /* what the qualifying data binds: */
	size_t bound_len;
};

/* evidence_parse - form only, no signature. Errors: -EBADMSG, -EFBIG. */
int evidence_parse(const uint8_t *buf, size_t len, struct evidence *ret, struct err *err);

/* evidence_part_name - "report", "ak"...; "?" for no part. */
const char *evidence_part_name(int part);

/* Writes a container part by part into the caller's buffer; errors are told once, at the end. */
struct evidence_writer {
	uint8_t *buf;
	size_t max, len;
	int part;  /* last one written */
	int error; /* the first one, -errno */
};

void evidence_begin(struct evidence_writer *w, uint8_t *buf, size_t max, enum evidence_kind kind);
void evidence_add(struct evidence_writer *w, enum evidence_part part, const void *content,
		  size_t len);
/*
 * evidence_end - check that what was written reads back. What qualifies an attestation is of
 * w->buf and w->len before EVIDENCE_ATTEST is added.
 * Errors: -ENOSPC the buffer, -EFBIG a part, -EINVAL an order or set of parts that
 * evidence_parse refuses.
 */
int evidence_end(struct evidence_writer *w, size_t *ret_len);

#define EVIDENCE_NONCE_SIZE 32

/* What a verifier asks with. */
struct evidence_ask {
	uint8_t nonce[EVIDENCE_NONCE_SIZE]; /* fresh and random, the verifier's own */
	/* The channel that the evidence comes through, so that it cannot be passed on from another
	 * one: of TLS 1.3 the exporter "EXPORTER-Channel-Binding" (RFC 9266), else what both ends
	 * know of it. Zeros: no channel. */
	uint8_t channel[EVIDENCE_NONCE_SIZE];
};

/*
 * evidence_qualify - the qualifying data of the TPM's statement:
 *   SHA-256("cairn-evidence-1" | nonce | channel | SHA-256(bound)).
 */
void evidence_qualify(const struct evidence_ask *ask, const uint8_t *bound, size_t bound_len,
		      uint8_t ret[static SHA256_SIZE]);

#endif
