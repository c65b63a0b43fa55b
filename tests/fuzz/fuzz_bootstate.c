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
	struct bootstate_copy copy, again;
	size_t room = BOOTSTATE_SIZE - (sizeof(head) - 1);

	if (!block)
		return 0;
	memset(block, '#', BOOTSTATE_SIZE);
	memcpy(block, head, sizeof(head) - 1);
	memcpy(block + sizeof(head) - 1, buf, len < room ? len : room);
	if (bootstate_parse(block, BOOTSTATE_SIZE, &copy) == 0) {
		bootstate_format(&copy.state, copy.sequence, block);
		if (bootstate_parse(block, BOOTSTATE_SIZE, &again) != 0 ||
		    again.sequence != copy.sequence || !bootstate_equal(&copy.state, &again.state))
			abort();
	} else if (copy.valid) {
		abort();
	}
	free(block);
	return 0;
}
