// SPDX-License-Identifier: Apache-2.0
#include "orders.h"

#include <string.h>

#include "agent/init/client.h"
#include "agent/init/data.h"
#include "fault.h"
#include "io.h"

int orders_reboot(void)
{
	struct err err = { "" };

	return client_order(INIT_SOCKET, INIT_OP_REBOOT, NULL, &err);
}

int orders_reset(bool keep_identity)
{
	const char *text = keep_identity ? DATA_RESET_KEEP : DATA_RESET_ALL;
	int rc;

	fault_point("reset-order");
	rc = io_replace_file("/data/" DATA_RESET_FILE, text, strlen(text), 0600);
	fault_point("reset-ordered");
	return rc;
}
