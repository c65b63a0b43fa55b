// SPDX-License-Identifier: Apache-2.0
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "json.h"

static const char *const verity_names[] = { "none", "ok", "corrupt" };
static const char *const secureboot_names[] = { "unsupported", "off", "on" };
static const char *const tpm_names[] = { "asked", "none", "2.0", "failed" };
static const char *const eventlog_names[] = { "none", "match", "mismatch" };
static const char *const verdict_names[] = { "starting", "ready", "failed" };
static const char *const health_names[] = { "unknown", "ok",	  "starting", "failing",
					    "failed",  "stopped", "skipped" };

#define NAME(table, value)                                                                         \
	((value) < sizeof(table) / sizeof((table)[0]) ? (table)[value] : "unknown")

static void verdict(struct status_verdict *v, enum status_verdict_kind kind, const char *what,
		    const char *name, const char *why)
{
	v->kind = kind;
	(void)snprintf(v->what, sizeof(v->what), "%s%s", what, name);
	(void)snprintf(v->why, sizeof(v->why), "%s", why);
}

static const struct status_service *find_service(const struct status *s, const char *name)
{
	uint32_t i;

	for (i = 0; i < s->services && i < STATUS_SERVICES_MAX; i++)
		if (strcmp(s->service[i].name, name) == 0)
			return &s->service[i];
	return NULL;
}

/* Each judge_* returns true when it has decided. */

static bool judge_root(const struct status *s, struct status_verdict *v)
{
	if (s->verity == STATUS_VERITY_OK)
		return false;
	verdict(v, STATUS_VERDICT_FAILED, "root", "",
		s->verity == STATUS_VERITY_CORRUPT
			? "dm-verity has found a block that is not the release's"
			: "the root is not checked by dm-verity");
	return true;
}

static bool judge_data(const struct status *s, struct status_verdict *v)
{
	const struct status_service *data = find_service(s, "data");

	if (!data || data->health == STATUS_SKIPPED)
		return false;
	if (strcmp(s->data_state, "failed") != 0 && strcmp(s->data_state, "missing") != 0 &&
	    strcmp(s->data_state, "locked") != 0)
		return false;
	verdict(v, STATUS_VERDICT_FAILED, "data", "",
		*s->data_why ? s->data_why : "the DATA partition cannot be used");
	return true;
}

static bool judge_tpm(const struct status *s, struct status_verdict *v)
{
	if (s->measured.tpm != STATUS_TPM_FAILED)
		return false;
	verdict(v, STATUS_VERDICT_FAILED, "tpm", "", s->measured.why);
	return true;
}

static bool judge_service(const struct status_service *x, uint64_t deadline_ms,
			  struct status_verdict *v)
{
	char why[STATUS_WHY_SIZE];

	switch (x->health) {
	case STATUS_OK:
	case STATUS_SKIPPED:
		return false;
	case STATUS_STOPPED:
		if (!x->critical)
			return false;
		verdict(v, STATUS_VERDICT_FAILED, "service:", x->name, "stopped by order");
		return true;
	case STATUS_STARTING:
		if (x->since_ms < deadline_ms)
			return false;
		(void)snprintf(why, sizeof(why), "not up after %llu s%s%s",
			       (unsigned long long)(x->since_ms / 1000), *x->reason ? ": " : "",
			       x->reason);
		verdict(v, STATUS_VERDICT_FAILED, "service:", x->name, why);
		return true;
	default:
		verdict(v, STATUS_VERDICT_FAILED, "service:", x->name,
			*x->reason ? x->reason : "it does not stay up");
		return true;
	}
}

static bool judge_services(const struct status *s, uint64_t deadline_ms, struct status_verdict *v)
{
	uint32_t i;

	/* What others need goes first: it is the cause, and theirs the consequence. */
	for (i = 0; i < s->services && i < STATUS_SERVICES_MAX; i++)
		if (s->service[i].health != STATUS_STARTING &&
		    judge_service(&s->service[i], deadline_ms, v))
			return true;
	for (i = 0; i < s->services && i < STATUS_SERVICES_MAX; i++)
		if (judge_service(&s->service[i], deadline_ms, v))
			return true;
	return false;
}

/* still_waiting - nothing is wrong, but not all is there. */
static bool still_waiting(const struct status *s, struct status_verdict *v)
{
	uint32_t i;

	if (!s->services_known) {
		verdict(v, STATUS_VERDICT_STARTING, "init", "", "has not answered yet");
		return true;
	}
	if (s->measured.tpm == STATUS_TPM_ASKED) {
		verdict(v, STATUS_VERDICT_STARTING, "tpm", "", "has not answered yet");
		return true;
	}
	for (i = 0; i < s->services && i < STATUS_SERVICES_MAX; i++) {
		/* Once ready, a service that ended may come back before it counts. */
		if (s->service[i].health != STATUS_STARTING || s->ready_ms != 0)
			continue;
		verdict(v, STATUS_VERDICT_STARTING, "service:", s->service[i].name,
			*s->service[i].reason ? s->service[i].reason : "is not up yet");
		return true;
	}
	return false;
}

void status_judge(const struct status *s, uint64_t deadline_ms, struct status_verdict *ret_verdict)
{
	memset(ret_verdict, 0, sizeof(*ret_verdict));
	if (judge_root(s, ret_verdict) || judge_data(s, ret_verdict) || judge_tpm(s, ret_verdict) ||
	    judge_services(s, deadline_ms, ret_verdict) || still_waiting(s, ret_verdict))
		return;
	ret_verdict->kind = STATUS_VERDICT_READY;
}

void status_counts(const struct status *s, uint32_t *ret_up, uint32_t *ret_all)
{
	uint32_t i, up = 0, all = 0;

	for (i = 0; i < s->services && i < STATUS_SERVICES_MAX; i++) {
		uint32_t health = s->service[i].health;

		if (health == STATUS_SKIPPED || health == STATUS_STOPPED)
			continue;
		all++;
		if (health == STATUS_OK)
			up++;
	}
	*ret_up = up;
	*ret_all = all;
}

/* The console line. */

struct line {
	char *buf;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->used, l->size - l->used, fmt, ap);
	va_end(ap);
	/* Every value is bounded so that this cannot be; a cut line still ends in its newline. */
	if (n < 0 || l->used + (size_t)n >= l->size) {
		l->used = l->size - 1;
		l->buf[l->used - 1] = '\n';
	} else {
		l->used += (size_t)n;
	}
}

/* word - a value without anything that would end it. */
static const char *word(const char *text)
{
	return *text && !strpbrk(text, " \t\n\"") ? text : "-";
}

static void add_quoted(struct line *l, const char *text)
{
	char clean[STATUS_WHY_SIZE];
	size_t i;

	for (i = 0; text[i] && i + 1 < sizeof(clean); i++)
		clean[i] = text[i] == '"' ? '\'' : (unsigned char)text[i] < ' ' ? ' ' : text[i];
	clean[i] = '\0';
	add(l, "\"%s\"", clean);
}

static void add_pcr(struct line *l, const struct status_measured *m, unsigned int nr)
{
	char hex[2 * SHA256_SIZE + 1] = "-";

	if (m->pcr_mask & 1u << nr)
		hex_encode(m->pcr[nr], SHA256_SIZE, hex);
	add(l, " pcr%u=%s", nr, hex);
}

size_t status_line(const struct status *s, char ret_line[static STATUS_LINE_SIZE])
{
	static const unsigned int shown[] = { 4, 7, 8, 9 };
	struct line l = { .buf = ret_line, .size = STATUS_LINE_SIZE };
	uint32_t up, all;
	size_t i;

	ret_line[0] = '\0';
	if (s->verdict.kind == STATUS_VERDICT_FAILED) {
		add(&l, "cairn: failed what=%s why=", s->verdict.what);
		add_quoted(&l, s->verdict.why);
	} else if (s->verdict.kind == STATUS_VERDICT_READY) {
		add(&l, "cairn: ready");
	} else {
		return 0;
	}
	status_counts(s, &up, &all);
	add(&l, " version=%s variant=%s slot=%s verity=%s secureboot=%s tpm=%s eventlog=%s",
	    word(s->version), word(s->variant), word(s->slot), NAME(verity_names, s->verity),
	    NAME(secureboot_names, s->secureboot), NAME(tpm_names, s->measured.tpm),
	    NAME(eventlog_names, s->measured.eventlog));
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		add_pcr(&l, &s->measured, shown[i]);
	add(&l,
	    " services=%u/%u data=%s encrypted=%s net=%s kernel_to_ready_ms=%llu mem_used_kib=%u\n",
	    up, all, word(s->data_state), word(s->data_encrypted), word(s->net_state),
	    (unsigned long long)s->ready_ms, s->mem_used_kib);
	return l.used;
}

/* The document. */

/* text_or_null - an empty text is not known. */
static void text_or_null(struct json *j, const char *key, const char *text)
{
	json_member_string(j, key, *text ? text : NULL);
}

static void write_boot(struct json *j, const struct status *s)
{
	json_key(j, "boot");
	json_open_object(j);
	text_or_null(j, "slot", s->slot);
	text_or_null(j, "disk", s->disk);
	json_member_string(j, "verity", NAME(verity_names, s->verity));
	text_or_null(j, "root_hash", s->root_hash);
	json_member_string(j, "secureboot", NAME(secureboot_names, s->secureboot));
	json_member_bool(j, "setup_mode", s->setup_mode);
	json_close_object(j);
}

static void write_measured(struct json *j, const struct status_measured *m)
{
	char key[4], hex[2 * SHA256_SIZE + 1];
	unsigned int i;

	json_key(j, "tpm");
	json_open_object(j);
	json_member_string(j, "state", NAME(tpm_names, m->tpm));
	text_or_null(j, "vendor", m->vendor);
	text_or_null(j, "why", m->why);
	json_member_string(j, "eventlog", NAME(eventlog_names, m->eventlog));
	json_member_uint(j, "events", m->events);
	json_key(j, "mismatch");
	json_open_array(j);
	for (i = 0; i < STATUS_PCRS; i++)
		if (m->mismatch_mask & 1u << i)
			json_uint(j, i);
	json_close_array(j);
	json_key(j, "pcrs");
	json_open_object(j);
	for (i = 0; i < STATUS_PCRS; i++) {
		if (!(m->pcr_mask & 1u << i))
			continue;
		(void)snprintf(key, sizeof(key), "%u", i);
		hex_encode(m->pcr[i], SHA256_SIZE, hex);
		json_member_string(j, key, hex);
	}
	json_close_object(j);
	json_close_object(j);
}

static void write_services(struct json *j, const struct status *s)
{
	uint32_t i;

	json_key(j, "services");
	json_open_array(j);
	for (i = 0; i < s->services && i < STATUS_SERVICES_MAX; i++) {
		const struct status_service *x = &s->service[i];

		json_open_object(j);
		json_member_string(j, "name", x->name);
		json_member_string(j, "health", NAME(health_names, x->health));
		text_or_null(j, "state", x->state);
		json_member_bool(j, "critical", x->critical);
		json_member_int(j, "pid", x->pid);
		json_member_uint(j, "starts", x->starts);
		json_member_uint(j, "failures", x->failures);
		json_member_uint(j, "since_ms", x->since_ms);
		text_or_null(j, "reason", x->reason);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_surroundings(struct json *j, const struct status *s)
{
	json_key(j, "data");
	json_open_object(j);
	text_or_null(j, "state", s->data_state);
	text_or_null(j, "why", s->data_why);
	json_key(j, "encrypted");
	if (s->data_encrypted[0] == 'y' || s->data_encrypted[0] == 'n')
		json_bool(j, s->data_encrypted[0] == 'y');
	else
		json_null(j);
	text_or_null(j, "sealed", s->data_sealed);
	json_close_object(j);
	json_key(j, "network");
	json_open_object(j);
	text_or_null(j, "state", s->net_state);
	text_or_null(j, "interface", s->net_if);
	text_or_null(j, "address4", s->net_addr4);
	text_or_null(j, "address6", s->net_addr6);
	text_or_null(j, "dns", s->net_dns);
	text_or_null(j, "settings", s->net_config);
	text_or_null(j, "problem", s->net_problem);
	json_close_object(j);
	json_key(j, "time");
	json_open_object(j);
	text_or_null(j, "state", s->time_state);
	json_member_int(j, "now_s", s->wall_s);
	text_or_null(j, "servers", s->time_servers);
	json_member_uint(j, "stratum", s->time_stratum);
	json_member_int(j, "offset_us", s->time_offset_us);
	json_close_object(j);
	json_key(j, "memory");
	json_open_object(j);
	json_member_uint(j, "total_kib", s->mem_total_kib);
	json_member_uint(j, "used_kib", s->mem_used_kib);
	json_member_uint(j, "available_kib", s->mem_available_kib);
	json_close_object(j);
}

static void write_slot(struct json *j, const struct status_update *u, unsigned int slot)
{
	json_key(j, slot ? "b" : "a");
	json_open_object(j);
	json_member_bool(j, "good", u->good[slot]);
	json_member_uint(j, "tries", u->tries[slot]);
	json_close_object(j);
}

static void write_attempt(struct json *j, const struct updatelog_attempt *a)
{
	json_open_object(j);
	json_member_int(j, "time_s", a->time_s);
	json_member_uint(j, "from", a->from);
	json_member_uint(j, "release", a->release);
	text_or_null(j, "version", a->version);
	json_member_string(j, "kind", updatelog_kind_name(a->kind));
	json_member_string(j, "source", updatelog_source_name(a->source));
	json_member_string(j, "outcome", updatelog_outcome_name(a->outcome));
	json_member_uint(j, "seconds", a->seconds);
	json_member_uint(j, "fetched_bytes", a->fetched_bytes);
	text_or_null(j, "why", a->why);
	json_close_object(j);
}

static void write_update(struct json *j, const struct status_update *u)
{
	uint32_t i;

	json_key(j, "update");
	json_open_object(j);
	text_or_null(j, "state", u->state);
	json_member_bool(j, "paused", u->paused);
	json_member_uint(j, "release", u->release);
	text_or_null(j, "version", u->version);
	text_or_null(j, "kind", u->kind);
	text_or_null(j, "source", u->source);
	json_key(j, "percent");
	if (u->state[0] && u->percent <= 100)
		json_uint(j, u->percent);
	else
		json_null(j);
	json_member_uint(j, "speed_kib_s", u->speed_kib_s);
	json_member_uint(j, "fetched_bytes", u->fetched_bytes);
	text_or_null(j, "what", u->what);
	text_or_null(j, "why", u->why);
	json_member_uint(j, "failures", u->failures);
	json_member_bool(j, "marked_good", u->marked);
	text_or_null(j, "primary", u->primary);
	write_slot(j, u, 0);
	write_slot(j, u, 1);
	text_or_null(j, "channel", u->channel);
	json_member_uint(j, "sequence", u->sequence);
	json_member_int(j, "created_s", u->created_s);
	json_member_int(j, "expires_s", u->expires_s);
	text_or_null(j, "currency", u->time);
	json_key(j, "history");
	json_open_array(j);
	for (i = 0; i < u->attempts && i < UPDATELOG_ATTEMPTS; i++)
		write_attempt(j, &u->attempt[i]);
	json_close_array(j);
	json_close_object(j);
}

size_t status_verdict_text(const struct status *s, char ret_text[static STATUS_VERDICT_TEXT_SIZE])
{
	struct line l = { .buf = ret_text, .size = STATUS_VERDICT_TEXT_SIZE };

	add(&l, "state=%s\nwhat=%s\nwhy=", NAME(verdict_names, s->verdict.kind),
	    word(s->verdict.what));
	add_quoted(&l, s->verdict.why);
	add(&l, "\ntpm=%s\n", NAME(tpm_names, s->measured.tpm));
	return l.used;
}

int status_json(const struct status *s, char ret_text[static STATUS_JSON_SIZE])
{
	uint32_t up, all;
	struct json j;
	size_t len;
	int rc;

	status_counts(s, &up, &all);
	/* One byte is kept for the newline. */
	json_init(&j, ret_text, STATUS_JSON_SIZE - 1);
	json_lines(&j);
	json_open_object(&j);
	json_member_uint(&j, "format", STATUS_FORMAT);
	json_member_string(&j, "verdict", NAME(verdict_names, s->verdict.kind));
	text_or_null(&j, "what", s->verdict.what);
	text_or_null(&j, "why", s->verdict.why);
	text_or_null(&j, "version", s->version);
	json_member_uint(&j, "release", s->release);
	text_or_null(&j, "variant", s->variant);
	json_member_bool(&j, "insecure_development_keys", s->dev_keys);
	json_member_uint(&j, "uptime_ms", s->uptime_ms);
	json_member_uint(&j, "kernel_to_ready_ms", s->ready_ms);
	json_member_uint(&j, "watchdog_s", s->watchdog_s);
	write_boot(&j, s);
	write_measured(&j, &s->measured);
	json_member_uint(&j, "services_up", up);
	json_member_uint(&j, "services_all", all);
	write_services(&j, s);
	write_surroundings(&j, s);
	write_update(&j, &s->update);
	json_close_object(&j);
	rc = json_end(&j, &len);
	if (rc)
		return rc;
	ret_text[len] = '\n';
	ret_text[len + 1] = '\0';
	return (int)len + 1;
}
