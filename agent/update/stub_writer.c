// SPDX-License-Identifier: Apache-2.0
/* Stands in for agent/update/writer.c until that is there: every order is answered with -ENOSYS. */
#include <errno.h>
#include <stdio.h>

#include "agent/core/parts.h"
#include "agent/core/sandbox.h"
#include "parts.h"
#include "proto.h"

int writer_run(int main_fd, int source_fd)
{
	const struct sandbox_caps none = { 0 };
	struct writer_order order;
	struct err err = { "" };
	int rc;

	(void)source_fd;
	if (sandbox_user(UPDATE_USER_WRITER, UPDATE_EMPTY_DIR, none, &err)) {
		(void)dprintf(2, "writer: %s\n", err.msg);
		return 111;
	}
	while ((rc = part_receive(main_fd, &order, sizeof(order))) > 0) {
		struct writer_report r = {
			.version = UPDATE_PROTO_VERSION,
			.op = order.op,
			.final = 1,
			.rc = -ENOSYS,
			.cause = WRITER_CAUSE_SYSTEM,
			.what = "writer",
			.why = "this build has no writer",
		};

		if (part_send(main_fd, &r, sizeof(r)))
			return 111;
	}
	return rc == -EPIPE ? 0 : 111;
}
