// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_SETTINGS_H
#define CAIRN_TRUST_SETTINGS_H

#include "err.h"

/*
 * The settings of this machine (/data/config), measured into PCR 14 before anything uses them: a
 * verifier that knows them sees that these and no others were in force when the machine came up.
 * What is written there later is used by who reads it again and is measured at the next start.
 *
 *   one event for each file, in the order of their names: SHA-256 of its bytes, "settings NAME"
 *   then one more, always: SHA-256 of "cairn settings end", "settings end"
 *
 * Names are plain files' with characters of [A-Za-z0-9._-]; others, folders and links are passed
 * over, as nothing reads them. With the last event PCR 14 is never zero: settings that were not
 * measured are seen too.
 */
#define SETTINGS_FILES_MAX 32
#define SETTINGS_FILE_MAX (1u << 20) /* bytes; of a longer one nothing is measured: -EFBIG */

/*
 * settings_measure - through service trust (socket: TRUSTD_SOCKET). Errors: -ENODEV no TPM, those
 * of trustd_settings; -E2BIG, -EFBIG; the end is measured in no such case.
 */
int settings_measure(const char *dir, const char *socket, void (*feed)(void), struct err *err);

#endif
