// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SLOTIO_H
#define CAIRN_SLOTIO_H

#include <stdbool.h>

#include "blockio.h"
#include "err.h"

/*
 * A disk, a partition or an image file for slotwrite. Writes go through the kernel's cache and
 * are sent off at once, so that the device works while the next chunk is decoded; reads go past
 * the cache, so that what is read back is what the medium holds. So does a write of less than
 * 4096 bytes: the cache would write the sectors around it too, and a power cut tear them. Needs
 * no right but the open descriptors.
 */
struct slotio {
	int fd;	       /* reads and writes, or reads only */
	int direct_fd; /* reads and small writes, O_DIRECT; -1: the file system has none, reads are
			  cached */
	struct blockio io; /* its ctx is this struct: do not copy */
};

enum {
	SLOTIO_WRITE = 1,
	SLOTIO_DIRECT = 2,    /* reads past the cache: offset, length and memory in whole sectors */
	SLOTIO_EXCLUSIVE = 4, /* of a block device: nobody else has it mounted or mapped */
};

/*
 * slotio_open - path with these flags. slotio_close it.
 * Errors: -ENOTBLK neither device nor file, or as open(2).
 */
int slotio_open(struct slotio *s, const char *path, unsigned int flags, struct err *err);
void slotio_close(struct slotio *s);

#endif
