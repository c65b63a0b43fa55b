// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTAREF_H
#define CAIRN_DELTAREF_H

#include <stdint.h>

#include "deltamap.h"

/*
 * delta_refs_move - find what look like references in a chunk of copied code, and add to each
 * what delta_map_predict says. buf has len bytes, copied from old_pos in operation op. The same
 * bytes give the same result, wherever it runs; what was no reference, the fixes undo.
 */
void delta_refs_move(struct delta_map *m, uint32_t op, uint64_t old_pos, uint8_t *buf,
		     uint32_t len);

#endif
