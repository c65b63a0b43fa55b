// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "tests/unit/testkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* Past the signatures: what parses is what is written again. */
static bool past(const uint8_t *buf, size_t len)
{
	uint8_t again[SIGNED_DOCUMENT_MAX];
	struct bundle b;
	size_t n;

	if (bundle_parse(buf, len, &b, NULL))
		return false;
	if (bundle_format(&b, again, &n) || n != len || memcmp(again, buf, n) != 0)
		abort();
	return true;
}

/* Through them: nothing unsigned is taken, and what is well signed is taken where it parses. */
static void through(const uint8_t *buf, size_t len, bool parses)
{
	uint8_t whole[SIGNED_MAX];
	struct signed_doc doc;
	struct bundle b;
	struct trust t;
	size_t n;

	testkeys_simple(&t);
	(void)bundle_open(buf, len, NULL, &t, 1, &doc, &b, NULL);
	if (len > SIGNED_DOCUMENT_MAX)
		return;
	n = testkeys_sign(buf, len, 2, whole);
	if ((bundle_open(whole, n, NULL, &t, 1, &doc, &b, NULL) == 0) != parses)
		abort();
	if (!parses)
		return;
	n = testkeys_sign(buf, len, 5, whole);
	if (bundle_open(whole, n, NULL, &t, 1, &doc, &b, NULL) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	if (len < 1)
		return 0;
	through(buf, len, past(buf, len));
	return 0;
}
