// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NET_CHILD_H
#define CAIRN_NET_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/core/privileges.h"
#include "respawn.h"

/*
 * One helper program kept alive by lib/respawn's table. Its event program, started by it,
 * inherits one end of a socket pair and sends fixed-size messages; the other end is event_fd.
 * What arrives there is from this child and no other.
 */

#define CHILD_ARGS_MAX 24
#define CHILD_EVENT_FD 9		 /* in the child; udhcpc wants 3 and 4 for itself */
#define CHILD_EVENT_ENV "CAIRN_EVENT_FD" /* names it */

struct child_command {
	const char *path;
	const char *argv[CHILD_ARGS_MAX + 1]; /* ends with NULL */
	const char *env;	      /* one NAME=VALUE more for the event program; or NULL */
	struct privileges privileges; /* capabilities, paths, calls: all that it can have */
};

struct child {
	enum respawn_state state;
	pid_t pid;	   /* 0: none */
	int event_fd;	   /* -1: none */
	uint64_t timer_ms; /* CLOCK_MONOTONIC; 0: none */
	uint64_t started_ms;
	uint32_t short_runs;
};

/* child_command_fn - fill in what to run now; called at each start. */
typedef void child_command_fn(void *owner, struct child_command *ret_command);

void child_init(struct child *c);

/*
 * child_event - one event through the table, with what follows from it. After RESPAWN_EXIT the
 * event_fd is closed. Never fails: a start that fails is an exit.
 */
void child_event(struct child *c, enum respawn_event event, uint64_t now_ms,
		 child_command_fn *command, void *owner);

/* child_want - RESPAWN_WANT or RESPAWN_UNWANT. */
void child_want(struct child *c, bool wanted, uint64_t now_ms, child_command_fn *command,
		void *owner);

/*
 * child_receive - one message of exactly size bytes.
 * Returns 1 got one, 0 none there. Messages of another size are dropped.
 */
int child_receive(struct child *c, void *ret_message, size_t size);

#endif
