// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DEVKEYS_H
#define CAIRN_DEVKEYS_H

#include <stdint.h>

#include "crypto.h"

/*
 * devkeys_has - is this the SHA-256 of the SubjectPublicKeyInfo of a key of conf/keys/dev? However
 * such a key is named or wrapped, everybody has it. tests/e2e/11-keys.sh holds the list against the
 * folder.
 */
int devkeys_has(const uint8_t id[static SHA256_SIZE]);

#endif
