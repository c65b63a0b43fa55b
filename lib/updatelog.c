// SPDX-License-Identifier: Apache-2.0
#include "updatelog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"

static const char *const source_names[UPDATELOG_SOURCES] = { "channel", "given", "stick" };
static const char *const kind_names[UPDATELOG_KINDS] = { "full", "delta" };
static const char *const outcome_names[UPDATELOG_OUTCOMES] = {
	"running", "written", "trial", "good", "failed", "refused", "fell-back", "rolled-back",
};

const char *updatelog_source_name(enum updatelog_source v)
{
	return (unsigned int)v < UPDATELOG_SOURCES ? source_names[v] : "?";
}

const char *updatelog_kind_name(enum updatelog_kind v)
{
	return (unsigned int)v < UPDATELOG_KINDS ? kind_names[v] : "?";
}

const char *updatelog_outcome_name(enum updatelog_outcome v)
{
	return (unsigned int)v < UPDATELOG_OUTCOMES ? outcome_names[v] : "?";
}

/* Reading. Each take_* reads `key=value` with its blank before it, in this order only. */

struct reader {
	const char *p; /* the rest of the line */
	bool bad;
};

static bool take_key(struct reader *r, const char *key)
{
	size_t len = strlen(key);

	if (r->bad || r->p[0] != ' ' || strncmp(r->p + 1, key, len) != 0 || r->p[1 + len] != '=') {
		r->bad = true;
		return false;
	}
	r->p += len + 2;
	return true;
}

static uint64_t take_number(struct reader *r, const char *key, uint64_t max)
{
	uint64_t v = 0;
	const char *from;

	if (!take_key(r, key))
		return 0;
	for (from = r->p; *r->p >= '0' && *r->p <= '9'; r->p++) {
		unsigned int digit = (unsigned int)(*r->p - '0');

		if (v > (UINT64_MAX - digit) / 10) {
			r->bad = true;
			return 0;
		}
		v = v * 10 + digit;
	}
	if (r->p == from || v > max)
		r->bad = true;
	return v;
}

static void take_word(struct reader *r, const char *key, char *ret, size_t size)
{
	size_t len;

	if (!take_key(r, key))
		return;
	len = strcspn(r->p, " ");
	if (len >= size) {
		r->bad = true;
		return;
	}
	memcpy(ret, r->p, len);
	ret[len] = '\0';
	r->p += len;
}

static unsigned int take_name(struct reader *r, const char *key, const char *const *names,
			      unsigned int count)
{
	char word[24] = "";
	unsigned int i;

	take_word(r, key, word, sizeof(word));
	for (i = 0; i < count; i++)
		if (strcmp(word, names[i]) == 0)
			return i;
	r->bad = true;
	return 0;
}

/* take_digest - true where there is one, false for `-`. */
static bool take_digest(struct reader *r, const char *key, uint8_t ret[static SHA256_SIZE])
{
	char word[2 * SHA256_SIZE + 1] = "";

	take_word(r, key, word, sizeof(word));
	if (strcmp(word, "-") == 0)
		return false;
	if (hex_decode(word, ret, SHA256_SIZE)) {
		r->bad = true;
		memset(ret, 0, SHA256_SIZE);
	}
	return true;
}

static void take_rest(struct reader *r, const char *key, char *ret, size_t size)
{
	const char *p;

	if (!take_key(r, key))
		return;
	for (p = r->p; *p; p++)
		if ((unsigned char)*p < ' ')
			r->bad = true;
	if ((size_t)(p - r->p) >= size)
		r->bad = true;
	else
		memcpy(ret, r->p, (size_t)(p - r->p) + 1);
	r->p = p;
}

static void take_attempt(struct reader *r, struct updatelog_attempt *a)
{
	a->time_s = (int64_t)take_number(r, "time", INT64_MAX);
	a->from = take_number(r, "from", UINT64_MAX);
	a->release = take_number(r, "release", UINT64_MAX);
	take_word(r, "version", a->version, sizeof(a->version));
	a->source = (enum updatelog_source)take_name(r, "source", source_names, UPDATELOG_SOURCES);
	a->kind = (enum updatelog_kind)take_name(r, "kind", kind_names, UPDATELOG_KINDS);
	a->outcome =
		(enum updatelog_outcome)take_name(r, "outcome", outcome_names, UPDATELOG_OUTCOMES);
	a->seconds = (uint32_t)take_number(r, "seconds", UINT32_MAX);
	a->fetched_bytes = take_number(r, "fetched", UINT64_MAX);
	(void)take_digest(r, "manifest", a->manifest);
	a->has_root = take_digest(r, "root", a->root);
	take_rest(r, "why", a->why, sizeof(a->why));
}

static void take_refused(struct reader *r, struct updatelog_refused *f)
{
	f->time_s = (int64_t)take_number(r, "time", INT64_MAX);
	f->release = take_number(r, "release", UINT64_MAX);
	f->has_manifest = take_digest(r, "manifest", f->manifest);
	f->has_root = take_digest(r, "root", f->root);
	take_rest(r, "why", f->why, sizeof(f->why));
}

#define LINE_SIZE 1024

static int take_line(const char *line, struct updatelog *log)
{
	struct reader r = { .p = line };

	if (strncmp(line, "attempt ", 8) == 0 && log->attempts < UPDATELOG_ATTEMPTS) {
		r.p += 7;
		take_attempt(&r, &log->attempt[log->attempts++]);
	} else if (strncmp(line, "refused ", 8) == 0 && log->refuseds < UPDATELOG_REFUSED) {
		r.p += 7;
		take_refused(&r, &log->refused[log->refuseds++]);
	} else {
		r.bad = true;
	}
	return r.bad ? -EBADMSG : 0;
}

int updatelog_parse(const uint8_t *buf, size_t len, struct updatelog *ret, struct err *err)
{
	unsigned int nr = 0;
	size_t at = 0;

	memset(ret, 0, sizeof(*ret));
	if (len > UPDATELOG_SIZE_MAX)
		return err_set(err, -EBADMSG, "the log is longer than %u bytes",
			       UPDATELOG_SIZE_MAX);
	while (at < len) {
		const uint8_t *end = memchr(buf + at, '\n', len - at);
		size_t n = end ? (size_t)(end - (buf + at)) : 0;
		char line[LINE_SIZE];

		nr++;
		if (!end || n >= sizeof(line) || memchr(buf + at, '\0', n))
			goto bad;
		memcpy(line, buf + at, n);
		line[n] = '\0';
		if (take_line(line, ret))
			goto bad;
		at += n + 1;
	}
	return 0;
bad:
	memset(ret, 0, sizeof(*ret));
	return err_set(err, -EBADMSG, "line %u of the log cannot be read", nr);
}

/* Writing. */

static const char *hex_or_dash(bool there, const uint8_t *digest,
			       char ret[static 2 * SHA256_SIZE + 1])
{
	if (!there)
		return "-";
	hex_encode(digest, SHA256_SIZE, ret);
	return ret;
}

/* clean - a text as a line may have it; words keep no blanks. */
static const char *clean(const char *text, char blank, char *ret, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		ret[i] = (unsigned char)text[i] <= (blank == ' ' ? 0x1f : 0x20) ? blank : text[i];
	ret[i] = '\0';
	return ret;
}

size_t updatelog_format(const struct updatelog *log, char ret_buf[static UPDATELOG_SIZE_MAX])
{
	char manifest[2 * SHA256_SIZE + 1], root[2 * SHA256_SIZE + 1];
	char why[UPDATELOG_WHY_SIZE], version[UPDATELOG_VERSION_SIZE];
	size_t used = 0, i;

	/* Every line is shorter than its share of the buffer. */
	_Static_assert((UPDATELOG_ATTEMPTS + UPDATELOG_REFUSED) * 768 <= UPDATELOG_SIZE_MAX,
		       "the log fits");
	for (i = 0; i < log->attempts && i < UPDATELOG_ATTEMPTS; i++) {
		const struct updatelog_attempt *a = &log->attempt[i];

		used += (size_t)snprintf(
			ret_buf + used, UPDATELOG_SIZE_MAX - used,
			"attempt time=%llu from=%llu release=%llu version=%s source=%s kind=%s "
			"outcome=%s seconds=%u fetched=%llu manifest=%s root=%s why=%s\n",
			(unsigned long long)(a->time_s < 0 ? 0 : a->time_s),
			(unsigned long long)a->from, (unsigned long long)a->release,
			clean(a->version, '_', version, sizeof(version)),
			updatelog_source_name(a->source), updatelog_kind_name(a->kind),
			updatelog_outcome_name(a->outcome), a->seconds,
			(unsigned long long)a->fetched_bytes,
			hex_or_dash(true, a->manifest, manifest),
			hex_or_dash(a->has_root, a->root, root),
			clean(a->why, ' ', why, sizeof(why)));
	}
	for (i = 0; i < log->refuseds && i < UPDATELOG_REFUSED; i++) {
		const struct updatelog_refused *f = &log->refused[i];

		used += (size_t)snprintf(
			ret_buf + used, UPDATELOG_SIZE_MAX - used,
			"refused time=%llu release=%llu manifest=%s root=%s why=%s\n",
			(unsigned long long)(f->time_s < 0 ? 0 : f->time_s),
			(unsigned long long)f->release,
			hex_or_dash(f->has_manifest, f->manifest, manifest),
			hex_or_dash(f->has_root, f->root, root),
			clean(f->why, ' ', why, sizeof(why)));
	}
	return used;
}

/* Changing. */

struct updatelog_attempt *updatelog_begin(struct updatelog *log)
{
	if (log->attempts == UPDATELOG_ATTEMPTS) {
		memmove(log->attempt, log->attempt + 1,
			sizeof(log->attempt[0]) * (UPDATELOG_ATTEMPTS - 1));
		log->attempts--;
	}
	memset(&log->attempt[log->attempts], 0, sizeof(log->attempt[0]));
	return &log->attempt[log->attempts++];
}

struct updatelog_attempt *updatelog_last(struct updatelog *log, uint64_t release)
{
	size_t i;

	for (i = log->attempts; i-- > 0;)
		if (release == 0 || log->attempt[i].release == release)
			return &log->attempt[i];
	return NULL;
}

static void drop_refused(struct updatelog *log, size_t i)
{
	log->refuseds--;
	memmove(&log->refused[i], &log->refused[i + 1],
		sizeof(log->refused[0]) * (log->refuseds - i));
}

static bool same(const struct updatelog_refused *a, const struct updatelog_refused *b)
{
	if (a->release || b->release)
		return a->release == b->release;
	return a->has_manifest && b->has_manifest &&
	       memcmp(a->manifest, b->manifest, SHA256_SIZE) == 0;
}

void updatelog_refuse(struct updatelog *log, const struct updatelog_refused *what)
{
	size_t i;

	for (i = log->refuseds; i-- > 0;)
		if (same(&log->refused[i], what))
			drop_refused(log, i);
	if (log->refuseds == UPDATELOG_REFUSED)
		drop_refused(log, 0);
	log->refused[log->refuseds++] = *what;
}

const struct updatelog_refused *updatelog_find(const struct updatelog *log, uint64_t release,
					       const uint8_t *manifest, const uint8_t *root)
{
	size_t i;

	for (i = log->refuseds; i-- > 0;) {
		const struct updatelog_refused *f = &log->refused[i];

		if ((f->release && f->release == release) ||
		    (manifest && f->has_manifest &&
		     memcmp(f->manifest, manifest, SHA256_SIZE) == 0) ||
		    (root && f->has_root && memcmp(f->root, root, SHA256_SIZE) == 0))
			return f;
	}
	return NULL;
}

size_t updatelog_forget(struct updatelog *log, uint64_t release)
{
	size_t i, n = 0;

	for (i = log->refuseds; i-- > 0;)
		if (release == 0 || log->refused[i].release == release) {
			drop_refused(log, i);
			n++;
		}
	return n;
}
