// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "keyhead.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* The input and, so that more than the sum is tried, the input under a sum that fits. What is
 * read is written back as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static uint8_t copy[KEYHEAD_BYTES], back[KEYHEAD_BYTES];
	const size_t body = KEYHEAD_BYTES - SHA256_SIZE;
	struct keyhead h;

	(void)keyhead_parse(buf, len, &h);
	memset(copy, 0, sizeof(copy));
	memcpy(copy, buf, len < body ? len : body);
	sha256(copy, body, copy + body);
	if (keyhead_parse(copy, sizeof(copy), &h) == 0 && keyhead_format(&h, back) != 0)
		abort();
	return 0;
}
