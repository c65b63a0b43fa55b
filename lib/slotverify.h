// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SLOTVERIFY_H
#define CAIRN_SLOTVERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "slotwrite.h"
#include "verity.h"

/*
 * Reading back what slotwrite wrote. A boot or esp image must have its SHA-256. The data of a
 * root must give the signed root hash, and the tree on the medium must lead from that hash down
 * to its lowest level: each block's digest stands in the block above. So every byte that the
 * machine may later read has been read once.
 *
 * It may run beside the writing, in a process of its own (slotfork.h): it reads no byte before it
 * was told that the byte is on the medium.
 */
struct slotverify {
	_Alignas(4096) uint8_t chunk[SLOTWRITE_CHUNK_BYTES];
	_Alignas(4096) uint8_t node[VERITY_BLOCK_BYTES];
	struct verity tree;
	const struct slotwrite_job *job;
	uint64_t done, total; /* bytes of images */
};

/* The tree of a root, as a place behind all bytes of its image. */
#define SLOTVERIFY_TREE UINT64_MAX

/* Waits until the first `bytes` bytes of a target are durable. Returns 0 or -errno. */
typedef int slotverify_wait_fn(void *ctx, size_t target, uint64_t bytes);

/*
 * slotverify_run - all targets of the job; wait may be NULL: all of it is there.
 * Errors: -EILSEQ and where it is if the medium gives back something else, or of the reading,
 * wait and progress.
 */
int slotverify_run(struct slotverify *v, const struct slotwrite_job *job, slotverify_wait_fn *wait,
		   void *wait_ctx, struct err *err);

#endif
