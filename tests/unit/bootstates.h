// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_BOOTSTATES_H
#define CAIRN_TEST_BOOTSTATES_H

#include "bootstate.h"

/* Every state there can be, by number. */
#define BOOTSTATES 512

static inline struct bootstate bootstates_nr(unsigned int i)
{
	struct bootstate s = { i & 1 ? BOOTSTATE_B : BOOTSTATE_A,
			       { i >> 1 & 1, (uint8_t)(i >> 2 & 3) },
			       { i >> 4 & 1, (uint8_t)(i >> 5 & 3) },
			       i >> 7 & 1 ? BOOTSTATE_B : BOOTSTATE_A,
			       i >> 8 & 1 ? 2 : 1 };

	return s;
}

#endif
