// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INITRD_DISKS_H
#define CAIRN_INITRD_DISKS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/devpath.h"
#include "lib/err.h"
#include "lib/rootpick.h"

#define DISKS_MAX 64
#define DISKS_NAME_MAX 32
#define DISKS_NODE_MAX 48

/* The root that the signed command line names. */
struct disks_wanted {
	uint8_t root[32], salt[64];
	size_t salt_size;
	uint64_t data_blocks;
};

struct disks {
	size_t count;
	char names[DISKS_MAX][DISKS_NAME_MAX]; /* "nvme0n1", in order of names */
	struct rootpick_disk pick[DISKS_MAX];
};

/* disks_read_wanted - from /proc/cmdline. Errors: -EINVAL and which word is missing or wrong. */
int disks_read_wanted(struct disks_wanted *ret, struct err *err);

/*
 * disks_boot_path - where the firmware says it started from (UEFI 2.10, 3.3: BootCurrent).
 * Errors: -ENOENT no UEFI, no such variable; -EINVAL, -E2BIG one that makes no sense.
 */
int disks_boot_path(struct devpath *ret);

/*
 * disks_scan - look at every disk that there is now. boot may be NULL: unknown.
 * What cannot be read (an empty card reader) counts as not there.
 */
void disks_scan(const struct disks_wanted *wanted, const struct devpath *boot, struct disks *ret);

/* disks_partition_node - "/dev/nvme0n1p4" for nvme0n1 and 4. */
void disks_partition_node(const char *disk, unsigned int number, char ret[static DISKS_NODE_MAX]);

#endif
