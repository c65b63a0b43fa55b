// SPDX-License-Identifier: Apache-2.0
#ifndef VM_EFIVARS_H
#define VM_EFIVARS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/*
 * Secure Boot keys written straight into the flash image of OVMF's variables, as a factory
 * would enrol them: PK, KEK and db hold the same certificate.
 *
 * The image (edk2, MdeModulePkg/Include/Guid/VariableFormat.h):
 *   firmware volume header | variable store header (28 bytes) | variables ... | 0xff ...
 * One variable, at a multiple of 4:
 *   u16 0x55aa | u8 state (0x3f: valid) | u8 0 | u32 attributes | u64 count | 16 bytes time
 *   | u32 key index | u32 name bytes | u32 data bytes | 16 bytes vendor GUID | name | data
 */

#define EFIVARS_MAX_BYTES (4u << 20)
#define EFIVARS_CERT_MAX_BYTES 8192

/*
 * efivars_enrol - add PK, KEK, db (X.509, DER) and SecureBootEnable to a variable store that
 * has none of them; Secure Boot is then on at the next start.
 * Errors: -EINVAL no authenticated variable store there, -EEXIST keys are enrolled already,
 * -ENOSPC, -EMSGSIZE certificate too large.
 */
int efivars_enrol(uint8_t *flash, size_t len, const uint8_t *cert, size_t cert_len,
		  struct err *err);

/*
 * efivars_preset - add one of dbx, db, KEK, PK with the content and time of an authenticated
 * variable (lib/efiauth.h); a store with a PK takes none. Errors: as efivars_enrol; -EBADMSG.
 */
int efivars_preset(uint8_t *flash, size_t len, const char *name, const uint8_t *auth,
		   size_t auth_len, struct err *err);

#endif
