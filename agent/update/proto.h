// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_PROTO_H
#define CAIRN_UPDATE_PROTO_H

#include <stdint.h>

#include "crypto.h"
#include "signed.h"

/*
 * What the parts of service `update` say to each other (agent/update/parts.h has the picture).
 * SOCK_SEQPACKET pairs; one message is one struct below, of exactly its size, in host byte order:
 * all ends are one program. Every message begins with its version and its op; a message of
 * another version or size, or a text without its NUL, ends the part that gets it.
 *
 *   main -> fetch     source_config  (op SOURCE_CONFIG; with one descriptor where kind says so)
 *   main, writer -> fetch   source_request
 *   fetch -> main, writer   source_data     one a slice; the last of an answer has last = 1
 *   main -> writer    writer_order   (with one descriptor where an order says so)
 *   writer -> main    writer_report  progress, at most 4 a second, and one with final = 1
 */

#define UPDATE_PROTO_VERSION 1u
#define UPDATE_URL_SIZE 512
#define UPDATE_PROXY_SIZE 256
#define UPDATE_WHY_SIZE 192
#define UPDATE_WHAT_SIZE 24
#define UPDATE_VERSION_SIZE 64
#define SOURCE_SLICE_BYTES 32768u

/* --- fetch: the source of channel, trust and bundles --- */

enum source_op {
	SOURCE_CONFIG = 1, /* main only: where to read from now on; answered by one source_data */
	SOURCE_READ,	   /* answered by slices in order */
	SOURCE_CANCEL,	   /* of the READ with this id; answered by one last slice, -ECANCELED */
};

enum source_kind {
	SOURCE_FOLDER = 1, /* url is a channel's folder: http, https, or file below the media folder
			    */
	SOURCE_FILE,	   /* url is one bundle: BUNDLE is read from it whatever the digest */
	SOURCE_FD,	   /* the descriptor that comes along is one bundle; url is for messages */
};

enum source_ca {
	SOURCE_CA_NONE = 1, /* http only: a https URL is refused */
	SOURCE_CA_PUBLIC,   /* the roots in the release */
	SOURCE_CA_OPERATOR, /* /etc/cairn/ca.pem, /data/config/ca.pem: these and no others */
};

struct source_config {
	uint32_t version;
	uint32_t op;	      /* SOURCE_CONFIG */
	uint32_t kind;	      /* enum source_kind */
	uint32_t ca;	      /* enum source_ca */
	uint32_t limit_kib_s; /* 0: none */
	uint32_t reserved;
	char url[UPDATE_URL_SIZE];     /* no user name and no fragment; a trailing / is no matter */
	char proxy[UPDATE_PROXY_SIZE]; /* "" none */
};

enum source_object {
	SOURCE_CHANNEL = 1, /* URL/channel */
	SOURCE_TRUST,	    /* URL/trust/<number> */
	SOURCE_BUNDLE,	    /* URL/bundles/<digest in hex>.cairn */
};

struct source_request {
	uint32_t version;
	uint32_t op;		     /* SOURCE_READ, SOURCE_CANCEL */
	uint32_t id;		     /* the asker's; echoed in each slice */
	uint32_t object;	     /* enum source_object */
	uint64_t number;	     /* of TRUST */
	uint8_t digest[SHA256_SIZE]; /* of BUNDLE: SHA-256 of its manifest */
	uint64_t offset;	     /* bytes */
	uint64_t len;		     /* bytes; 0: to the end, at most 1 MiB */
};

/*
 * An asker's READs are answered one after the other; a READ past the object's
 * end gets what there is, with rc 0 where that is at least one byte. CONFIG cancels all READs.
 * fetch mends lost links by itself, from the byte where it was, with back-off and within bounds;
 * rc says that it gave up. len bytes are good up to here in any case.
 */
struct source_data {
	uint32_t version;
	uint32_t op; /* that of the request */
	uint32_t id; /* that of the request; 0 for CONFIG */
	int32_t rc;  /* 0, -errno: -ENOENT the object is not there, -ENODATA it ends before offset,
		      * -ESTALE it changed while it was read, -EACCES the server or the proxy does
		      * not let us, -EFBIG too large, -EPROTO the server breaks rules,
		      * -EKEYREJECTED its certificate does not hold, -ECANCELED; and after all
		      * attempts -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET, -EHOSTUNREACH no such
		      * name, -EREMOTEIO the server fails (5xx) */
	uint32_t last;	  /* 1: nothing more for this id */
	uint32_t len;	  /* of bytes; 0..SOURCE_SLICE_BYTES */
	uint64_t offset;  /* of bytes[0] in the object */
	uint64_t total;	  /* of the object; 0 not known */
	uint64_t fetched; /* bytes taken off the network for this id up to now, repeats included */
	char why[UPDATE_WHY_SIZE]; /* of rc, one sentence for a person */
	uint8_t bytes[SOURCE_SLICE_BYTES];
};

/* --- writer: the only one that writes slots, boot state and ESPs --- */

enum writer_op {
	WRITER_STATE = 1, /* repair the boot state where needed; report it */
	WRITER_INSTALL,	  /* the bundle `digest` into the inactive slot; does not activate it */
	WRITER_ABORT,	  /* of an INSTALL: ends it at the next frame; no answer of its own */
	WRITER_ACTIVATE,  /* the inactive slot: 3 tries, primary. Only what INSTALL has read back
			   * in this life or finds right now (it verifies again else) */
	WRITER_MARK_GOOD, /* the booted slot; durable on answer */
	WRITER_MARK_BAD,  /* `slot`: 0 tries, not good, not primary where the other is good */
	WRITER_ROLLBACK,  /* primary becomes the other slot, if that is good */
	WRITER_PRIMARY,	  /* primary becomes the booted slot: after a fallback */
	WRITER_STAGE1,	  /* go on with the replacement of stage-1 GRUB where one is under way */
	WRITER_OPS
};

enum writer_flag {
	WRITER_ANY_RELEASE = 1u << 0, /* INSTALL: an older or equal release too (an operator's
				       * order); never one below the floor */
	WRITER_WITH_TRUST = 1u << 1,  /* a descriptor comes along: the file of the trusts taken
				       * so far (trust_chain of lib/trust.h) */
};

enum writer_slot { WRITER_SLOT_NONE, WRITER_SLOT_A, WRITER_SLOT_B };

struct writer_order {
	uint32_t version;
	uint32_t op;	  /* enum writer_op */
	uint32_t slot;	  /* enum writer_slot, of MARK_BAD */
	uint32_t flags;	  /* enum writer_flag */
	uint64_t release; /* INSTALL: what main expects; another one is refused; 0 any */
	uint64_t floor;	  /* INSTALL: highest floor of a release that was good here; the
			   * writer takes it or that of /etc/cairn/release, the higher */
	uint64_t now;	  /* INSTALL: updatetime_now, for what has expired; the writer takes
			   * it or the release's build time, the later */
	uint8_t digest[SHA256_SIZE]; /* INSTALL: SHA-256 of the bundle's manifest */
};

enum writer_phase {
	WRITER_IDLE,
	WRITER_CHECKING, /* manifest, signatures, what is in the slot already */
	WRITER_WRITING,
	WRITER_VERIFYING, /* read back from the medium */
	WRITER_SWITCHING, /* the boot state */
	WRITER_PHASES
};

/* Whose fault it was: what main does next hangs on it. */
enum writer_cause {
	WRITER_CAUSE_NONE,
	WRITER_CAUSE_SOURCE, /* fetch gave up, or gave something else than was named: later again */
	WRITER_CAUSE_DELTA,  /* it does not fit what is in the booted slot: take the full bundle */
	WRITER_CAUSE_BUNDLE, /* named, signed, and refused always: compatible, floor, form */
	WRITER_CAUSE_DISK,   /* the slot cannot be written or read back */
	WRITER_CAUSE_STATE,  /* the boot state cannot be written or read back */
	WRITER_CAUSE_ABORTED, /* by order */
	WRITER_CAUSE_SYSTEM,  /* memory, a lost descriptor, a bug */
	WRITER_CAUSES
};

/* The boot state as it is on STATE (lib/bootstate.h), for who must not touch it. */
struct writer_bootstate {
	uint8_t known;	  /* 0: neither copy could be read */
	uint8_t repaired; /* a copy was written anew in this life */
	uint8_t booted;	  /* enum writer_slot: the slot of the running root */
	uint8_t primary;  /* enum writer_slot */
	uint8_t good[2];  /* of A, B: 0, 1 */
	uint8_t tries[2]; /* of A, B: 0..3 left */
	uint8_t esp;	  /* 1, 2: where GRUB came from; 0 not known */
	uint8_t stage1;	  /* 1: a replacement of stage 1 waits for its next step */
	uint8_t reserved[6];
};

struct writer_report {
	uint32_t version;
	uint32_t op;	      /* that of the order */
	uint32_t final;	      /* 1: the answer; 0: progress */
	int32_t rc;	      /* of the answer: 0 or -errno */
	uint32_t cause;	      /* enum writer_cause */
	uint32_t phase;	      /* enum writer_phase */
	uint64_t done, total; /* bytes of the slot in this phase */
	uint64_t fetched;     /* bytes taken from the source in this INSTALL */
	uint64_t resumed;     /* bytes found right in the slot and not asked for again */
	/* Of the bundle, known after its manifest was checked; else 0, "". */
	uint64_t release;
	uint64_t floor;
	char release_version[UPDATE_VERSION_SIZE];
	uint8_t root_hash[SHA256_SIZE];
	struct writer_bootstate boot;
	uint32_t manifest_len;	      /* of the answer to an INSTALL that went well; else 0 */
	uint8_t manifest[SIGNED_MAX]; /* signed, as it was checked */
	char what[UPDATE_WHAT_SIZE];  /* one word: signature, compatible, release, floor, piece, ...
				       */
	char why[UPDATE_WHY_SIZE];    /* one sentence for a person */
};

#endif
