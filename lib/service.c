// SPDX-License-Identifier: Apache-2.0
#include "service.h"

#include <string.h>
#include <sys/wait.h>

/* How long SIGKILL may take before the service counts as beyond help. */
#define KILL_TIMEOUT_MS 5000

#define GO(next, action)                                                                           \
	{                                                                                          \
		1, SERVICE_##next, SERVICE_DO_##action                                             \
	}

/* What is not listed keeps its state and does nothing. */
static const struct {
	uint8_t given;
	uint8_t next, action;
} table[SERVICE_STATES][SERVICE_EVENTS] = {
	[SERVICE_DOWN] = {
		[SERVICE_EV_START] = GO(WAITING, NOTHING),
		[SERVICE_EV_RESTART] = GO(WAITING, NOTHING),
		[SERVICE_EV_SKIP] = GO(SKIPPED, NOTHING),
	},
	[SERVICE_WAITING] = {
		[SERVICE_EV_STOP] = GO(DOWN, NOTHING),
		[SERVICE_EV_SKIP] = GO(SKIPPED, NOTHING),
		[SERVICE_EV_NEEDS_UP] = GO(STARTING, SPAWN),
	},
	[SERVICE_STARTING] = {
		[SERVICE_EV_STOP] = GO(STOPPING, TERM),
		[SERVICE_EV_RESTART] = GO(RESTARTING, TERM),
		[SERVICE_EV_READY] = GO(UP, NOTHING),
		[SERVICE_EV_EXIT_DONE] = GO(DONE, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(BACKOFF, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(FAILED, CLEAN),
		[SERVICE_EV_TIMEOUT] = GO(HUNG, KILL),
		[SERVICE_EV_WATCHDOG] = GO(HUNG, KILL),
	},
	[SERVICE_UP] = {
		[SERVICE_EV_STOP] = GO(STOPPING, TERM),
		[SERVICE_EV_RESTART] = GO(RESTARTING, TERM),
		[SERVICE_EV_EXIT_DONE] = GO(DONE, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(BACKOFF, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(FAILED, CLEAN),
		[SERVICE_EV_WATCHDOG] = GO(HUNG, KILL),
	},
	[SERVICE_DONE] = {
		[SERVICE_EV_STOP] = GO(DOWN, CLEAN),
		[SERVICE_EV_RESTART] = GO(WAITING, CLEAN),
	},
	[SERVICE_BACKOFF] = {
		[SERVICE_EV_START] = GO(WAITING, NOTHING),
		[SERVICE_EV_STOP] = GO(DOWN, CLEAN),
		[SERVICE_EV_RESTART] = GO(WAITING, NOTHING),
		[SERVICE_EV_TIMEOUT] = GO(WAITING, NOTHING),
	},
	[SERVICE_STOPPING] = {
		[SERVICE_EV_START] = GO(RESTARTING, NOTHING),
		[SERVICE_EV_RESTART] = GO(RESTARTING, NOTHING),
		[SERVICE_EV_EXIT_DONE] = GO(DOWN, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(DOWN, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(DOWN, CLEAN),
		[SERVICE_EV_TIMEOUT] = GO(KILLING, KILL),
	},
	[SERVICE_KILLING] = {
		[SERVICE_EV_START] = GO(RESTARTING, NOTHING),
		[SERVICE_EV_RESTART] = GO(RESTARTING, NOTHING),
		[SERVICE_EV_EXIT_DONE] = GO(DOWN, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(DOWN, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(DOWN, CLEAN),
		[SERVICE_EV_TIMEOUT] = GO(FAILED, ABANDON),
	},
	[SERVICE_RESTARTING] = {
		[SERVICE_EV_STOP] = GO(STOPPING, NOTHING),
		[SERVICE_EV_EXIT_DONE] = GO(WAITING, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(WAITING, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(WAITING, CLEAN),
		[SERVICE_EV_TIMEOUT] = GO(RESTARTING, KILL),
	},
	[SERVICE_HUNG] = {
		[SERVICE_EV_STOP] = GO(KILLING, KILL),
		[SERVICE_EV_RESTART] = GO(RESTARTING, NOTHING),
		[SERVICE_EV_EXIT_DONE] = GO(FAILED, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(BACKOFF, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(FAILED, CLEAN),
		[SERVICE_EV_TIMEOUT] = GO(HUNG, KILL),
	},
	[SERVICE_FAILED] = {
		[SERVICE_EV_START] = GO(WAITING, NOTHING),
		[SERVICE_EV_STOP] = GO(DOWN, CLEAN),
		[SERVICE_EV_RESTART] = GO(WAITING, NOTHING),
		/* An abandoned process that ended after all. */
		[SERVICE_EV_EXIT_DONE] = GO(FAILED, CLEAN),
		[SERVICE_EV_EXIT_AGAIN] = GO(FAILED, CLEAN),
		[SERVICE_EV_EXIT_FINAL] = GO(FAILED, CLEAN),
	},
};

struct service_step service_step(enum service_state state, enum service_event event)
{
	struct service_step step = { state, SERVICE_DO_NOTHING };

	if (state < SERVICE_STATES && event < SERVICE_EVENTS && table[state][event].given) {
		step.next = (enum service_state)table[state][event].next;
		step.action = (enum service_action)table[state][event].action;
	}
	return step;
}

enum service_event service_exit_event(const struct service_conf *conf, int wait_status)
{
	bool well = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;

	if (well && (conf->type == SERVICE_ONESHOT || conf->restart != SERVICE_RESTART_ALWAYS))
		return SERVICE_EV_EXIT_DONE;
	return conf->restart == SERVICE_RESTART_NO ? SERVICE_EV_EXIT_FINAL : SERVICE_EV_EXIT_AGAIN;
}

static uint32_t backoff_ms(const struct service_conf *conf, uint32_t failures)
{
	uint64_t ms = conf->backoff_ms;

	while (failures-- > 1 && ms < conf->max_backoff_ms)
		ms *= 2;
	return ms < conf->max_backoff_ms ? (uint32_t)ms : conf->max_backoff_ms;
}

uint32_t service_timer_ms(const struct service_conf *conf, enum service_state state,
			  uint32_t failures)
{
	switch (state) {
	case SERVICE_STARTING:
		return conf->start_timeout_ms;
	case SERVICE_BACKOFF:
		return backoff_ms(conf, failures);
	case SERVICE_STOPPING:
	case SERVICE_RESTARTING:
		return conf->stop_timeout_ms;
	case SERVICE_KILLING:
	case SERVICE_HUNG:
		return KILL_TIMEOUT_MS;
	default:
		return 0;
	}
}

uint32_t service_failures_next(const struct service_conf *conf, uint32_t failures,
			       uint64_t lived_ms)
{
	if (lived_ms >= conf->reset_ms)
		return 1;
	return failures < UINT32_MAX ? failures + 1 : failures;
}

bool service_satisfies_need(enum service_state state)
{
	return state == SERVICE_UP || state == SERVICE_DONE || state == SERVICE_SKIPPED;
}

bool service_settled(enum service_state state, uint32_t failures)
{
	switch (state) {
	case SERVICE_UP:
	case SERVICE_DONE:
	case SERVICE_DOWN:
	case SERVICE_FAILED:
	case SERVICE_SKIPPED:
		return true;
	default:
		return failures >= SERVICE_FAILING_FROM;
	}
}

bool service_has_process(enum service_state state)
{
	switch (state) {
	case SERVICE_STARTING:
	case SERVICE_UP:
	case SERVICE_STOPPING:
	case SERVICE_KILLING:
	case SERVICE_RESTARTING:
	case SERVICE_HUNG:
		return true;
	default:
		return false;
	}
}

const char *service_state_name(enum service_state state)
{
	static const char *const names[SERVICE_STATES] = {
		"down",	    "waiting", "starting",   "up",   "done",   "backoff",
		"stopping", "killing", "restarting", "hung", "failed", "skipped",
	};

	return state < SERVICE_STATES ? names[state] : "?";
}

const char *service_event_name(enum service_event event)
{
	static const char *const names[SERVICE_EVENTS] = {
		"start",     "stop",	   "restart",	 "skip",    "needs-up", "ready",
		"exit-done", "exit-again", "exit-final", "timeout", "watchdog",
	};

	return event < SERVICE_EVENTS ? names[event] : "?";
}

static unsigned int notify_line(const char *line, size_t len)
{
	if (len == 7 && !memcmp(line, "READY=1", 7))
		return SERVICE_NOTIFY_READY;
	if (len == 10 && !memcmp(line, "WATCHDOG=1", 10))
		return SERVICE_NOTIFY_WATCHDOG;
	return 0;
}

unsigned int service_notify_feed(struct service_notify *n, const uint8_t *buf, size_t len)
{
	unsigned int bits = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			if (!n->too_long)
				bits |= notify_line(n->line, n->used);
			n->used = 0;
			n->too_long = false;
		} else if (n->used == sizeof(n->line)) {
			n->too_long = true;
		} else {
			n->line[n->used++] = (char)buf[i];
		}
	}
	return bits;
}
