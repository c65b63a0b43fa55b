// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_CONTROL_H
#define CAIRN_INIT_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "proto.h"

/* The server's side of INIT_SOCKET (proto.h): bounded clients, fixed messages, no waiting. */

/* control_open - make the socket. 0 or -errno; without it services still run. */
int control_open(void);

#define CONTROL_FDS (1 + INIT_CLIENTS)

/* control_poll_fill, control_poll_take - as in supervisor.h; always CONTROL_FDS places. */
void control_poll_fill(struct pollfd fds[static CONTROL_FDS]);

/*
 * control_poll_take - answer what was asked. Returns INIT_OP_REBOOT or INIT_OP_POWEROFF when
 * someone who may has ordered it, else 0. phase is what the answers say.
 */
enum init_op control_poll_take(const struct pollfd fds[static CONTROL_FDS], uint64_t now_ms,
			       enum init_phase phase);

#endif
