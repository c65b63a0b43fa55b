// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUBENV_H
#define CAIRN_GRUBENV_H

#include <stddef.h>
#include <stdint.h>

/*
 * GRUB environment blocks as GRUB 2.06 reads and changes them (grub-core/lib/envblk.c), whatever
 * is in them: lib/bootstate.h knows the ones that are valid.
 */

#define GRUBENV_SIZE_MAX 4096

/*
 * grubenv_get - the value of a variable as a load of it leaves it: of several lines the last one
 * that comes before damage. ret_value holds `size` bytes with the NUL.
 * Errors: -EBADMSG no environment block, -ENOENT no such variable, -EFBIG too long.
 */
int grubenv_get(const uint8_t *buf, size_t len, const char *name, char *ret_value, size_t size);

/*
 * grubenv_set - change or add a variable in place.
 * Errors: -EBADMSG no environment block or damaged, -ENOSPC.
 */
int grubenv_set(uint8_t *buf, size_t len, const char *name, const char *value);

#endif
