// SPDX-License-Identifier: Apache-2.0
#include "updateplan.h"

#include <stddef.h>

#include "bytes.h"

#define FIRST_MAX_S 300u
#define BACKOFF_MIN_S 30u
#define BACKOFF_MAX_S 21600u
#define DAY_S 86400

static const char *const state_names[UPDATEPLAN_STATES] = {
	"start",   "blind",    "fallback", "trial",	 "condemn", "settle",
	"marking", "idle",     "backoff",  "checking",	 "waiting", "delta",
	"full",	   "aborting", "written",  "activating", "rolling", "rebooting",
};

static const char *const event_names[UPDATEPLAN_EVENTS] = {
	"boot-good", "boot-trial", "fell-back", "switched",    "healthy", "sick",
	"sick-last", "sick-alone", "tick",	"try",	       "nothing", "keep",
	"later",     "use-delta",  "use-full",	"unreachable", "done",	  "no-source",
	"no-delta",  "refused",	   "broken",	"aborted",     "check",	  "install",
	"activate",  "rollback",   "mark-bad",	"stop",	       "reset",
};

static const char *const action_names[UPDATEPLAN_ACTIONS] = {
	"nothing",	"refuse",   "ask",	    "watch",	   "record-fallback",
	"mark-good",	"mark-bad", "check",	    "check-given", "install-delta",
	"install-full", "abort",    "rest",	    "rest-good",   "retry",
	"remember",	"hold",	    "note-written", "activate",	   "rollback",
	"reboot",	"reset",
};

const char *updateplan_state_name(enum updateplan_state state)
{
	return (unsigned int)state < UPDATEPLAN_STATES ? state_names[state] : "?";
}

const char *updateplan_event_name(enum updateplan_event event)
{
	return (unsigned int)event < UPDATEPLAN_EVENTS ? event_names[event] : "?";
}

const char *updateplan_action_name(enum updateplan_action action)
{
	return (unsigned int)action < UPDATEPLAN_ACTIONS ? action_names[action] : "?";
}

/*
 * The table has the pairs that mean something. S(x) and D(x) only shorten it. `set` tells a pair
 * that is there from one that is not: START and DO_NOTHING are both zero.
 */
struct cell {
	bool set;
	struct updateplan_step step;
};
#define ON(event, state, action)                                                                   \
	[UPDATEPLAN_EV_##event] = { true, { UPDATEPLAN_##state, UPDATEPLAN_DO_##action } }

/* What every state has in which the machine rests and may be told to do something. */
#define RESTING                                                                                    \
	ON(HEALTHY, MARKING, MARK_GOOD), ON(TICK, CHECKING, CHECK), ON(CHECK, CHECKING, CHECK),    \
		ON(INSTALL, CHECKING, CHECK_GIVEN), ON(ROLLBACK, ROLLING, ROLLBACK),               \
		ON(MARK_BAD, CONDEMN, MARK_BAD), ON(RESET, REBOOTING, RESET)

/* How an INSTALL may end, whatever the bundle. */
#define INSTALLING                                                                                 \
	ON(DONE, WRITTEN, NOTE_WRITTEN), ON(NO_SOURCE, BACKOFF, RETRY),                            \
		ON(BROKEN, BACKOFF, RETRY), ON(ABORTED, IDLE, REST), ON(STOP, ABORTING, ABORT)

static const struct cell table[UPDATEPLAN_STATES][UPDATEPLAN_EVENTS] = {
	[UPDATEPLAN_START] = {
		ON(BOOT_GOOD, SETTLE, WATCH),
		ON(BOOT_TRIAL, TRIAL, WATCH),
		ON(FELL_BACK, FALLBACK, RECORD_FALLBACK),
		/* The service ended between the switch and the restart. */
		ON(SWITCHED, REBOOTING, REBOOT),
		ON(BROKEN, BLIND, RETRY),
		ON(REFUSED, BLIND, RETRY),
	},
	[UPDATEPLAN_BLIND] = {
		ON(TICK, START, ASK),
		ON(CHECK, START, ASK),
		ON(RESET, REBOOTING, RESET),
	},
	[UPDATEPLAN_FALLBACK] = {
		/* The answer carries the boot state as it is now. */
		ON(BOOT_GOOD, SETTLE, WATCH),
		ON(BOOT_TRIAL, TRIAL, WATCH),
		ON(FELL_BACK, BLIND, RETRY),
		ON(SWITCHED, BLIND, RETRY),
		ON(BROKEN, BLIND, RETRY),
		ON(REFUSED, BLIND, RETRY),
	},
	[UPDATEPLAN_TRIAL] = {
		ON(HEALTHY, MARKING, MARK_GOOD),
		ON(SICK, REBOOTING, REBOOT),
		ON(SICK_LAST, CONDEMN, MARK_BAD),
		/* Nowhere to go: it stays, may still become healthy, and may be updated. */
		ON(SICK_ALONE, IDLE, REST),
		ON(ROLLBACK, CONDEMN, MARK_BAD),
		ON(MARK_BAD, CONDEMN, MARK_BAD),
	},
	[UPDATEPLAN_CONDEMN] = {
		ON(DONE, REBOOTING, REBOOT),
		/* Its tries end by themselves. */
		ON(BROKEN, REBOOTING, REBOOT),
		ON(REFUSED, IDLE, RETRY),
	},
	[UPDATEPLAN_SETTLE] = {
		ON(HEALTHY, MARKING, MARK_GOOD),
		/* A release that was good is not restarted by us; it may become healthy later. */
		ON(SICK, IDLE, REST),
		ON(SICK_LAST, IDLE, REST),
		ON(SICK_ALONE, IDLE, REST),
		ON(CHECK, CHECKING, CHECK),
		ON(INSTALL, CHECKING, CHECK_GIVEN),
		ON(ROLLBACK, ROLLING, ROLLBACK),
		ON(MARK_BAD, CONDEMN, MARK_BAD),
		ON(RESET, REBOOTING, RESET),
	},
	[UPDATEPLAN_MARKING] = {
		ON(DONE, IDLE, REST_GOOD),
		/* Not durable is not good: what the disk says now decides again. */
		ON(BROKEN, BLIND, RETRY),
		ON(REFUSED, BLIND, RETRY),
	},
	[UPDATEPLAN_IDLE] = { RESTING },
	[UPDATEPLAN_BACKOFF] = { RESTING },
	[UPDATEPLAN_CHECKING] = {
		ON(NOTHING, IDLE, REST),
		ON(KEEP, WRITTEN, HOLD),
		ON(LATER, WAITING, HOLD),
		ON(USE_DELTA, DELTA, INSTALL_DELTA),
		ON(USE_FULL, FULL, INSTALL_FULL),
		ON(UNREACHABLE, BACKOFF, RETRY),
		ON(REFUSED, BACKOFF, REMEMBER),
		ON(STOP, IDLE, ABORT),
	},
	[UPDATEPLAN_WAITING] = {
		/* The channel may have changed meanwhile. */
		RESTING,
		ON(STOP, IDLE, REST),
	},
	[UPDATEPLAN_DELTA] = {
		INSTALLING,
		ON(NO_DELTA, FULL, INSTALL_FULL),
		/* A damaged delta says nothing about the full bundle. */
		ON(REFUSED, FULL, INSTALL_FULL),
	},
	[UPDATEPLAN_FULL] = {
		INSTALLING,
		ON(NO_DELTA, BACKOFF, REMEMBER),
		ON(REFUSED, BACKOFF, REMEMBER),
	},
	[UPDATEPLAN_ABORTING] = {
		/* Whatever the writer came to: it was told to stop. */
		ON(DONE, IDLE, REST),
		ON(NO_SOURCE, IDLE, REST),
		ON(NO_DELTA, IDLE, REST),
		ON(REFUSED, IDLE, REST),
		ON(BROKEN, IDLE, REST),
		ON(ABORTED, IDLE, REST),
	},
	[UPDATEPLAN_WRITTEN] = {
		ON(TRY, ACTIVATING, ACTIVATE),
		ON(ACTIVATE, ACTIVATING, ACTIVATE),
		/* A newer one may come before this one is tried. */
		ON(TICK, CHECKING, CHECK),
		ON(CHECK, CHECKING, CHECK),
		ON(INSTALL, CHECKING, CHECK_GIVEN),
		ON(RESET, REBOOTING, RESET),
	},
	[UPDATEPLAN_ACTIVATING] = {
		ON(DONE, REBOOTING, REBOOT),
		ON(BROKEN, BACKOFF, RETRY),
		ON(REFUSED, BACKOFF, RETRY),
	},
	[UPDATEPLAN_ROLLING] = {
		ON(DONE, REBOOTING, REBOOT),
		ON(BROKEN, BACKOFF, RETRY),
		ON(REFUSED, BACKOFF, RETRY),
	},
	[UPDATEPLAN_REBOOTING] = {
		/* init did not take it yet. */
		ON(TICK, REBOOTING, REBOOT),
	},
};

struct updateplan_step updateplan_next(enum updateplan_state state, enum updateplan_event event)
{
	struct updateplan_step stay = { state, UPDATEPLAN_DO_NOTHING };

	if ((unsigned int)state >= UPDATEPLAN_STATES || (unsigned int)event >= UPDATEPLAN_EVENTS)
		return stay;
	if (table[state][event].set)
		return table[state][event].step;
	if (event >= UPDATEPLAN_EV_CHECK)
		stay.action = UPDATEPLAN_DO_REFUSE;
	return stay;
}

enum updateplan_event updateplan_boot_event(const struct updateplan_boot *b)
{
	if (!b->known || b->booted > 1 || b->primary > 1)
		return UPDATEPLAN_EV_BROKEN;
	if (b->primary != b->booted)
		return b->switched ? UPDATEPLAN_EV_SWITCHED : UPDATEPLAN_EV_FELL_BACK;
	return b->good[b->booted] ? UPDATEPLAN_EV_BOOT_GOOD : UPDATEPLAN_EV_BOOT_TRIAL;
}

enum updateplan_event updateplan_sick_event(const struct updateplan_boot *b)
{
	if (!b->known || b->booted > 1 || !b->good[!b->booted])
		return UPDATEPLAN_EV_SICK_ALONE;
	return b->tries[b->booted] ? UPDATEPLAN_EV_SICK : UPDATEPLAN_EV_SICK_LAST;
}

enum updateplan_event updateplan_offer_event(const struct updateplan_offer *o)
{
	enum updateplan_event none =
		o->written_release ? UPDATEPLAN_EV_KEEP : UPDATEPLAN_EV_NOTHING;

	if (!o->given) {
		if (o->refused || o->release <= o->booted_release)
			return none;
		/* What is written counts as long as nothing newer is offered. */
		if (o->release <= o->written_release)
			return UPDATEPLAN_EV_KEEP;
		if (!o->window_open)
			return UPDATEPLAN_EV_LATER;
	}
	if (o->delta_bytes && o->delta_bytes < o->full_bytes && !o->no_delta)
		return UPDATEPLAN_EV_USE_DELTA;
	return UPDATEPLAN_EV_USE_FULL;
}

/* nth - the nth number of a machine's row, of all 32 bits. */
static uint32_t nth(const uint8_t seed[static SHA256_SIZE], uint64_t n)
{
	uint8_t number[8], digest[SHA256_SIZE];
	struct sha256 h;

	le64_store(number, n);
	sha256_init(&h);
	sha256_update(&h, seed, SHA256_SIZE);
	sha256_update(&h, number, sizeof(number));
	sha256_final(&h, digest);
	return le32_load(digest);
}

/* spread - value moved by up to pct % either way. */
static uint32_t spread(uint32_t value, uint32_t pct, uint32_t random)
{
	uint64_t room = (uint64_t)value * pct / 100;

	return (uint32_t)(value - room + random % (2 * room + 1));
}

uint32_t updateplan_poll_s(const struct updateconf *c, const uint8_t seed[static SHA256_SIZE],
			   uint64_t n)
{
	return spread(c->poll_s, c->jitter_pct, nth(seed, n));
}

uint32_t updateplan_first_s(const struct updateconf *c, const uint8_t seed[static SHA256_SIZE],
			    uint64_t n)
{
	uint64_t room = (uint64_t)c->poll_s * c->jitter_pct / 100;

	if (room > FIRST_MAX_S)
		room = FIRST_MAX_S;
	return (uint32_t)(nth(seed, n) % (room + 1));
}

uint32_t updateplan_backoff_s(const struct updateconf *c, const uint8_t seed[static SHA256_SIZE],
			      uint64_t n, uint32_t failures)
{
	uint32_t max = c->poll_s < BACKOFF_MAX_S ? c->poll_s : BACKOFF_MAX_S;
	uint32_t value = BACKOFF_MIN_S;

	while (failures > 1 && value < max) {
		value *= 2;
		failures--;
	}
	return spread(value < max ? value : max, c->jitter_pct, nth(seed, n));
}

uint32_t updateplan_window_s(const struct updateconf *c, int64_t wall_s)
{
	int64_t from = (int64_t)c->window_from * 60, to = (int64_t)c->window_to * 60;
	int64_t now = wall_s % DAY_S;
	bool open;

	if (!c->has_window)
		return 0;
	if (now < 0)
		now += DAY_S;
	open = from < to ? now >= from && now < to : now >= from || now < to;
	if (open)
		return 0;
	return (uint32_t)(now < from ? from - now : DAY_S - now + from);
}
