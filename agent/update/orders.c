// SPDX-License-Identifier: Apache-2.0
#include "orders.h"

#include <string.h>

#include "agent/init/client.h"
#include "agent/init/data.h"
#include "agent/trust/client.h"
#include "cmdline.h"
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

int orders_seal(const uint8_t *manifest, size_t len, int trust_fd, void (*feed)(void),
		struct err *err)
{
	return trustd_seal(TRUSTD_SOCKET, manifest, len, trust_fd, feed, err);
}

int orders_good(void (*feed)(void), struct err *err)
{
	return trustd_good(TRUSTD_SOCKET, feed, err);
}

bool orders_data_in_use(void)
{
	char text[1024], device[80];

	return !io_read_file("/run/cairn/data", text, sizeof(text), NULL) &&
	       !cmdline_get(text, "device", device, sizeof(device)) &&
	       strncmp(device, "/dev/", 5) == 0;
}
