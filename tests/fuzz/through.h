// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_FUZZ_THROUGH_H
#define CAIRN_FUZZ_THROUGH_H

/* For targets whose input is a signed document: how it fares at the signature check. */
#include <stdbool.h>
#include <stdlib.h>

#include "tests/unit/testkeys.h"

/* Opens a whole file under testkeys_simple's trust; 0 where it is taken. */
typedef int through_open(const uint8_t *buf, size_t len, const struct trust *t);

/*
 * through - nothing unsigned is taken, and what the role's key signed is taken where it parses.
 * mask: the role's key of testkeys_simple.
 */
static inline void through(const uint8_t *buf, size_t len, bool parses, through_open *open,
			   unsigned int mask)
{
	uint8_t whole[SIGNED_MAX];
	struct trust t;
	size_t n;

	testkeys_simple(&t);
	(void)open(buf, len, &t);
	if (len > SIGNED_DOCUMENT_MAX)
		return;
	n = testkeys_sign(buf, len, mask, whole);
	if ((open(whole, n, &t) == 0) != parses)
		abort();
	if (!parses)
		return;
	/* The other roles' keys. */
	n = testkeys_sign(buf, len, 7 & ~mask, whole);
	if (open(whole, n, &t) == 0)
		abort();
}

#endif
