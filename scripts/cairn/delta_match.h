// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTA_MATCH_H
#define CAIRN_DELTA_MATCH_H

#include <stddef.h>
#include <stdint.h>

/* A run of the new image that resembles a run of the old one. Runs do not overlap in the new
 * image and ascend there; what lies between them is new. */
struct delta_run_of {
	uint64_t new_pos, old_pos, len;
};

struct delta_runs {
	struct delta_run_of *v;
	size_t n, room;
};

/*
 * delta_match - find the runs. *ret->v is the caller's to free.
 * Errors: -ENOMEM.
 */
int delta_match(const uint8_t *old_image, uint64_t old_len, const uint8_t *new_image,
		uint64_t new_len, struct delta_runs *ret);

#endif
