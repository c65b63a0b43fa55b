// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INSTALLPICK_H
#define CAIRN_INSTALLPICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "err.h"
#include "gpt.h"
#include "installspec.h"

/* Which disk the installer writes to, and whether it may. */

enum install_content {
	INSTALL_EMPTY, /* zeros in the first and the last MiB, or an installation that was cut */
	INSTALL_CAIRN, /* a GPT with our partitions */
	INSTALL_DATA,  /* anything else */
};

struct installpick_disk {
	char name[32]; /* "nvme0n1" */
	char model[INSTALLSPEC_MODEL_MAX];
	uint64_t size_bytes;
	enum install_transport transport;
	bool is_source; /* the disk the machine runs from */
};

/*
 * installpick - the one disk that the description fits; the source never fits.
 * Returns its index. Errors: -ENOENT none fits (the sentence names each disk and why not),
 * -EEXIST more than one fits (named).
 */
int installpick(const struct installspec *spec, const struct installpick_disk *disks, size_t count,
		struct err *err);

#define INSTALLPICK_PROBE_BYTES (1u << 20)

/*
 * install_probe - what is on a disk. ours is the source's table. buf has INSTALLPICK_PROBE_BYTES.
 * ret_what gets a word or two for a person: "ext4", "a partition table". *ret_table is set for
 * INSTALL_CAIRN only. Errors: of the reading.
 */
int install_probe(const struct blockio *io, const struct gpt *ours, uint8_t *buf,
		  enum install_content *ret_content, const char **ret_what, struct gpt *ret_table,
		  struct err *err);

/*
 * install_allowed - may that be overwritten? Errors: -EEXIST and a sentence.
 */
int install_allowed(const struct installspec *spec, enum install_content content, const char *what,
		    struct err *err);

/*
 * install_table - the table of the new disk: the source's, laid out for the target's size, with
 * DATA at its size in conf/disk.conf (data_sectors), which the first boot grows. old is the
 * target's own table where its DATA is to be kept, or NULL; then DATA's entry is taken from there.
 * Errors: -EINVAL the source's table is none of ours, -ENOSPC the target is too small, -EXDEV DATA
 * cannot be kept because the old partitions lie elsewhere.
 */
int install_table(const struct gpt *source, uint64_t target_sectors, uint64_t data_sectors,
		  const struct gpt *old, struct gpt *ret, struct err *err);

#endif
