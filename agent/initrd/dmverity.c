// SPDX-License-Identifier: Apache-2.0
#include "dmverity.h"

#include <stdio.h>

#include "lib/hex.h"
#include "lib/verity.h"

#define SECTORS_A_BLOCK (VERITY_BLOCK_BYTES / 512)

/*
 * Documentation/admin-guide/device-mapper/verity.rst. panic_on_corruption: a changed block was
 * never run, and what read it cannot be trusted to cope with an I/O error. A panic, unlike
 * restart_on_corruption, says so on the console and leaves the reason in pstore; panic=10 on the
 * command line then restarts the machine, so that GRUB can take its other slot.
 */
static void put_params(const struct dmverity *v, char ret_params[static DM_PARAMS_MAX])
{
	char root[2 * SHA256_SIZE + 1], salt[2 * VERITY_SALT_MAX + 1];

	hex_encode(v->root, SHA256_SIZE, root);
	hex_encode(v->salt, v->salt_size, salt);
	(void)snprintf(ret_params, DM_PARAMS_MAX,
		       "1 %s %s %d %d %llu %llu sha256 %s %s 1 panic_on_corruption", v->device,
		       v->device, VERITY_BLOCK_BYTES, VERITY_BLOCK_BYTES,
		       (unsigned long long)v->data_blocks, (unsigned long long)v->data_blocks, root,
		       salt[0] ? salt : "-");
}

int dmverity_open(const char *name, const struct dmverity *v, char ret_node[static DM_NODE_MAX],
		  struct err *err)
{
	char params[DM_PARAMS_MAX];
	const struct dm_table table = { .target = "verity",
					.sectors = v->data_blocks * SECTORS_A_BLOCK,
					.params = params,
					.read_only = true };

	put_params(v, params);
	return dm_create(name, &table, ret_node, err);
}
