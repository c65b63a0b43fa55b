// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INSTALLWRITE_H
#define CAIRN_INSTALLWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "gpt.h"

/* What goes onto the new disk, and from where. */
struct install_job {
	const struct blockio *source; /* the whole disk the machine runs from */
	const struct gpt *source_table;
	const struct blockio *target;
	struct gpt *table;	    /* of the new disk */
	unsigned int root_part;	    /* the source's ROOT that this system runs from */
	uint64_t data_blocks;	    /* of the root */
	const uint8_t *salt, *root; /* root: SHA256_SIZE bytes */
	size_t salt_size;
	bool keep_data; /* DATA's content and the old table stay */
	blockio_progress_fn *progress;
	const char *step; /* for progress: which partition is being written */
};

/*
 * install_write - write the whole disk, read everything back and compare it.
 *
 * Whenever it is cut, the disk does not start. First of all the old table is cleared, or, where
 * DATA and so the table are kept, the heads of the ESPs' file systems; the partitions come next,
 * then the table, and the boot sectors of the two ESPs last. A second try finds zeros or a table of
 * ours.
 * buf has 2 * BLOCKIO_CHUNK_BYTES. Errors: of blockio and gpt, -EINVAL BOOT-B is
 * an installer's (nothing was written), -EBADMSG the root that was read
 * back does not have the root hash.
 */
int install_write(struct install_job *job, uint8_t *buf, struct err *err);

#endif
