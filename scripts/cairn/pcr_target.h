// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCR_TARGET_H
#define CAIRN_PCR_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "efiauth.h"
#include "err.h"
#include "gpt.h"
#include "pcrfiles.h"
#include "pcrmodel.h"

/* What `cairn pcr` predicts for: a disk image or a bundle, and the machine around it. */

struct pcr_target {
	const char *path; /* the caller's */
	bool bundle;

	/* Stage 1; of a bundle without an ESP only where --loader names one. */
	bool has_loader;
	struct pcrfile loader;
	uint8_t loader_hash[SHA256_SIZE];
	struct grubimage grub;

	/* Slots a and b; of a bundle both are its boot image. Not there in some deltas. */
	bool has_boot;
	struct pcrfiles_boot boot[2];

	/* Disk image only. */
	uint8_t state[2][BOOTSTATE_SIZE];
	uint8_t gpt_header[GPT_SECTOR_BYTES], gpt_entries[GPT_ENTRIES_BYTES];

	struct pcrrelease release; /* bundle only: what its manifest says */
};

/*
 * pcr_target_open - loader is the file of stage 1, an ESP with it, or NULL: that of the target.
 * Errors: CMD_REFUSED what is no such thing, or -errno. pcr_target_close also after a failure.
 */
int pcr_target_open(const char *path, const char *loader, struct pcr_target *ret, struct err *err);
void pcr_target_close(struct pcr_target *t);

/* pcr_target_start - a start of it: both slots loadable, hd0, ESP 1, the state of a new disk. */
void pcr_target_start(const struct pcr_target *t, struct pcrmodel_start *ret);

/* The firmware's keys, from the command line. */
struct pcr_keys {
	bool given;
	enum pcrmodel_secureboot secureboot;
	const char *file[EFIAUTH_VARS]; /* content of a variable */
	const char *enrolled;		/* certificate that PK, KEK and db hold, each alone */
	uint8_t owner[EFIAUTH_GUID_BYTES];
};

/*
 * pcr_target_keys - the events of PCR 7 for the start of a slot (0, 1).
 * Errors: CMD_REFUSED the firmware would not start it, or -errno.
 */
int pcr_target_keys(const struct pcr_target *t, const struct pcr_keys *keys, int slot,
		    pcrmodel_event_fn *event, void *ctx, struct err *err);

#endif
