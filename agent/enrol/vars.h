// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ENROL_VARS_H
#define CAIRN_ENROL_VARS_H

#include <stdbool.h>

#include "efiauth.h"

/* The firmware's key variables through efivarfs, in /sys/firmware/efi/efivars. */

/*
 * vars_get - the content of a variable, at most EFIAUTH_MAX bytes; none: *ret_len is 0.
 * Errors: as read(2), -EFBIG.
 */
int vars_get(enum efiauth_var var, uint8_t *ret_buf, size_t *ret_len);

/* vars_set - give the firmware an authenticated variable (lib/efiauth.h). Errors: of the firmware.
 */
int vars_set(enum efiauth_var var, const uint8_t *auth, size_t len);

/* vars_flag - the one byte of "SetupMode" or "SecureBoot". Errors: -ENOENT no such variable. */
int vars_flag(const char *name, bool *ret);

#endif
