// SPDX-License-Identifier: Apache-2.0
#ifndef VM_STORM_H
#define VM_STORM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "qmp.h"

/* Time between two volleys. */
#define STORM_TICK_MS 20

/*
 * A person who presses everything: menus, shells, logins, break, SysRq. What a firmware by
 * right takes as a wish to restart or set up (its own keys) is kept back until the system
 * speaks, since the firmware is not what is tested.
 */
struct storm {
	unsigned int n_keys, n_texts;
};

/*
 * storm_volley - one round: a key press over q, a line break signal now and then, and the next
 * serial text in ret_text. system_up: the firmware's part is over.
 */
int storm_volley(struct storm *s, struct qmp *q, bool system_up, const char **ret_text,
		 struct err *err);

#endif
