// SPDX-License-Identifier: Apache-2.0
#include "health.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "cmdline.h"
#include "fault.h"
#include "io.h"

#define AGAIN_FAST_MS 200u  /* while the machine comes up */
#define AGAIN_SLOW_MS 5000u /* what has failed once */
#define PROGRAMS_MS 120000u /* where there is no window */

static int sick(struct health *h, const char *what, const char *why)
{
	(void)snprintf(h->what, sizeof(h->what), "%s", what);
	(void)snprintf(h->why, sizeof(h->why), "%s", why);
	return -1;
}

void health_begin(struct health *h, uint32_t window_s, bool require_channel, uint64_t now_ms)
{
	h->step = HEALTH_LOOK;
	h->require_channel = require_channel;
	h->until_ms = window_s ? now_ms + 1000ull * window_s : 0;
	h->next_ms = now_ms;
	h->what[0] = h->why[0] = '\0';
}

void health_end(struct health *h)
{
	h->step = HEALTH_OFF;
	io_close_p(&h->init.fd);
	initclient_init(&h->init);
}

/* The looks. Each returns 0, or -1 with what and why. */

static int services(struct health *h)
{
	uint32_t i;

	if (!h->status.services_known)
		return sick(h, "init", "has not answered yet");
	for (i = 0; i < h->status.services; i++) {
		const struct status_service *s = &h->status.service[i];
		char what[HEALTH_WHAT_SIZE];

		if (s->health == STATUS_OK || s->health == STATUS_SKIPPED ||
		    (s->health == STATUS_STOPPED && !s->critical))
			continue;
		(void)snprintf(what, sizeof(what), "service:%s", s->name);
		return sick(h, what, s->reason[0] ? s->reason : "is not up");
	}
	return 0;
}

static bool has_watchdog(const struct health *h)
{
	DIR *dir = opendir(h->watchdogs);
	struct dirent *e;
	bool found = false;

	while (dir && (e = readdir(dir)))
		found |= e->d_name[0] != '.';
	if (dir)
		(void)closedir(dir);
	return found;
}

static int watchdog(struct health *h)
{
	if (h->status.watchdog_s || !has_watchdog(h))
		return 0;
	return sick(h, "watchdog", "there is one, and init has not armed it");
}

static int agent(struct health *h)
{
	char text[1024], state[16], what[HEALTH_WHAT_SIZE], why[HEALTH_WHY_SIZE];

	if (io_read_file(h->verdict, text, sizeof(text), NULL) ||
	    cmdline_get(text, "state", state, sizeof(state)))
		return sick(h, "agent", "has given no verdict yet");
	if (strcmp(state, "ready") == 0)
		return 0;
	if (cmdline_get(text, "what", what, sizeof(what)) || !what[0])
		(void)snprintf(what, sizeof(what), "agent");
	if (cmdline_get(text, "why", why, sizeof(why)) || !why[0])
		(void)snprintf(why, sizeof(why), "%s", state);
	return sick(h, what, why);
}

/* data - what was written is read again; a disk that went read-only says so here. */
static int data(struct health *h)
{
	uint8_t out[64], in[64 + 1];
	size_t len = 0;
	int rc;

	if (getrandom(out, sizeof(out), GRND_NONBLOCK) != sizeof(out))
		memset(out, 0x5a, sizeof(out));
	rc = io_replace_file(h->probe, out, sizeof(out), 0600);
	rc = rc ? rc : io_read_file(h->probe, in, sizeof(in), &len);
	if (!rc && (len != sizeof(out) || memcmp(in, out, sizeof(out)) != 0))
		rc = -EIO;
	(void)unlink(h->probe);
	return rc ? sick(h, "data", strerror(-rc)) : 0;
}

static bool over(const struct health *h, uint64_t now_ms)
{
	return h->until_ms && now_ms >= h->until_ms;
}

static void again(struct health *h, uint32_t wait_ms, uint64_t now_ms)
{
	h->step = HEALTH_LOOK;
	h->asked_ms = 0;
	h->next_ms = now_ms + wait_ms;
}

static void run_programs(struct health *h, uint64_t now_ms)
{
	uint64_t limit = h->until_ms ? h->until_ms - now_ms : PROGRAMS_MS;
	const struct health_ask ask = { .version = HEALTH_VERSION, .limit_ms = (uint32_t)limit };

	h->step = HEALTH_PROGRAMS;
	if (h->part_fd < 0 || part_send(h->part_fd, &ask, sizeof(ask))) {
		(void)sick(h, "health", "the part that runs the checks is gone");
		again(h, AGAIN_SLOW_MS, now_ms);
		return;
	}
	h->asked_ms = now_ms;
}

void health_news(struct health *h, uint64_t now_ms)
{
	(void)initclient_read(&h->init, &h->status, now_ms);
}

static enum health_result look(struct health *h, uint64_t now_ms)
{
	if (now_ms < h->next_ms)
		return HEALTH_NOT_YET;
	initclient_ask(&h->init, now_ms);
	h->next_ms = now_ms + AGAIN_FAST_MS;
	if (services(h) || agent(h))
		return HEALTH_NOT_YET;
	if (watchdog(h) || data(h)) {
		h->next_ms = now_ms + AGAIN_SLOW_MS;
		return HEALTH_NOT_YET;
	}
	if (h->require_channel) {
		h->step = HEALTH_CHANNEL;
		return HEALTH_WANTS_CHANNEL;
	}
	run_programs(h, now_ms);
	return HEALTH_NOT_YET;
}

enum health_result health_turn(struct health *h, uint64_t now_ms)
{
	enum health_result r = HEALTH_NOT_YET;

	if (h->step == HEALTH_OFF)
		return r;
	if (h->step == HEALTH_PASSED) {
		health_end(h);
		return HEALTH_IS_GOOD;
	}
	if (h->step == HEALTH_LOOK)
		r = look(h, now_ms);
	if (r == HEALTH_NOT_YET && over(h, now_ms)) {
		if (h->step == HEALTH_PROGRAMS)
			(void)sick(h, "health", "the checks did not end in time");
		else if (h->step == HEALTH_CHANNEL)
			(void)sick(h, "channel", "no answer in time");
		h->until_ms = 0;
		return HEALTH_WINDOW_OVER;
	}
	return r;
}

void health_channel(struct health *h, const char *why, uint64_t now_ms)
{
	if (h->step != HEALTH_CHANNEL)
		return;
	if (!why) {
		run_programs(h, now_ms);
		return;
	}
	(void)sick(h, "channel", why);
	again(h, AGAIN_SLOW_MS, now_ms);
}

int health_part(struct health *h, uint64_t now_ms)
{
	struct health_answer a;
	int rc = part_receive(h->part_fd, &a, sizeof(a));

	if (rc <= 0)
		return rc;
	if (a.version != HEALTH_VERSION || !memchr(a.what, '\0', sizeof(a.what)) ||
	    !memchr(a.why, '\0', sizeof(a.why)))
		return -EBADMSG;
	if (h->step != HEALTH_PROGRAMS)
		return 0;
	if (a.rc) {
		(void)sick(h, a.what, a.why);
		again(h, AGAIN_SLOW_MS, now_ms);
		return 0;
	}
	fault_point("health-passed");
	h->step = HEALTH_PASSED;
	h->what[0] = h->why[0] = '\0';
	h->next_ms = now_ms;
	return 0;
}
