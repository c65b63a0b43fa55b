// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cmdline.h"
#include "service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The command line, and the lines that services say on NOTIFY_FD. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[4096], value[16];
	struct service_notify n = { 0 };

	(void)service_notify_feed(&n, data, size);
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)cmdline_get(text, "key", value, sizeof(value));
	(void)cmdline_get(text, "key", NULL, 0);
	return 0;
}
