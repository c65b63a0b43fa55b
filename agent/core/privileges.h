// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_PRIVILEGES_H
#define CAIRN_AGENT_PRIVILEGES_H

#include <stddef.h>

#include "agent/core/sandbox.h"

/*
 * What each process of a machine may do once it has started: one table for all. docs/privileges.md
 * shows it to people, and `make check` compares the two; tests/e2e/38-privileges.sh compares it
 * with the processes of a running machine and tries what must be denied.
 */

extern const struct privileges privileges_table[];
extern const size_t privileges_count;

/* privileges_of - the row of that name; an unknown name ends the process. */
const struct privileges *privileges_of(const char *name);

#endif
