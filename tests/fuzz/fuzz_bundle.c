// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "bundle.h"
#include "through.h"

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

static int open(const uint8_t *buf, size_t len, const struct trust *t)
{
	struct signed_doc doc;
	struct bundle b;

	return bundle_open(buf, len, NULL, t, 1, &doc, &b, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	if (len < 1)
		return 0;
	through(buf, len, past(buf, len), open, 2);
	return 0;
}
