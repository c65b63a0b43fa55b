// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_CONTROL_H
#define CAIRN_UPDATE_CONTROL_H

#include <poll.h>

#include "main.h"

/* The control socket (control_proto.h). Never blocks; a client that does not read loses. */

#define CONTROL_CLIENTS 8
#define CONTROL_FDS (1 + CONTROL_CLIENTS)

/* control_listen - with rights: the socket is in a folder of root's. */
int control_listen(struct update *u, struct err *err);
void control_fill(const struct update *u, struct pollfd fds[static CONTROL_FDS]);
void control_take(struct update *u, const struct pollfd fds[static CONTROL_FDS]);

#endif
