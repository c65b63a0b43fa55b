// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BLOCKRANGE_H
#define CAIRN_BLOCKRANGE_H

#include <stdint.h>

#include "blockio.h"

/* A part of a device as a device of its own: a partition of a disk whose table is not written yet.
 */
struct blockrange {
	const struct blockio *base; /* must outlive the range */
	uint64_t offset_bytes;
	struct blockio io; /* its ctx is this struct: do not copy */
};

/* blockrange_init - the caller sees to it that the part lies inside base. */
void blockrange_init(struct blockrange *r, const struct blockio *base, uint64_t offset_bytes,
		     uint64_t size_bytes);

#endif
