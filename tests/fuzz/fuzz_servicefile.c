// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "servicefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two files at once, parted by a line "---", so that their links are resolved too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct service_conf confs[2];
	const uint8_t *cut = size ? memmem(data, size, "---\n", 4) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size;
	struct err err;
	size_t count = 0;

	if (!servicefile_parse("a", data, first, &confs[count], &err))
		count++;
	if (cut && !servicefile_parse("b", cut + 4, size - first - 4, &confs[count], &err))
		count++;
	(void)servicefile_resolve(confs, count);
	return 0;
}
