// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_PROTO_H
#define CAIRN_TRUST_PROTO_H

#include <stdint.h>

#include "evidence.h"
#include "keyhead.h"
#include "report.h"
#include "signed.h"
#include "status.h"

/*
 * What is asked of service `trust`, the only process that holds the TPM. A SOCK_SEQPACKET socket,
 * TRUSTD_SOCKET; one request is one struct trustd_request, one answer one struct trustd_reply, in
 * host byte order, of exactly its size. A message of another size, version or op ends the
 * connection. Answers come in the order of the requests. Who may ask what is decided by the peer's
 * user (SO_PEERCRED) and stands in access.h; anyone else gets -EACCES.
 *
 *   op         body of the request            body of the answer
 *   MEASURED   -                              struct status_measured
 *   DATA       -                              struct trustd_data: how DATA is to be treated
 *   DATA_KEY   -                              struct trustd_key: opens what is there
 *   DATA_NEW   u32 enum keyhead_cipher        struct trustd_key: a new key, its header is on disk
 *   DATA_WIPE  -                              -: header and counter are destroyed
 *   SEAL       a release's signed manifest    -: its first boot will open DATA
 *              (TRUSTD_WITH_TRUST: a descriptor of the trusts taken so far, lib/trust.h)
 *   GOOD       -                              -: the booted release is good (docs/sealing.md)
 *   SEALED     -                              text, key=value lines for people
 *   QUOTE      struct trustd_quote            evidence (lib/evidence.h), long
 *   ACTIVATE   a credential (lib/credential)  the secret
 *   SIGN       u8 SHA-256[32]                 r | s, 64 bytes, by the device's identity key
 *   IDENTITY   struct evidence_ask            the request for enrolment (lib/evidence.h), long
 *   SETTINGS   struct trustd_settings         -: measured into PCR 14, before they are used
 *
 * A long answer comes in several replies, each with `left`, the bytes that are still to come.
 */
#define TRUSTD_VERSION 1u
#define TRUSTD_SOCKET "/run/cairn/trust"
#define TRUSTD_REQUEST_BYTES SIGNED_MAX
#define TRUSTD_REPLY_BYTES 8192u
#define TRUSTD_WHY_SIZE 192

enum trustd_op {
	TRUSTD_MEASURED = 1,
	TRUSTD_DATA,
	TRUSTD_DATA_KEY,
	TRUSTD_DATA_NEW,
	TRUSTD_DATA_WIPE,
	TRUSTD_SEAL,
	TRUSTD_GOOD,
	TRUSTD_SEALED,
	TRUSTD_QUOTE,
	TRUSTD_ACTIVATE,
	TRUSTD_SIGN,
	TRUSTD_IDENTITY,
	TRUSTD_SETTINGS,
	TRUSTD_OPS
};

enum trustd_flag {
	TRUSTD_WITH_TRUST = 1u << 0, /* SEAL: a descriptor comes along */
};

struct trustd_request {
	uint32_t version; /* TRUSTD_VERSION */
	uint32_t op;	  /* enum trustd_op */
	uint32_t flags;	  /* enum trustd_flag */
	uint32_t len;	  /* bytes of body that count */
	uint8_t body[TRUSTD_REQUEST_BYTES];
};

struct trustd_reply {
	uint32_t version;
	uint32_t op;		   /* that of the request */
	int32_t rc;		   /* 0, or -errno as in the table of client.h */
	uint32_t len;		   /* bytes of body that count */
	uint32_t left;		   /* of a long answer, after these */
	char why[TRUSTD_WHY_SIZE]; /* of rc, one sentence for a person */
	uint8_t body[TRUSTD_REPLY_BYTES];
};

/* What `data` is to do with the DATA partition. */
enum trustd_data_what {
	TRUSTD_DATA_PLAIN = 1, /* unencrypted as it is, or to be made so: mount it */
	TRUSTD_DATA_OPEN,      /* encrypted: ask for DATA_KEY */
	TRUSTD_DATA_MAKE,      /* nothing in there yet: mark it, ask for DATA_NEW */
	TRUSTD_DATA_CLOSED,    /* it stays shut: a stand-in takes its place; why says why */
};

struct trustd_data {
	uint32_t what;	 /* enum trustd_data_what */
	uint32_t policy; /* enum sealconf_policy */
	uint32_t cipher; /* enum keyhead_cipher, of OPEN and for MAKE */
	uint32_t reserved;
	char why[TRUSTD_WHY_SIZE]; /* of PLAIN (no TPM, made by an older release), CLOSED */
};

/* The caller wipes it. */
struct trustd_key {
	uint32_t cipher; /* enum keyhead_cipher */
	uint32_t key_bytes;
	uint8_t key[KEYHEAD_KEY_MAX];
	uint8_t id[KEYHEAD_ID_BYTES]; /* of the volume */
};

struct trustd_quote {
	struct evidence_ask ask;
	struct report report; /* what the asker says of the machine; the quote binds it */
};

struct trustd_settings {
	uint8_t digest[SHA256_SIZE];
	char what[64]; /* such as "settings network.conf"; plain ASCII */
};

_Static_assert(sizeof(struct status_measured) <= TRUSTD_REPLY_BYTES, "an answer fits");
_Static_assert(sizeof(struct trustd_quote) <= TRUSTD_REQUEST_BYTES, "a question fits");

#endif
