// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_FACTS_H
#define CAIRN_AGENT_FACTS_H

#include "status.h"

/*
 * What the machine says of itself, read from the places named in docs/status.md.
 */

/* facts_read_boot - what does not change while we run: release, slot, verity, Secure Boot. Wants
 * root: the device mapper answers nobody else. */
void facts_read_boot(struct status *s);

/* facts_read_now - DATA, network, time, memory, uptime. */
void facts_read_now(struct status *s);

/* facts_boot_ms - since kernel start, suspended time included. */
uint64_t facts_boot_ms(void);

/* facts_read_update - what service update says; only when somebody asks. */
void facts_read_update(struct status *s);

#endif
