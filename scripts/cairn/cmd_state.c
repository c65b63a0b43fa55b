// SPDX-License-Identifier: Apache-2.0
/* The STATE partition as an image ships it: the same bytes that the device would repair it to. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#include "bootstate.h"

int cmd_state(int argc, char **argv, struct err *err)
{
	struct bootstate state = bootstate_factory(BOOTSTATE_A);
	uint8_t *part;
	int r;

	if (argc == 3 && strcmp(argv[2], "b") == 0)
		state = bootstate_factory(BOOTSTATE_B);
	else if (argc != 2 && !(argc == 3 && strcmp(argv[2], "a") == 0))
		return cmd_usage(err, "state OUT [a|b]");
	part = calloc(1, BOOTSTATE_PART_BYTES);
	if (!part)
		return CMD_SYSTEM;
	bootstate_mkfs(&state, part);
	r = cmd_save(argv[1], part, BOOTSTATE_PART_BYTES, err);
	free(part);
	return r;
}
