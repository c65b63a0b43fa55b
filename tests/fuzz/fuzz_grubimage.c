// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "grubimage.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	const char *begin = (const char *)buf;
	struct grubimage image;
	struct err err;

	if (grubimage_scripts(buf, len, &image, &err))
		return 0;
	if (image.early < begin || image.early + image.early_len > begin + len ||
	    image.config < begin || image.config + image.config_len > begin + len)
		abort();
	return 0;
}
