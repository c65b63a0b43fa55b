// SPDX-License-Identifier: Apache-2.0
/* Any block: what was set is there, in a block of the same size, unless what was there hides it. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grubenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	char value[GRUBENV_SIZE_MAX + 1];
	uint8_t *block = malloc(len ? len : 1);
	int rc;

	if (!block)
		abort();
	if (len)
		memcpy(block, buf, len);
	(void)grubenv_get(block, len, "a", value, sizeof(value));
	(void)grubenv_get(block, len, "primary", value, 2);
	rc = grubenv_set(block, len, "primary", "b\\\n");
	if (rc == 0) {
		if (memcmp(block, buf, 25) != 0 || !memmem(block, len, "primary=b\\\\\\\n\n", 14))
			abort();
	} else if (rc != -EBADMSG && rc != -ENOSPC) {
		abort();
	}
	free(block);
	return 0;
}
