// SPDX-License-Identifier: Apache-2.0
/* `cairn install` as the device would have it: musl, mbedTLS, static. For the bench of updates. */
#include <stdio.h>

#include "scripts/cairn/cmd.h"

int main(int argc, char **argv)
{
	struct err err = { "" };
	int rc = cmd_install(argc, argv, &err);

	if (rc)
		(void)fprintf(stderr, "install: %s\n", err.msg);
	return rc < 0 ? CMD_SYSTEM : rc;
}
