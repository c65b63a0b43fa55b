// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_MSCERT_H
#define CAIRN_MSCERT_H

#include <stddef.h>
#include <stdint.h>

/* mscert_der - the certificate that option ROMs are signed under: conf/secureboot/README.md. */
const uint8_t *mscert_der(size_t *ret_len);

#endif
