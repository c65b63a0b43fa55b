// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SERVICE_H
#define CAIRN_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servicefile.h"

/*
 * The supervisor's decisions, without any I/O: state x event -> (state, action).
 *
 *   DOWN --start--> WAITING --needs-up--> STARTING --ready--> UP
 *                      ^                     |exit, and tried again |
 *                      +-----timeout----- BACKOFF <-----------------+
 *   STARTING/UP --stop--> STOPPING --timeout--> KILLING --exit--> DOWN
 *   STARTING/UP --restart--> RESTARTING --exit--> WAITING
 *   STARTING too long, watchdog missed --> HUNG --exit--> BACKOFF
 *   exit and not tried again: DONE (well) or FAILED (badly)
 *
 * NEEDS_UP is given only while no process of an earlier life is left in the service's cgroup,
 * so two lives of one service never overlap.
 */

enum service_state {
	SERVICE_DOWN,
	SERVICE_WAITING,    /* wanted; its needs are not all up yet */
	SERVICE_STARTING,   /* its process runs and is not ready */
	SERVICE_UP,	    /* runs and is ready */
	SERVICE_DONE,	    /* ended well and is not wanted again */
	SERVICE_BACKOFF,    /* ended; started again when the timer is due */
	SERVICE_STOPPING,   /* asked to end, by order */
	SERVICE_KILLING,    /* did not end in time: its whole cgroup was killed */
	SERVICE_RESTARTING, /* asked to end, to be started again */
	SERVICE_HUNG,	    /* not ready in time or watchdog missed: killed, started again */
	SERVICE_FAILED,	    /* given up */
	SERVICE_SKIPPED,    /* its condition does not hold in this boot */
	SERVICE_STATES
};

enum service_event {
	SERVICE_EV_START,
	SERVICE_EV_STOP,
	SERVICE_EV_RESTART,
	SERVICE_EV_SKIP,
	SERVICE_EV_NEEDS_UP,
	SERVICE_EV_READY,
	SERVICE_EV_EXIT_DONE,  /* the process ended, its policy says: finished well */
	SERVICE_EV_EXIT_AGAIN, /* ... says: start it again */
	SERVICE_EV_EXIT_FINAL, /* ... says: failed, give up */
	SERVICE_EV_TIMEOUT,    /* the timer of the present state is due */
	SERVICE_EV_WATCHDOG,   /* no WATCHDOG=1 for watchdog_ms */
	SERVICE_EVENTS
};

enum service_action {
	SERVICE_DO_NOTHING,
	SERVICE_DO_SPAWN,
	SERVICE_DO_TERM,    /* SIGTERM to the main process */
	SERVICE_DO_KILL,    /* cgroup.kill: every process of the service */
	SERVICE_DO_CLEAN,   /* the main process is gone: cgroup.kill what it left behind */
	SERVICE_DO_ABANDON, /* even SIGKILL did not end it: report, count on nothing */
	SERVICE_ACTIONS
};

struct service_step {
	enum service_state next;
	enum service_action action;
};

/*
 * service_step - what an event means in a state. Total: an event that means nothing there keeps
 * the state and does nothing.
 */
struct service_step service_step(enum service_state state, enum service_event event);

/* service_exit_event - what the end of the main process means for this service's policy. */
enum service_event service_exit_event(const struct service_conf *conf, int wait_status);

/*
 * service_timer_ms - when TIMEOUT is due after entering a state; 0: never.
 * failures is the count in a row, from 1 on in BACKOFF.
 */
uint32_t service_timer_ms(const struct service_conf *conf, enum service_state state,
			  uint32_t failures);

/* service_failures_next - failures in a row after an end: a long life forgives the past. */
uint32_t service_failures_next(const struct service_conf *conf, uint32_t failures,
			       uint64_t lived_ms);

#define SERVICE_FAILING_FROM 3 /* failures in a row, after which nobody waits for it any more */

/* service_satisfies_need - may a service that `needs` this one start? */
bool service_satisfies_need(enum service_state state);
/* service_settled - may a service that comes `after` this one start? */
bool service_settled(enum service_state state, uint32_t failures);
/* service_has_process - is there, or may there be, a process? */
bool service_has_process(enum service_state state);

const char *service_state_name(enum service_state state);
const char *service_event_name(enum service_event event);

/* What a service may say on NOTIFY_FD, a line each; anything else is passed over. */
#define SERVICE_NOTIFY_READY 1u	   /* READY=1 */
#define SERVICE_NOTIFY_WATCHDOG 2u /* WATCHDOG=1 */
#define SERVICE_NOTIFY_LINE_MAX 64 /* longer lines are passed over too */

/* Zero-initialised before the first call for a process. */
struct service_notify {
	char line[SERVICE_NOTIFY_LINE_MAX];
	size_t used;
	bool too_long;
};

/* service_notify_feed - the SERVICE_NOTIFY_* bits that were completed by these bytes. */
unsigned int service_notify_feed(struct service_notify *n, const uint8_t *buf, size_t len);

#endif
