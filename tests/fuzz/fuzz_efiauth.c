// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "efiauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* What parses is made again byte for byte; lists that are well-formed contain themselves. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static uint8_t again[EFIAUTH_MAX];
	struct efiauth a;
	size_t n;

	if (!efiauth_check(buf, len, &n) && len < 4096 && !efiauth_has_all(buf, len, buf, len))
		abort();
	if (efiauth_parse(buf, len, &a, NULL))
		return 0;
	if (efiauth_format(&a, again, &n) || n != len || memcmp(again, buf, len) != 0)
		abort();
	(void)efiauth_check(a.content, a.content_len, &n);
	return 0;
}
