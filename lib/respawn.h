// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_RESPAWN_H
#define CAIRN_RESPAWN_H

#include <stdint.h>

/*
 * Keeping one helper program (a DHCP client, the NTP client) alive while it is wanted: a table of
 * state x event -> next state and action. Pure; the caller starts, ends and waits for processes.
 *
 *   IDLE        not wanted, no process
 *   RUNNING     wanted, process there
 *   WAITING     wanted, it ended: the timer says when it is started again
 *   STOPPING    not wanted, process told to end: the timer says when it is killed
 *   RESTARTING  wanted, process told to end so that a new one starts
 */

enum respawn_state {
	RESPAWN_IDLE,
	RESPAWN_RUNNING,
	RESPAWN_WAITING,
	RESPAWN_STOPPING,
	RESPAWN_RESTARTING,
	RESPAWN_STATES
};

enum respawn_event {
	RESPAWN_WANT,	 /* it should run */
	RESPAWN_UNWANT,	 /* it should not */
	RESPAWN_RESTART, /* its arguments changed; nothing where it is not wanted */
	RESPAWN_EXIT,	 /* the process ended */
	RESPAWN_TIMER,
	RESPAWN_EVENTS
};

enum respawn_action {
	RESPAWN_NOTHING,
	RESPAWN_SPAWN,	/* start it; a failed start is a RESPAWN_EXIT */
	RESPAWN_TERM,	/* SIGTERM, and a timer for RESPAWN_KILL */
	RESPAWN_KILL,	/* SIGKILL, and the timer again */
	RESPAWN_ARM,	/* the timer, by respawn_backoff_ms */
	RESPAWN_DISARM, /* no timer */
	RESPAWN_ACTIONS
};

struct respawn_step {
	enum respawn_state next;
	enum respawn_action action;
};

struct respawn_step respawn_next(enum respawn_state state, enum respawn_event event);

/*
 * respawn_backoff_ms - how long to wait before the next start: doubles from 500 ms to 60 s with
 * each short run in a row. ran_ms is how long the last run lived; 60 s or more starts anew.
 * *short_runs is the caller's counter.
 */
uint32_t respawn_backoff_ms(uint32_t *short_runs, uint64_t ran_ms);

#endif
