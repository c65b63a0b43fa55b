// SPDX-License-Identifier: Apache-2.0
#include "attestlist.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "doctext.h"
#include "eventlog.h"

static const char head[] = "cairn-events 1\npcrs=";

/* read_mask - numbers ascending, at least one. */
static uint32_t read_mask(struct doctext_in *in)
{
	uint64_t next = 0;
	uint32_t mask = 0;

	do {
		if (mask)
			doctext_lit(in, " ");
		next = doctext_u64(in, next, EVENTLOG_PCRS - 1);
		if (in->failed)
			return 0;
		mask |= 1u << next;
		next++;
	} while (doctext_next(in, " "));
	doctext_lit(in, "\n");
	return mask;
}

static void read_what(struct doctext_in *in, char ret[static PCRLIST_WHAT_MAX])
{
	size_t n = 0;

	while (!in->failed && in->at < in->end && *in->at != '\n') {
		if (n + 1 == PCRLIST_WHAT_MAX || *in->at < ' ' || *in->at > '~') {
			doctext_fail(in);
			return;
		}
		ret[n++] = (char)*in->at++;
	}
	ret[n] = '\0';
	doctext_lit(in, "\n");
}

static int read_event(struct doctext_in *in, struct pcrlist *list)
{
	uint8_t digest[PCRLIST_ALTERNATIVES_MAX][SHA256_SIZE];
	char what[PCRLIST_WHAT_MAX];
	uint32_t pcr, n = 0;

	pcr = (uint32_t)doctext_u64(in, 0, EVENTLOG_PCRS - 1);
	do {
		if (n == PCRLIST_ALTERNATIVES_MAX) {
			doctext_fail(in);
			break;
		}
		doctext_lit(in, n ? "|" : " ");
		doctext_hex(in, digest[n++], SHA256_SIZE);
	} while (doctext_next(in, "|"));
	doctext_lit(in, " ");
	read_what(in, what);
	return in->failed ? -EBADMSG
			  : pcrlist_add(list, pcr, (const uint8_t(*)[SHA256_SIZE])digest, n, what);
}

int attestlist_parse(const uint8_t *buf, size_t len, struct pcrlist *ret, struct err *err)
{
	struct doctext_in in;
	unsigned int line = 2;
	int rc = 0;

	if (len > ATTESTLIST_MAX)
		return err_set(err, -EBADMSG, "list of events: %zu bytes", len);
	doctext_in(&in, buf, len);
	doctext_lit(&in, head);
	pcrlist_init(ret, read_mask(&in));
	while (!rc && !in.failed && !doctext_next(&in, "end\n")) {
		line++;
		rc = read_event(&in, ret);
	}
	doctext_lit(&in, "end\n");
	if (rc == -ENOSPC)
		return err_set(err, rc, "list of events: more than %d", PCRLIST_EVENTS_MAX);
	if (rc || !doctext_done(&in))
		return err_set(err, -EBADMSG, "list of events: not of its form at line %u", line);
	return 0;
}

int attestlist_format(const struct pcrlist *list, char *ret_text, size_t *ret_len)
{
	const char *between = "";
	struct doctext_out out;
	uint32_t i, n;

	doctext_out(&out, ret_text, ATTESTLIST_MAX);
	doctext_put(&out, "%s", head);
	for (n = 0; n < EVENTLOG_PCRS; n++) {
		if (!(list->pcrs & 1u << n))
			continue;
		doctext_put(&out, "%s%u", between, n);
		between = " ";
	}
	doctext_put(&out, "\n");
	for (i = 0; i < list->n; i++) {
		const struct pcrlist_event *e = &list->event[i];

		doctext_put(&out, "%u ", e->pcr);
		for (n = 0; n < e->alternatives; n++) {
			doctext_put(&out, "%s", n ? "|" : "");
			doctext_put_hex(&out, e->digest[n], SHA256_SIZE);
		}
		doctext_put(&out, " %s\n", e->what);
	}
	doctext_put(&out, "end\n");
	if (out.failed || list->pcrs == 0)
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

int attestlist_from_log(const uint8_t *log, size_t len, uint32_t pcrs, struct pcrlist *ret,
			struct err *err)
{
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	int rc = eventlog_init(&walk, log, len, err);

	pcrlist_init(ret, pcrs);
	if (rc)
		return rc;
	while ((rc = eventlog_next(&walk, &e, err)) > 0) {
		uint8_t digest[1][SHA256_SIZE];
		char what[PCRLIST_WHAT_MAX];

		if (e.type == EVENTLOG_EV_NO_ACTION || !(pcrs & 1u << e.pcr))
			continue;
		memcpy(digest[0], e.digest, SHA256_SIZE);
		pcrlist_describe(&e, what, sizeof(what));
		rc = pcrlist_add(ret, e.pcr, (const uint8_t(*)[SHA256_SIZE])digest, 1, what);
		if (rc)
			return err_set(err, rc, "event log: more than %d events",
				       PCRLIST_EVENTS_MAX);
	}
	return rc;
}
