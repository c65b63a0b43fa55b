// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_VOLUME_H
#define CAIRN_TRUST_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/trust/measured.h"
#include "agent/trust/proto.h"
#include "agent/trust/tpm.h"
#include "blockio.h"
#include "bundle.h"
#include "sealconf.h"
#include "sealset.h"
#include "trust.h"

/*
 * The key of DATA: what service `trust` does with the TPM and the partition's head. The key is in
 * this process's memory only while an order is carried out; an order that needs it unseals it
 * again.
 */

/* Where things are; a test has files instead. */
struct volume_places {
	const char *part;     /* the DATA partition; NULL: there is none */
	const char *release;  /* /etc/cairn/release */
	const char *trust;    /* /etc/cairn/trust */
	const char *recovery; /* /etc/cairn/recovery; not there: no recovery slot */
	const char *cmdline;  /* /proc/cmdline */
};

struct volume {
	struct tpm *tpm;
	struct measured *measured;
	/* The partition, or -1. fd is the one of io; where that may write, read_fd is another for
	 * when it may not any more. */
	int fd, read_fd;
	bool writable; /* not where an unencrypted DATA may be mounted from it */
	struct blockio io;
	/* The running release. */
	char compatible[BUNDLE_WORD_SIZE], architecture[BUNDLE_WORD_SIZE];
	uint64_t release, floor;
	uint8_t roothash[SHA256_SIZE];
	bool has_roothash;
	enum sealconf_policy policy;
	enum keyhead_cipher cipher;
	struct trust shipped;
	bool has_trust, has_recovery;
	uint8_t recovery[P256_POINT_SIZE];
	struct err why; /* why the partition or the release cannot be read; "" */
	/* A factory reset between its two orders: the other slot's pairs. */
	struct sealset kept;
};

/* volume_open - as root, as far as it goes: v->why, and no error. */
void volume_open(struct volume *v, const struct volume_places *places, struct tpm *tpm,
		 struct measured *measured);
void volume_close(struct volume *v);

/* The orders of proto.h. Errors: as client.h has them. */
void volume_data(struct volume *v, struct trustd_data *ret);
int volume_key(struct volume *v, struct trustd_key *ret, struct err *err);
int volume_new(struct volume *v, uint32_t cipher, struct trustd_key *ret, struct err *err);
int volume_wipe(struct volume *v, struct err *err);
/* manifest: signed, of the release that is to be tried; chain: the file of trusts, may be empty. */
int volume_seal(struct volume *v, const uint8_t *manifest, size_t len, const uint8_t *chain,
		size_t chain_len, struct err *err);
int volume_good(struct volume *v, struct err *err);
/* volume_text - key=value lines about what is sealed; returns the length. */
size_t volume_text(struct volume *v, char *ret_text, size_t size);

/* volume_pairs.c: the pairs for a trial of b, given this boot's log. */
int volume_pairs(const struct volume *v, const struct sealset_pair *running, const struct bundle *b,
		 struct sealset *ret, struct err *err);

#endif
