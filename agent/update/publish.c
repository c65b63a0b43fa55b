// SPDX-License-Identifier: Apache-2.0
#include "publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "policy.h"

#define EVERY_MS 500u

static const char *const time_names[] = { "current", "unproven", "expired", "future" };

static char slot_letter(unsigned int slot)
{
	return slot == 0 ? 'a' : slot == 1 ? 'b' : '-';
}

static bool writing(const struct update *u)
{
	return u->state == UPDATEPLAN_DELTA || u->state == UPDATEPLAN_FULL ||
	       u->state == UPDATEPLAN_ABORTING;
}

static void fill_job(const struct update *u, struct update_reply *r)
{
	r->percent = 101;
	if (u->job.release) {
		r->release = u->job.release;
		(void)snprintf(r->release_version, sizeof(r->release_version), "%s",
			       u->job.version);
		r->kind = u->job.kind;
		r->source = u->job.source;
	}
	if (!writing(u))
		return;
	r->speed_bytes_s = u->speed.bytes_s;
	r->done = u->progress.done;
	r->total = u->progress.total;
	r->fetched = u->progress.fetched;
	r->percent = r->total ? (uint32_t)(r->done * 100 / r->total) : 0;
}

void publish_fill(const struct update *u, struct update_reply *r)
{
	uint64_t now = main_now_ms();
	bool watched = u->health.what[0] && !u->marked;

	r->attempts = (uint32_t)u->rec.log.attempts;
	r->refuseds = (uint32_t)u->rec.log.refuseds;
	(void)snprintf(r->state, sizeof(r->state), "%s", policy_words(u));
	r->paused = u->rec.paused;
	r->booted_release = u->own.release;
	(void)snprintf(r->booted_version, sizeof(r->booted_version), "%s", u->own.version);
	fill_job(u, r);
	r->failures = u->failures;
	r->next_s = u->timer_ms > now ? (uint32_t)((u->timer_ms - now + 999) / 1000) : 0;
	r->known = u->boot.known;
	r->slot = u->boot.known ? slot_letter(u->boot.booted) : '-';
	r->primary = u->boot.known ? slot_letter(u->boot.primary) : '-';
	r->marked = u->marked;
	memcpy(r->good, u->boot_raw.good, sizeof(r->good));
	memcpy(r->tries, u->boot_raw.tries, sizeof(r->tries));
	(void)snprintf(r->time, sizeof(r->time), "%s",
		       u->has_channel ? time_names[u->channel_time] : "-");
	(void)snprintf(r->channel, sizeof(r->channel), "%s", u->conf.channel);
	r->sequence = u->rec.sequence;
	r->created_s = u->created_s;
	r->expires_s = u->expires_s;
	(void)snprintf(r->what, sizeof(r->what), "%s", watched ? u->health.what : u->what);
	(void)snprintf(r->why, sizeof(r->why), "%s", watched ? u->health.why : u->why);
}

/* quoted - a text with nothing in it that would end it. */
static const char *quoted(const char *text, char *ret, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		ret[i] = text[i] == '"' ? '\'' : (unsigned char)text[i] < ' ' ? ' ' : text[i];
	ret[i] = '\0';
	return ret;
}

static void replace(const char *name, const char *text, size_t len)
{
	char path[96];
	int rc;

	(void)snprintf(path, sizeof(path), MAIN_RUN_DIR "/%s", name);
	rc = io_replace_file(path, text, len, 0644);
	if (rc)
		(void)dprintf(2, "cannot write %s: %s\n", path, strerror(-rc));
}

static size_t status_text(const struct update *u, char *text, size_t size)
{
	struct update_reply r = { .version = 0 };
	char why[UPDATELOG_WHY_SIZE], what[64], percent[16] = "";
	int n;

	publish_fill(u, &r);
	if (r.percent <= 100)
		(void)snprintf(percent, sizeof(percent), "%u", r.percent);
	n = snprintf(
		text, size,
		"state=%s\nbooted=%llu\nrelease=%llu\nversion=%s\nkind=%s\nsource=%s\n"
		"percent=%s\nspeed_kib_s=%llu\nfetched=%llu\nwhat=\"%s\"\nwhy=\"%s\"\n"
		"failures=%u\npaused=%d\nslot=%c\nprimary=%c\na_good=%d\na_tries=%d\nb_good=%d\n"
		"b_tries=%d\nmarked=%d\nsequence=%llu\ncreated=%lld\nexpires=%lld\ntime=%s\n"
		"channel=\"%s\"\n",
		r.state, (unsigned long long)r.booted_release, (unsigned long long)r.release,
		r.release ? r.release_version : "",
		r.release ? updatelog_kind_name((enum updatelog_kind)r.kind) : "",
		r.release ? updatelog_source_name((enum updatelog_source)r.source) : "", percent,
		(unsigned long long)(r.speed_bytes_s / 1024), (unsigned long long)r.fetched,
		quoted(r.what, what, sizeof(what)), quoted(r.why, why, sizeof(why)), r.failures,
		(int)r.paused, r.slot, r.primary, r.good[0], r.tries[0], r.good[1], r.tries[1],
		r.marked, (unsigned long long)r.sequence, (long long)r.created_s,
		(long long)r.expires_s, r.time, r.channel);
	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

uint64_t publish_write(struct update *u, uint64_t now_ms)
{
	static char last[2048];
	static uint64_t last_ms;
	static size_t last_log; /* what the history's text was, as a sum */
	char text[sizeof(last)], *log;
	size_t len, i, sum = 5381;

	if (!u->dirty)
		return 0;
	if (last_ms && now_ms - last_ms < EVERY_MS)
		return last_ms + EVERY_MS;
	u->dirty = false;
	last_ms = now_ms;
	memset(text, 0, sizeof(text));
	len = status_text(u, text, sizeof(text));
	if (len && memcmp(text, last, sizeof(text)) != 0) {
		replace("status", text, len);
		memcpy(last, text, sizeof(text));
	}
	log = malloc(UPDATELOG_SIZE_MAX);
	if (!log)
		return 0;
	len = updatelog_format(&u->rec.log, log);
	for (i = 0; i < len; i++)
		sum = sum * 33 + (unsigned char)log[i];
	if (sum != last_log) {
		replace("history", log, len);
		last_log = sum;
	}
	free(log);
	return 0;
}
