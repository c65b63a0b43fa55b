// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "x86branch.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* There and back is the same, both ways round, whole and in two slices. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	uint8_t *p;
	size_t cut, at;

	if (len < 1 || len > X86BRANCH_SPAN || !(p = malloc(len)))
		return 0;
	memcpy(p, buf, len);
	x86branch_encode(p, len);
	cut = buf[0] % len;
	at = x86branch_decode(p, cut, 0, 0, cut, false);
	if (at > cut || x86branch_decode(p, len, 0, at, len, true) != len ||
	    memcmp(p, buf, len) != 0)
		abort();
	(void)x86branch_decode(p, len, 0, 0, len, true);
	x86branch_encode(p, len);
	if (memcmp(p, buf, len) != 0)
		abort();
	free(p);
	return 0;
}
