// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCRRELEASE_H
#define CAIRN_PCRRELEASE_H

#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "pcrlist.h"

/*
 * What a release measures, the same in slot A and slot B and on every machine: part of a bundle's
 * manifest (lib/bundle.h). PCR 9 gets only the release's own events, so its value is known. PCR 4
 * depends on the stage 1 that starts it and on the firmware: the value here is the one behind the
 * plain firmware of pcr4.h; a machine finds its own with pcr4_on_machine.
 */

#define PCRRELEASE_EVENTS_MAX 8
#define PCRRELEASE_LOADERS_MAX PCRLIST_ALTERNATIVES_MAX
#define PCRRELEASE_WORD_SIZE 32 /* with NUL */

struct pcrrelease_event {
	char what[PCRRELEASE_WORD_SIZE]; /* A-Z a-z 0-9 . _ + ~ - */
	uint8_t digest[SHA256_SIZE];
};

struct pcrrelease_loader {
	uint32_t generation;	   /* 1... */
	uint8_t hash[SHA256_SIZE]; /* Authenticode */
	uint8_t pcr4[SHA256_SIZE];
};

struct pcrrelease {
	uint8_t kernel[SHA256_SIZE]; /* Authenticode hash of the signed vmlinuz */
	uint32_t events;	     /* of PCR 9, in order; 1... */
	struct pcrrelease_event event[PCRRELEASE_EVENTS_MAX];
	uint8_t pcr9[SHA256_SIZE];
	uint32_t loaders; /* that may start it, ascending by generation; 1... */
	struct pcrrelease_loader loader[PCRRELEASE_LOADERS_MAX];
};

/* pcrrelease_finish - computes pcr9 and each pcr4 from the rest. */
void pcrrelease_finish(struct pcrrelease *r);

/*
 * pcrrelease_check - is it complete, in order, and do the values follow from the events?
 * Errors: -EBADMSG.
 */
int pcrrelease_check(const struct pcrrelease *r, struct err *err);

/*
 * pcrrelease_list - the release's events for a list of pcrlist.h, of the PCRs 4 and 9 that it
 * judges: in PCR 4, after the firmware's, one of the loaders, then the kernel. Errors: -ENOSPC.
 */
int pcrrelease_list(const struct pcrrelease *r, struct pcrlist *list);

#endif
