// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DM_H
#define CAIRN_DM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * The kernel's device mapper through its ioctls (linux/dm-ioctl.h), for devices of one target:
 * the root (dm-verity) and DATA (dm-crypt, dm-integrity). Needs /dev/mapper/control and
 * CAP_SYS_ADMIN.
 */
#define DM_CONTROL "/dev/mapper/control"
#define DM_PARAMS_MAX 1024 /* bytes of a target's parameters with their NUL */
#define DM_NODE_MAX 24	   /* bytes that hold "/dev/dm-N" */

struct dm_table {
	const char *target; /* verity, crypt, integrity */
	uint64_t sectors;   /* of 512 bytes */
	const char
		*params; /* as the target's page in Documentation/admin-guide/device-mapper says */
	bool read_only;
	bool secret; /* the parameters hold a key: the kernel wipes its copies (we wipe ours always)
		      */
};

/*
 * dm_create - make the device `name` and start it. ret_node gets its node.
 * Errors: as the ioctls, -EBUSY the name is taken, -ENAMETOOLONG; nothing is left behind.
 */
int dm_create(const char *name, const struct dm_table *table, char ret_node[static DM_NODE_MAX],
	      struct err *err);

/* dm_remove - -ENXIO: there is no such device; -EBUSY: it is in use. */
int dm_remove(const char *name);

/* dm_node - the node of the device `name`. -ENXIO: there is no such device. */
int dm_node(const char *name, char ret_node[static DM_NODE_MAX]);

enum dm_ask {
	DM_ASK_STATUS, /* what the target says of itself */
	DM_ASK_TABLE,  /* its parameters */
};

/*
 * dm_ask - a line of the device dev, whose only target is of this type, without the type.
 * control: an open DM_CONTROL. Errors: -EINVAL another table or a longer line; as the ioctl.
 */
int dm_ask(int control, dev_t dev, enum dm_ask what, const char *target, char *ret_text,
	   size_t size);

#endif
