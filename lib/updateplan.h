// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATEPLAN_H
#define CAIRN_UPDATEPLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto.h"
#include "updateconf.h"

/*
 * What the update service does next: a table of state x event -> next state and action. Pure; the
 * service (agent/update/policy.c) carries the actions out and reports what came of them.
 *
 *   boot:    START -> TRIAL | SETTLE | FALLBACK     what the boot state says of this boot
 *            TRIAL -> MARKING -> IDLE               healthy in time: kept
 *            TRIAL -> REBOOTING | CONDEMN           not: one try less, or given up
 *            FALLBACK -> SETTLE                     GRUB left the primary slot: said, remembered
 *   update:  IDLE -> CHECKING -> DELTA -> FULL -> WRITTEN -> ACTIVATING -> REBOOTING
 *                       |          the full bundle where the delta does not apply
 *                       +-> WAITING                 for the maintenance window
 *            BACKOFF is IDLE after a failure that may pass
 */

enum updateplan_state {
	UPDATEPLAN_START,      /* the boot state is asked for */
	UPDATEPLAN_BLIND,      /* it cannot be read: nothing is written until it can */
	UPDATEPLAN_FALLBACK,   /* the booted slot becomes the primary one */
	UPDATEPLAN_TRIAL,      /* the booted slot is not yet good; its health is watched */
	UPDATEPLAN_CONDEMN,    /* the booted slot is given up */
	UPDATEPLAN_SETTLE,     /* the booted slot is good; healthy in this boot too? */
	UPDATEPLAN_MARKING,    /* mark-good is on its way to the disk */
	UPDATEPLAN_IDLE,       /* until the next poll */
	UPDATEPLAN_BACKOFF,    /* likewise, after a failure */
	UPDATEPLAN_CHECKING,   /* channel, or the head of a given bundle, is read */
	UPDATEPLAN_WAITING,    /* there is something; the window is shut */
	UPDATEPLAN_DELTA,      /* the inactive slot is written from a delta */
	UPDATEPLAN_FULL,       /* ... from a full bundle */
	UPDATEPLAN_ABORTING,   /* the writer was told to stop */
	UPDATEPLAN_WRITTEN,    /* written and read back; ready to be tried */
	UPDATEPLAN_ACTIVATING, /* the boot state is switched */
	UPDATEPLAN_ROLLING,    /* the boot state is switched back, by order */
	UPDATEPLAN_REBOOTING,  /* init was asked */
	UPDATEPLAN_STATES
};

enum updateplan_event {
	/* the boot state's report (updateplan_boot) */
	UPDATEPLAN_EV_BOOT_GOOD,
	UPDATEPLAN_EV_BOOT_TRIAL,
	UPDATEPLAN_EV_FELL_BACK,
	UPDATEPLAN_EV_SWITCHED, /* in this boot, by us: the restart is still to come */
	/* health */
	UPDATEPLAN_EV_HEALTHY,
	UPDATEPLAN_EV_SICK,	  /* the window is over, and another try is left */
	UPDATEPLAN_EV_SICK_LAST,  /* ... and none is left */
	UPDATEPLAN_EV_SICK_ALONE, /* ... and there is no good slot to go to */
	/* time */
	UPDATEPLAN_EV_TICK, /* the timer of the state is due */
	UPDATEPLAN_EV_TRY,  /* what is written may be tried now */
	/* channel (updateplan_offer) */
	UPDATEPLAN_EV_NOTHING, /* nothing for this machine */
	UPDATEPLAN_EV_KEEP,    /* nothing better than what is written already */
	UPDATEPLAN_EV_LATER,   /* the window is shut */
	UPDATEPLAN_EV_USE_DELTA,
	UPDATEPLAN_EV_USE_FULL,
	UPDATEPLAN_EV_UNREACHABLE, /* it could not be read */
	/* the writer's answer, or the channel's where it says so */
	UPDATEPLAN_EV_DONE,
	UPDATEPLAN_EV_NO_SOURCE, /* fetch gave up */
	UPDATEPLAN_EV_NO_DELTA,	 /* it does not fit, is not there, or is refused */
	UPDATEPLAN_EV_REFUSED,	 /* channel or bundle: and will be again */
	UPDATEPLAN_EV_BROKEN,	 /* disk, boot state, system */
	UPDATEPLAN_EV_ABORTED,
	/* orders */
	UPDATEPLAN_EV_CHECK,	/* poll now */
	UPDATEPLAN_EV_INSTALL,	/* this file or URL */
	UPDATEPLAN_EV_ACTIVATE, /* try what is written now */
	UPDATEPLAN_EV_ROLLBACK,
	UPDATEPLAN_EV_MARK_BAD, /* the booted slot */
	UPDATEPLAN_EV_STOP,	/* leave off what is under way */
	UPDATEPLAN_EV_RESET,	/* factory reset */
	UPDATEPLAN_EVENTS
};

enum updateplan_action {
	UPDATEPLAN_DO_NOTHING,
	UPDATEPLAN_DO_REFUSE,	       /* an order that has no place here */
	UPDATEPLAN_DO_ASK,	       /* the writer for the boot state */
	UPDATEPLAN_DO_WATCH,	       /* begin the health window */
	UPDATEPLAN_DO_RECORD_FALLBACK, /* remember the release of the primary slot, and order
					* PRIMARY */
	UPDATEPLAN_DO_MARK_GOOD,
	UPDATEPLAN_DO_MARK_BAD, /* remember the booted release, and order MARK_BAD */
	UPDATEPLAN_DO_CHECK,
	UPDATEPLAN_DO_CHECK_GIVEN,
	UPDATEPLAN_DO_INSTALL_DELTA,
	UPDATEPLAN_DO_INSTALL_FULL,
	UPDATEPLAN_DO_ABORT,
	UPDATEPLAN_DO_REST,	 /* until the next poll */
	UPDATEPLAN_DO_REST_GOOD, /* likewise; the boot is marked good */
	UPDATEPLAN_DO_RETRY,	 /* note the failure; back off */
	UPDATEPLAN_DO_REMEMBER,	 /* note the failure, refuse this bundle from now on; back off */
	UPDATEPLAN_DO_HOLD,	 /* until the window opens */
	UPDATEPLAN_DO_NOTE_WRITTEN,
	UPDATEPLAN_DO_ACTIVATE,
	UPDATEPLAN_DO_ROLLBACK, /* remember the booted release, and order ROLLBACK */
	UPDATEPLAN_DO_REBOOT,
	UPDATEPLAN_DO_RESET, /* the marker, then the reboot */
	UPDATEPLAN_ACTIONS
};

struct updateplan_step {
	enum updateplan_state next;
	enum updateplan_action action;
};

/*
 * updateplan_next - total: an event that means nothing in a state keeps it and does nothing; an
 * order that has no place there is refused.
 */
struct updateplan_step updateplan_next(enum updateplan_state state, enum updateplan_event event);

const char *updateplan_state_name(enum updateplan_state state);
const char *updateplan_event_name(enum updateplan_event event);
const char *updateplan_action_name(enum updateplan_action action);

/* The boot state, reduced to what is decided on. Slots: 0 is A, 1 is B. */
struct updateplan_boot {
	bool known;
	bool switched; /* primary was changed by order since this boot began */
	unsigned int booted, primary;
	bool good[2];
	unsigned int tries[2]; /* left */
};

/* updateplan_boot_event - BOOT_GOOD, BOOT_TRIAL, FELL_BACK, SWITCHED, or BROKEN where it is not
 * known. */
enum updateplan_event updateplan_boot_event(const struct updateplan_boot *b);
/* updateplan_sick_event - what the end of the health window means: SICK, SICK_LAST, SICK_ALONE. */
enum updateplan_event updateplan_sick_event(const struct updateplan_boot *b);

/* What is offered, and what it is held against. */
struct updateplan_offer {
	uint64_t release;     /* offered */
	uint64_t full_bytes;  /* of the bundle file */
	uint64_t delta_bytes; /* from the booted root hash; 0: there is none */
	bool refused;	      /* among the releases or bundles that failed here */
	bool given;	      /* by an operator's order: window and age do not count */
	bool no_delta;	      /* a delta for this release did not apply in this life */
	/* the machine */
	uint64_t booted_release;
	uint64_t written_release; /* in the inactive slot, read back; 0 none */
	bool window_open;
};

/*
 * updateplan_offer_event - NOTHING, KEEP, LATER, USE_DELTA or USE_FULL. An offer that is refused
 * or not newer is NOTHING (KEEP where something is written); the caller says why to people.
 */
enum updateplan_event updateplan_offer_event(const struct updateplan_offer *o);

/*
 * updateplan_poll_s - seconds until the next poll: poll_s, moved by up to jitter_pct either way.
 * The nth number of a machine's own row: seed differs from machine to machine, n counts.
 */
uint32_t updateplan_poll_s(const struct updateconf *c, const uint8_t seed[static SHA256_SIZE],
			   uint64_t n);
/* updateplan_first_s - after a start: within jitter_pct of poll_s, at most 300 s, so that a fleet
 * that got its power back does not come all at once. */
uint32_t updateplan_first_s(const struct updateconf *c, const uint8_t seed[static SHA256_SIZE],
			    uint64_t n);
/* updateplan_backoff_s - after failures in a row (1...): 30 s doubled each time up to poll_s, or
 * six hours, with the same jitter. */
uint32_t updateplan_backoff_s(const struct updateconf *c, const uint8_t seed[static SHA256_SIZE],
			      uint64_t n, uint32_t failures);

/*
 * updateplan_window_s - seconds until the maintenance window is open, 0: it is, or there is none.
 * wall_s is Unix time.
 */
uint32_t updateplan_window_s(const struct updateconf *c, int64_t wall_s);

#endif
