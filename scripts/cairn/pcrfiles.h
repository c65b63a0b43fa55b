// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCRFILES_H
#define CAIRN_PCRFILES_H

#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "err.h"
#include "pcrmodel.h"

/* The files that the PCR model needs, out of file system images. */

/* Owned by the struct; pcrfiles_release takes one that is all zero. */
struct pcrfile {
	uint8_t *buf;
	size_t len;
};

struct pcrfiles_boot {
	struct pcrfile config, kernel;
	struct pcrmodel_slot slot; /* points into them */
};

/*
 * pcrfiles_boot - slot.cfg and vmlinuz of a BOOT file system. Errors: CMD_REFUSED they are not
 * there or not what the model knows; of the I/O.
 */
int pcrfiles_boot(const struct blockio *io, struct pcrfiles_boot *ret, struct err *err);
void pcrfiles_boot_release(struct pcrfiles_boot *b);

/*
 * pcrfiles_loader - stage-1 GRUB: io is its file, or an ESP with EFI/BOOT/BOOTX64.EFI; and its
 * Authenticode hash. The caller frees ret->buf. Errors: likewise.
 */
int pcrfiles_loader(const struct blockio *io, struct pcrfile *ret,
		    uint8_t ret_hash[static SHA256_SIZE], struct err *err);

/*
 * pcrfiles_add_loader - another loader of a release, kept in order: text is GENERATION=FILE (as
 * pcrfiles_loader) or GENERATION=<Authenticode hash>. Errors: CMD_USAGE, and likewise.
 */
int pcrfiles_add_loader(struct pcrrelease *r, const char *text, struct err *err);

#endif
