// SPDX-License-Identifier: Apache-2.0
#ifndef CUT_COPY_H
#define CUT_COPY_H

#include "bootstate.h"

/* copy_equal - would two copies of the boot state be stored as the same bytes? */
static inline bool copy_equal(const struct bootstate_copy *x, const struct bootstate_copy *y)
{
	return x->valid == y->valid && x->sequence == y->sequence &&
	       bootstate_equal(&x->state, &y->state);
}

#endif
