// SPDX-License-Identifier: Apache-2.0
/* Where main reads from, and whether what it read may be followed. */
#include "policy_acts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/parts.h"
#include "cmdline.h"
#include "fault.h"
#include "io.h"
#include "say.h"

_Static_assert(UPDATECONF_URL_SIZE == UPDATE_URL_SIZE, "a channel's URL fits");
_Static_assert(UPDATECONF_PROXY_SIZE == UPDATE_PROXY_SIZE, "a proxy's URL fits");

void policy_config(struct update *u, struct source_config *c, enum source_kind kind,
		   const char *url)
{
	static const uint32_t ca[] = { SOURCE_CA_NONE, SOURCE_CA_PUBLIC, SOURCE_CA_OPERATOR };

	memset(c, 0, sizeof(*c));
	c->version = UPDATE_PROTO_VERSION;
	c->op = SOURCE_CONFIG;
	c->kind = kind;
	c->ca = ca[u->conf.ca];
	c->limit_kib_s = u->conf.bandwidth_kib_s;
	(void)snprintf(c->url, sizeof(c->url), "%s", url);
	(void)snprintf(c->proxy, sizeof(c->proxy), "%s", u->conf.proxy);
}

void policy_new_job(struct update *u, enum updatelog_source source)
{
	io_close_p(&u->job.fd);
	memset(&u->job, 0, sizeof(u->job));
	u->job.fd = -1;
	u->job.source = source;
}

void policy_leave_stick(struct update *u)
{
	const struct stick_done done = { .version = STICK_VERSION };

	if (u->stick_used && u->stick_fd >= 0)
		(void)part_send(u->stick_fd, &done, sizeof(done));
	u->stick_used = false;
}

bool policy_synced(const struct update *u)
{
	char text[256], state[16] = "";

	if (io_read_file(u->time_file, text, sizeof(text), NULL) ||
	    cmdline_get(text, "state", state, sizeof(state)))
		return false;
	/* It was set in this boot, and goes on by itself where the network is away. */
	return strcmp(state, "synced") == 0 || strcmp(state, "holding") == 0;
}

/* policy_stop_probe - what is to be read now comes before a look for health's sake. */
void policy_stop_probe(struct update *u)
{
	if (!u->probing)
		return;
	u->probing = false;
	source_cancel(&u->source);
	health_channel(&u->health, "was read for something else", main_now_ms());
}

int policy_check(struct update *u)
{
	const char *url = u->conf.channel;

	policy_stop_probe(u);
	u->polled = true;
	policy_new_job(u, UPDATELOG_CHANNEL);
	u->timer_ms = 0;
	if (u->stick_found.version) {
		policy_new_job(u, UPDATELOG_STICK);
		u->job.forced = true;
		u->stick_used = true;
		url = u->stick_found.url;
		u->stick_found.version = 0;
		if (u->stick_found.kind == SOURCE_FILE) {
			policy_config(u, &u->job.config, SOURCE_FILE, url);
			return source_bundle(&u->source, &u->job.config, -1, main_now_ms());
		}
	}
	if (!url[0]) {
		policy_note(u, "channel", "no channel is set");
		return policy_event(u, UPDATEPLAN_EV_UNREACHABLE);
	}
	policy_config(u, &u->job.config, SOURCE_FOLDER, url);
	fault_point("channel-read");
	return source_channel(&u->source, &u->job.config, main_now_ms());
}

static enum updateplan_event judge_offer(struct update *u, uint64_t full_bytes,
					 uint64_t delta_bytes)
{
	const struct updatelog_refused *f =
		updatelog_find(&u->rec.log, u->job.release, u->job.full, NULL);
	const struct updateplan_offer o = {
		.release = u->job.release,
		.full_bytes = full_bytes,
		.delta_bytes = delta_bytes,
		.refused = f != NULL,
		.given = u->job.source == UPDATELOG_GIVEN,
		.no_delta = u->job.release == u->no_delta_for,
		.booted_release = u->own.release,
		.written_release = u->written_release,
		.window_open = u->job.forced || updateplan_window_s(&u->conf, main_wall_s()) == 0,
	};
	enum updateplan_event event = updateplan_offer_event(&o);

	if (event == UPDATEPLAN_EV_NOTHING || event == UPDATEPLAN_EV_KEEP) {
		if (f && u->job.release > u->own.release) {
			char why[UPDATELOG_WHY_SIZE];

			(void)snprintf(why, sizeof(why), "release %llu failed here: %.140s",
				       (unsigned long long)u->job.release, f->why);
			policy_note(u, "refused", why);
			say_line("refuses %s", why);
		} else {
			policy_note(u, "", "");
		}
		/* What is known is the release that runs, or the one that is written. */
		if (event == UPDATEPLAN_EV_KEEP)
			u->job.release = u->written_release;
		else
			u->job.release = 0;
	}
	return event;
}

static enum updateplan_event refuse_channel(struct update *u, const char *what, const char *why)
{
	policy_note(u, what, why);
	u->job.has_full = false;
	return UPDATEPLAN_EV_UNREACHABLE;
}

/* take_channel - signatures hold; may it be followed, and what does it offer? */
static enum updateplan_event take_channel(struct update *u)
{
	const struct channel *c = &u->source.channel;
	bool stick = u->job.source == UPDATELOG_STICK, is_synced = policy_synced(u);
	int64_t wall = main_wall_s();
	uint64_t now = main_now_ms();
	const struct channel_want want = {
		.compatible = u->own.compatible,
		.name = u->conf.name[0] ? u->conf.name : NULL,
		/* A stick may have lain in a drawer: what it offers is judged by itself. */
		.sequence = stick ? 0 : u->rec.sequence,
		.last_digest = !stick && u->rec.has_digest ? u->rec.digest : NULL,
		.trust = u->trust.number,
		.now = (uint64_t)updatetime_now(&u->time, is_synced, wall, now),
	};
	const struct channel_bundle *delta;
	struct err err = { "" };

	u->channel_time = updatetime_judge(&u->time, (int64_t)c->created, (int64_t)c->expires,
					   is_synced, wall, now);
	u->created_s = (int64_t)c->created;
	u->expires_s = (int64_t)c->expires;
	u->has_channel = true;
	if (u->trust.expires <= want.now)
		return refuse_channel(u, "trust", "the trust of this machine has expired");
	if (channel_check(c, u->source.digest, &want, &err))
		return refuse_channel(u, "channel", err.msg);
	if (u->channel_time == UPDATETIME_FUTURE)
		return refuse_channel(u, "channel", "it was made in the future");
	if (u->channel_time == UPDATETIME_UNPROVEN)
		(void)dprintf(2, "the clock is not set: whether the channel is current is not "
				 "certain\n");
	fault_point("channel-taken");
	if (!stick && c->sequence > u->rec.sequence) {
		u->rec.sequence = c->sequence;
		u->rec.has_digest = true;
		memcpy(u->rec.digest, u->source.digest, sizeof(u->rec.digest));
		updatetime_created(&u->time, (int64_t)c->created, now);
		u->rec.floor_s = updatetime_floor(&u->time, is_synced, wall, now);
		if (records_save_keep(&u->rec))
			return refuse_channel(u, "data", "its sequence cannot be kept");
	}
	u->job.release = c->release;
	(void)snprintf(u->job.version, sizeof(u->job.version), "%s", c->version);
	memcpy(u->job.full, c->full.manifest, sizeof(u->job.full));
	u->job.has_full = true;
	delta = u->own.has_root ? channel_delta(c, u->own.root) : NULL;
	if (delta) {
		u->job.has_delta = true;
		memcpy(u->job.delta, delta->manifest, sizeof(u->job.delta));
	}
	return judge_offer(u, c->full.size_bytes, delta ? delta->size_bytes : 0);
}

/* take_bundle - the head of a given bundle. */
static enum updateplan_event take_bundle(struct update *u)
{
	const struct bundle *b = &u->source.bundle;
	const struct bundle_want want = {
		.compatible = u->own.compatible,
		.architecture = u->own.architecture,
		.release = u->own.release,
		.floor = u->rec.version_floor > u->own.floor ? u->rec.version_floor : u->own.floor,
		.stage1 = UINT32_MAX, /* the writer knows */
		.older_allowed = u->job.any_release,
	};
	struct err err = { "" };

	u->job.release = b->release;
	(void)snprintf(u->job.version, sizeof(u->job.version), "%s", b->version);
	memcpy(b->delta ? u->job.delta : u->job.full, u->source.digest, SHA256_SIZE);
	u->job.has_full = !b->delta;
	u->job.has_delta = b->delta;
	/* The writer decides; what it would refuse is not worth giving a slot up for. */
	if (bundle_check(b, &want, &err)) {
		policy_note(u, "bundle", err.msg);
		return UPDATEPLAN_EV_UNREACHABLE;
	}
	if (b->delta)
		return judge_offer(u, UINT64_MAX, 1);
	return judge_offer(u, 1, 0);
}

int policy_source(struct update *u, enum source_result result)
{
	enum updateplan_event event;

	if (result == SOURCE_NOT_YET)
		return 0;
	if (u->probing) {
		u->probing = false;
		health_channel(&u->health, result == SOURCE_OK ? NULL : u->source.err.msg,
			       main_now_ms());
		return 0;
	}
	if (u->state != UPDATEPLAN_CHECKING)
		return 0;
	if (result == SOURCE_OK) {
		event = u->source.bundle_wanted ? take_bundle(u) : take_channel(u);
	} else {
		policy_note(u, u->source.bundle_wanted ? "bundle" : "channel", u->source.err.msg);
		event = UPDATEPLAN_EV_UNREACHABLE;
	}
	/* What is written stays, whatever became of the look for something newer. */
	if (event == UPDATEPLAN_EV_UNREACHABLE && u->written_release) {
		u->job.release = u->written_release;
		event = UPDATEPLAN_EV_KEEP;
	}
	return policy_event(u, event);
}
