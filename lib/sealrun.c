// SPDX-License-Identifier: Apache-2.0
#include "sealrun.h"

#include <errno.h>

/* mark-good takes three steps; a counter that was raised by another hand adds a few. */
#define STEPS_MAX 8

static int seal_new(const struct sealrun_tpm *tpm, struct keyhead *h, struct err *err)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; i < h->blobs && !rc; i++)
		if (h->blob[i].private_len == 0)
			rc = tpm->seal(tpm->ctx, &h->blob[i], err);
	return rc;
}

int sealrun(const struct blockio *io, const struct sealrun_tpm *tpm, struct keyhead *h,
	    const uint8_t auth[static SHA256_SIZE], sealrun_want *want, void *ctx, struct err *err)
{
	unsigned int i;

	for (i = 0; i < STEPS_MAX; i++) {
		struct sealset_want wanted;
		struct keyhead next;
		uint64_t counter;
		int rc = tpm->counter(tpm->ctx, &counter, err);

		if (rc)
			return rc;
		want(ctx, h, counter, &wanted);
		switch (sealset_next(h, counter, &wanted, &next)) {
		case SEALSET_DONE:
			return 0;
		case SEALSET_RAISE:
			rc = tpm->raise(tpm->ctx, err);
			if (rc)
				return rc;
			break;
		case SEALSET_WRITE:
			rc = seal_new(tpm, &next, err);
			rc = rc ? rc : keyhead_write(io, &next, auth, err);
			if (rc)
				return rc;
			*h = next;
			break;
		}
	}
	return err_set(err, -ELOOP, "the TPM's counter does not go up");
}
