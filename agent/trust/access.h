// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_ACCESS_H
#define CAIRN_TRUST_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who may ask service `trust` what; docs/sealing.md has the same table for people.
 *
 *   root           data: DATA, DATA_KEY, DATA_NEW, DATA_WIPE, SETTINGS; and what others may see
 *   cairn-agent    the agent: MEASURED, SEALED, QUOTE, IDENTITY, ACTIVATE, SIGN
 *   cairn-update   service update: SEAL, GOOD, SEALED
 */

/* The users that the table names. Bits of a mask. */
enum access_user {
	ACCESS_ROOT = 1 << 0,
	ACCESS_AGENT = 1 << 1,
	ACCESS_UPDATE = 1 << 2,
};

/* access_users - the users' numbers, from /etc/passwd: call it before that is out of reach. A user
 * that does not exist may nothing. */
struct access_users {
	bool has_agent, has_update;
	uint32_t agent, update;
};
void access_users(struct access_users *ret);

/* access_mask - who a peer is. */
uint32_t access_mask(const struct access_users *u, uint32_t uid);

/* access_allowed - may one of these users ask for this (enum trustd_op)? */
bool access_allowed(uint32_t op, uint32_t mask);

#endif
