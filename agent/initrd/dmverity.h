// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INITRD_DMVERITY_H
#define CAIRN_INITRD_DMVERITY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/crypto.h"
#include "lib/dm.h"
#include "lib/err.h"

/* A root and its tree behind it on the same partition (lib/verity.h has the layout). */
struct dmverity {
	const char *device; /* node of the partition */
	uint64_t data_blocks;
	const uint8_t *salt;
	size_t salt_size;
	const uint8_t *root; /* SHA256_SIZE bytes */
};

/*
 * dmverity_open - make the read-only device-mapper device `name`; every block read from it is
 * checked. ret_node gets its node, "/dev/dm-0". Errors: as dm_create; nothing is left behind.
 */
int dmverity_open(const char *name, const struct dmverity *v, char ret_node[static DM_NODE_MAX],
		  struct err *err);

#endif
