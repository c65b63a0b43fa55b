// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BLOCKDEV_H
#define CAIRN_BLOCKDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* What the system knows of a block device, from sysfs, and who uses it. */
struct blockdev {
	char path[256]; /* as given */
	char name[64];	/* the kernel's: sdb, mmcblk0, loop3 */
	char model[128];
	char transport[16]; /* usb, sata, nvme, mmc, sd, virtio, loop, or ? */
	uint64_t size_bytes;
	uint32_t sector_bytes;
	bool removable; /* the medium can be taken out: removable, on USB, or an SD card */
	bool read_only;
	unsigned int partitions;
	char used_by[160]; /* how it or a partition of it is in use; empty where it is not */
};

/*
 * blockdev_look - fill in *ret without opening the device for writing.
 * Errors: -ENOTBLK no block device, -EINVAL a partition instead of a whole disk, or of the system.
 */
int blockdev_look(const char *path, struct blockdev *ret, struct err *err);

#endif
