// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUBIMAGE_H
#define CAIRN_GRUBIMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * What grub-mkimage put into a GRUB image for UEFI (GRUB 2.06, util/mkimage.c,
 * include/grub/kernel.h): its section "mods" holds
 *
 *     u32 0x676d696d | u32 0 | u64 offset of the first module | u64 bytes of all, this head too
 *     | modules: { u32 type | u32 bytes, this head too | content }, at multiples of 8
 *
 * The memory disk is a module, a ustar archive with grub.cfg; the early configuration is another.
 */

/*
 * grubimage_scripts - the two scripts inside a GRUB image; both point into it and end before a
 * NUL or at *ret_len. Errors: -EINVAL no PE image, -EBADMSG no such modules or damaged.
 */
struct grubimage {
	const char *early; /* run by the rescue parser, measured by nobody */
	size_t early_len;
	const char *config; /* (memdisk)/grub.cfg */
	size_t config_len;
};

int grubimage_scripts(const uint8_t *buf, size_t len, struct grubimage *ret, struct err *err);

#endif
