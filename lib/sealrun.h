// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SEALRUN_H
#define CAIRN_SEALRUN_H

#include "blockio.h"
#include "sealset.h"

/* Carries out what sealset.h plans, step by step, until nothing is left to do. */

/* The TPM, as this sees it. Functions return 0 or -errno with a sentence in err. */
struct sealrun_tpm {
	void *ctx;
	int (*counter)(void *ctx, uint64_t *ret_counter, struct err *err);
	int (*raise)(void *ctx, struct err *err); /* durable on return */
	/* Seal the key for what stands in *b: fills in policy and areas. */
	int (*seal)(void *ctx, struct keyhead_blob *b, struct err *err);
};

/* sealrun_want - what is wanted, given the present header and counter: after each step anew. */
typedef void sealrun_want(void *ctx, const struct keyhead *h, uint64_t counter,
			  struct sealset_want *ret);

/*
 * sealrun - from the header *h, which is what the disk has, to what want says. *h is then what the
 * disk has again, also after an error: it can be called again at any time. auth: keyhead_auth.
 * Errors: of the TPM, of keyhead_write; -ELOOP it does not come to an end (the TPM's counter does
 * not go up when it is raised).
 */
int sealrun(const struct blockio *io, const struct sealrun_tpm *tpm, struct keyhead *h,
	    const uint8_t auth[static SHA256_SIZE], sealrun_want *want, void *ctx, struct err *err);

#endif
