// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctext.h"
#include "hex.h"

static const char *const slots[] = { "a", "b", "-", NULL };
static const char *const secureboots[] = { "on", "off", "unsupported", NULL };
static const char *const verities[] = { "ok", "corrupt", "none", NULL };
static const char *const verdicts[] = { "starting", "ready", "failed", NULL };

static int one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return 1;
	return 0;
}

static int valid(const struct report *r)
{
	return one_of(r->slot, slots) && one_of(r->primary, slots) &&
	       one_of(r->secureboot, secureboots) && one_of(r->verity, verities) &&
	       one_of(r->verdict, verdicts) && r->good[0] <= 1 && r->good[1] <= 1 &&
	       r->tries[0] <= 3 && r->tries[1] <= 3 && r->marked <= 1;
}

/* put_text - a line of printable ASCII; what is not becomes `?`. */
static void put_text(struct doctext_out *out, const char *key, const char *text)
{
	doctext_put(out, "%s=", key);
	for (; *text; text++)
		doctext_put(out, "%c", *text >= ' ' && *text <= '~' ? *text : '?');
	doctext_put(out, "\n");
}

static void write_all(const struct report *r, struct doctext_out *out)
{
	doctext_put(out, "cairn-report 1\nversion=");
	doctext_put_word(out, r->version, sizeof(r->version));
	doctext_put(out, "\nrelease=%" PRIu64 "\nroot=", r->release);
	doctext_put_hex(out, r->root, sizeof(r->root));
	doctext_put(out, "\nslot=%s\nprimary=%s\na=%u %u\nb=%u %u\n", r->slot, r->primary,
		    r->good[0], r->tries[0], r->good[1], r->tries[1]);
	doctext_put(out, "secureboot=%s\nverity=%s\nverdict=%s\n", r->secureboot, r->verity,
		    r->verdict);
	put_text(out, "what", r->what);
	put_text(out, "why", r->why);
	doctext_put(out, "marked=%u\nuptime_ms=%" PRIu64 "\nend\n", r->marked, r->uptime_ms);
}

int report_format(const struct report *r, char ret_text[static REPORT_TEXT_MAX], size_t *ret_len)
{
	struct doctext_out out;

	if (!valid(r))
		return -EINVAL;
	doctext_out(&out, ret_text, REPORT_TEXT_MAX);
	write_all(r, &out);
	if (out.failed)
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

static void read_text(struct doctext_in *in, const char *key, char *ret, size_t size)
{
	size_t n = 0;

	doctext_lit(in, key);
	while (!in->failed && in->at < in->end && *in->at != '\n') {
		if (n + 1 == size || *in->at < ' ' || *in->at > '~') {
			doctext_fail(in);
			return;
		}
		ret[n++] = (char)*in->at++;
	}
	ret[n] = '\0';
	doctext_lit(in, "\n");
}

static void read_slot(struct doctext_in *in, const char *key, struct report *r, int slot)
{
	doctext_lit(in, key);
	r->good[slot] = (uint8_t)doctext_u64(in, 0, 1);
	doctext_lit(in, " ");
	r->tries[slot] = (uint8_t)doctext_u64(in, 0, 3);
	doctext_lit(in, "\n");
}

static void read_all(struct doctext_in *in, struct report *r)
{
	doctext_lit(in, "cairn-report 1\n");
	doctext_lit(in, "version=");
	doctext_word(in, r->version, sizeof(r->version));
	doctext_lit(in, "\nrelease=");
	r->release = doctext_u64(in, 0, UINT64_MAX);
	doctext_lit(in, "\nroot=");
	doctext_hex(in, r->root, sizeof(r->root));
	doctext_lit(in, "\n");
	read_text(in, "slot=", r->slot, sizeof(r->slot));
	read_text(in, "primary=", r->primary, sizeof(r->primary));
	read_slot(in, "a=", r, 0);
	read_slot(in, "b=", r, 1);
	read_text(in, "secureboot=", r->secureboot, sizeof(r->secureboot));
	read_text(in, "verity=", r->verity, sizeof(r->verity));
	read_text(in, "verdict=", r->verdict, sizeof(r->verdict));
	read_text(in, "what=", r->what, sizeof(r->what));
	read_text(in, "why=", r->why, sizeof(r->why));
	doctext_lit(in, "marked=");
	r->marked = (uint8_t)doctext_u64(in, 0, 1);
	doctext_lit(in, "\nuptime_ms=");
	r->uptime_ms = doctext_u64(in, 0, UINT64_MAX);
	doctext_lit(in, "\nend\n");
}

int report_parse(const uint8_t *buf, size_t len, struct report *ret, struct err *err)
{
	struct doctext_in in;
	struct report r;

	memset(&r, 0, sizeof(r));
	doctext_in(&in, buf, len);
	read_all(&in, &r);
	if (doctext_done(&in) && valid(&r)) {
		*ret = r;
		return 0;
	}
	return err_set(err, -EBADMSG, "report: not of its form at byte %zu",
		       (size_t)(in.at - in.start));
}

static void copy(char *ret, size_t size, const char *text, const char *unknown)
{
	(void)snprintf(ret, size, "%.*s", (int)size - 1, text[0] ? text : unknown);
}

void report_from_status(const struct status *s, struct report *ret)
{
	static const char *const secureboot[] = { "unsupported", "off", "on" };
	static const char *const verity[] = { "none", "ok", "corrupt" };
	static const char *const verdict[] = { "starting", "ready", "failed" };
	struct report r;
	int slot;

	memset(&r, 0, sizeof(r));
	copy(r.version, sizeof(r.version), s->version, "-");
	r.release = s->release;
	if (hex_decode(s->root_hash, r.root, sizeof(r.root)))
		memset(r.root, 0, sizeof(r.root));
	copy(r.slot, sizeof(r.slot), s->slot, "-");
	copy(r.primary, sizeof(r.primary), s->update.primary, "-");
	for (slot = 0; slot < 2; slot++) {
		r.good[slot] = s->update.good[slot] != 0;
		r.tries[slot] = (uint8_t)(s->update.tries[slot] & 3);
	}
	if (s->secureboot < 3)
		copy(r.secureboot, sizeof(r.secureboot), secureboot[s->secureboot], "");
	if (s->verity < 3)
		copy(r.verity, sizeof(r.verity), verity[s->verity], "");
	if (s->verdict.kind < 3)
		copy(r.verdict, sizeof(r.verdict), verdict[s->verdict.kind], "");
	copy(r.what, sizeof(r.what), s->verdict.what, "");
	copy(r.why, sizeof(r.why), s->verdict.why, "");
	r.marked = s->update.marked;
	r.uptime_ms = s->uptime_ms;
	*ret = r;
}
