// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_ORDERS_H
#define CAIRN_UPDATE_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* What main asks of others. */

/* orders_reboot - init restarts the machine. */
int orders_reboot(void);

/* orders_reset - the marker that makes service `data` begin anew at the next boot (docs/init.md);
 * durable on return. */
int orders_reset(bool keep_identity);

/*
 * orders_seal - service trust: the release with this signed manifest opens DATA at its first boot.
 * trust_fd: the file of the trusts taken so far, or -1. feed is called while it waits.
 * Errors: of agent/trust/client.h.
 */
int orders_seal(const uint8_t *manifest, size_t len, int trust_fd, void (*feed)(void),
		struct err *err);
/* orders_good - service trust: what runs is good, and what is withdrawn opens DATA no more. */
int orders_good(void (*feed)(void), struct err *err);
/* orders_data_in_use - is DATA itself mounted, and no stand-in? */
bool orders_data_in_use(void);

#endif
