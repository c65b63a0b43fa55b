// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SEALSET_H
#define CAIRN_SEALSET_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "keyhead.h"

/*
 * Which blobs a key header is to have, and in which order that comes about. Pure. The counter c is
 * the machine's own (sealpolicy.h); a blob opens at one value of it, so what was sealed at another
 * value is dead.
 *
 *   first boot   { the running pair } at c
 *   before a     the running release's and the new release's pairs at c: one write of the header.
 *   trial        The update opens at its first boot, the old slot still opens when it falls back.
 *   mark-good    1. keep what is at c, add the same at c+1 without releases below the floor: write
 *                2. raise the counter
 *                3. drop what is dead: write
 *
 *   given up     a set that waits at c+1 is never forgotten (a copy of its header would open
 *                there): the counter goes past it with the next order
 *
 * A cut before 2 leaves the set at c, one after it the set at c+1, and the header on the disk has
 * the one that is wanted in either case. sealset_next looks at header and counter only, so that
 * whoever comes after a cut goes on where it was.
 */
#define SEALSET_PAIRS_MAX 4

/* A stage-1 loader with a release: what the PCRs will be. */
struct sealset_pair {
	uint64_t release;
	uint8_t roothash[SHA256_SIZE];
	uint32_t generation; /* of the loader; 0 not known */
	uint32_t pcr_mask;
	uint8_t pcr[KEYHEAD_PCRS][SHA256_SIZE];
};

struct sealset {
	uint32_t n;
	struct sealset_pair pair[SEALSET_PAIRS_MAX];
};

/* sealset_add - unless a pair with these PCRs is there, or the set is full (false). */
bool sealset_add(struct sealset *set, const struct sealset_pair *pair);

/* sealset_pair_of - what a blob opens for. */
void sealset_pair_of(const struct keyhead_blob *blob, struct sealset_pair *ret);

/* sealset_find - the blob for these PCRs at this counter, or -1. */
int sealset_find(const struct keyhead *h, uint64_t counter, const struct sealset_pair *pair);

/*
 * sealset_explain - why no blob opens: the counter, or the PCRs in which the nearest one differs,
 * in words in err. Returns -EPERM.
 */
int sealset_explain(const struct keyhead *h, uint64_t counter, const struct sealset_pair *now,
		    struct err *err);

/* What is wanted. */
enum sealset_goal {
	SEALSET_NEW,   /* a key that nothing is sealed for yet */
	SEALSET_TRIAL, /* wanted is to open at the present counter */
	SEALSET_GOOD,  /* wanted, and nothing else, from now on */
};

struct sealset_want {
	enum sealset_goal goal;
	struct sealset set;
	/* GOOD and NEW: the release that is good; its floor, or the highest so far. */
	uint64_t good_release;
	uint8_t good_roothash[SHA256_SIZE];
	uint64_t floor;
};

/* sealset_trial - before `added` is tried while `running` runs: what is wanted. */
void sealset_trial(const struct keyhead *h, uint64_t counter, const struct sealset_pair *running,
		   const struct sealset *added, struct sealset_want *ret);

/*
 * sealset_good - the running release was marked good: it, and what is sealed now, but nothing below
 * the floor.
 */
void sealset_good(const struct keyhead *h, uint64_t counter, const struct sealset_pair *running,
		  uint64_t floor, struct sealset_want *ret);

enum sealset_step {
	SEALSET_DONE,
	SEALSET_WRITE, /* the header as it is in *ret; blobs without areas are to be sealed first */
	SEALSET_RAISE, /* the counter */
};

/*
 * sealset_next - the next step from what is on the disk (h) and in the TPM (counter) to what is
 * wanted. Blobs that are kept come with their areas.
 */
enum sealset_step sealset_next(const struct keyhead *h, uint64_t counter,
			       const struct sealset_want *want, struct keyhead *ret);

#endif
