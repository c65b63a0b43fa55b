// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_CLIENT_H
#define CAIRN_INIT_CLIENT_H

#include <stddef.h>

#include "lib/err.h"
#include "proto.h"

/*
 * Asking init (proto.h). socket_path is INIT_SOCKET but in tests. Each call connects, asks,
 * waits for the answer 5 s at most, and closes.
 * Errors: init's own rc of the answer, -EPROTO another version, -ETIMEDOUT, or of the socket.
 */

/*
 * client_status - *ret_count services, at most max; more are passed over.
 */
int client_status(const char *socket_path, struct init_reply *ret_reply,
		  struct init_service *ret_services, size_t max, size_t *ret_count,
		  struct err *err);

/* client_order - any op but STATUS; name may be NULL for REBOOT and POWEROFF. */
int client_order(const char *socket_path, enum init_op op, const char *name, struct err *err);

#endif
