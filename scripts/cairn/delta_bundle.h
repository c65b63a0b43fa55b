// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTA_BUNDLE_H
#define CAIRN_DELTA_BUNDLE_H

#include <stddef.h>

#include "err.h"

/*
 * delta_bundle - write the bundle that makes the release of the full bundle new_path of that of
 * the full bundle old_path, signed by these keys (PEM files, none: signed later). An image whose
 * delta is not smaller than what the new bundle has goes as it is there; an esp goes only where
 * its generation is another. Errors: CMD_REFUSED a bundle is not what it must be.
 */
int delta_bundle(const char *old_path, const char *new_path, const char *out,
		 const char *const *keys, size_t key_count, struct err *err);

#endif
