// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_NOTIFY_H
#define CAIRN_AGENT_NOTIFY_H

#include <stdint.h>

/* What a service says to init: NOTIFY_FD and WATCHDOG_MS of its environment. */

struct notify {
	int fd;		      /* -1: nobody listens */
	uint32_t watchdog_ms; /* 0: none wanted */
	uint64_t next_ms;     /* CLOCK_MONOTONIC of the next sign of life; 0: none */
};

/* notify_init - read the environment; what we start does not inherit the descriptor. */
void notify_init(struct notify *n);
/* notify_ready - say READY=1. */
void notify_ready(struct notify *n);
/* notify_alive - say WATCHDOG=1 where it is due; call it in each round of the loop. */
void notify_alive(struct notify *n, uint64_t now_ms);

#endif
