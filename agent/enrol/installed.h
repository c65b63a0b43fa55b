// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ENROL_INSTALLED_H
#define CAIRN_ENROL_INSTALLED_H

#include <stdbool.h>

#include "authenticode.h"

/* What this machine starts from: its disk, and which of the two of everything. */
struct installed {
	char disk[32]; /* the kernel's name */
	bool slot_b;
	unsigned int esp; /* 1, 2: where GRUB came from */
	bool last_try;	  /* the boot state gives the slot no further start */
};

/* installed_find - from /run/cairn/boot and the boot state. Errors: -EINVAL, of the I/O. */
int installed_find(struct installed *ret, struct err *err);

/*
 * installed_check - would firmware with these keys start the GRUB and the kernel that this machine
 * was started from? ret_loader, ret_kernel: their Authenticode hashes.
 * Errors: -EKEYREJECTED and others of authenticode_check, of the I/O; the sentence says which.
 */
int installed_check(const struct installed *in, const struct authenticode_keys *keys,
		    uint8_t ret_loader[static SHA256_SIZE], uint8_t ret_kernel[static SHA256_SIZE],
		    struct err *err);

#endif
