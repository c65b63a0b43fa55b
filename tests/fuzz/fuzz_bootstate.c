// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "bootstate.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* The signature is given, so that the fuzzer spends its time on the lines. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const char head[] = "# GRUB Environment Block\n";
	uint8_t *block = malloc(BOOTSTATE_SIZE);
	struct bootstate state, again;
	size_t room = BOOTSTATE_SIZE - (sizeof(head) - 1);

	if (!block)
		return 0;
	memset(block, '#', BOOTSTATE_SIZE);
	memcpy(block, head, sizeof(head) - 1);
	memcpy(block + sizeof(head) - 1, buf, len < room ? len : room);
	if (bootstate_parse(block, BOOTSTATE_SIZE, &state) == 0) {
		bootstate_format(&state, block);
		if (bootstate_parse(block, BOOTSTATE_SIZE, &again) != 0 ||
		    memcmp(&state, &again, sizeof(state)) != 0)
			abort();
	}
	free(block);
	return 0;
}
