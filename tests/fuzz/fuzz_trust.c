// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "tests/unit/testkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* Past the signatures: what parses is what is written again. */
static void past(const uint8_t *buf, size_t len)
{
	uint8_t again[TRUST_DOCUMENT_MAX];
	struct trust t;
	size_t n;

	if (trust_parse(buf, len, &t, NULL) == 0 &&
	    (trust_format(&t, again, &n) || n != len || memcmp(again, buf, n) != 0))
		abort();
}

/* Through them: as it comes, and signed with a key that may sign the next trust. */
static void through(const uint8_t *buf, size_t len)
{
	uint8_t whole[SIGNED_MAX];
	struct trust t, next;
	size_t n;

	testkeys_simple(&t);
	if (trust_next(&t, buf, len, &next, NULL) == 0 && next.number != 2)
		abort();
	(void)trust_open(buf, len, &next, NULL);
	(void)trust_chain(&t, buf, len, NULL);
	if (len < 1 || len > SIGNED_DOCUMENT_MAX)
		return;
	testkeys_simple(&t);
	n = testkeys_sign(buf, len, 1, whole);
	if (trust_next(&t, whole, n, &next, NULL) == 0 && next.number != 2)
		abort();
	(void)trust_open(whole, n, &next, NULL);
	(void)trust_chain(&t, whole, n, NULL);
	if (t.number > 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	if (len < 1)
		return 0;
	past(buf, len);
	through(buf, len);
	return 0;
}
