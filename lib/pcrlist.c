// SPDX-License-Identifier: Apache-2.0
#include "pcrlist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "pcr4.h"

#define FIRMWARE_PCRS 0xffu /* 0 to 7 */

void pcrlist_init(struct pcrlist *list, uint32_t pcrs)
{
	list->pcrs = pcrs;
	list->n = 0;
}

int pcrlist_add(struct pcrlist *list, uint32_t pcr, const uint8_t (*digests)[SHA256_SIZE],
		uint32_t n, const char *what)
{
	struct pcrlist_event *e;

	if (pcr >= EVENTLOG_PCRS || !(list->pcrs & 1u << pcr) || n == 0 ||
	    n > PCRLIST_ALTERNATIVES_MAX)
		return -EINVAL;
	if (list->n == PCRLIST_EVENTS_MAX)
		return -ENOSPC;
	e = &list->event[list->n++];
	memset(e, 0, sizeof(*e));
	e->pcr = (uint8_t)pcr;
	e->alternatives = (uint8_t)n;
	memcpy(e->digest, digests, (size_t)n * SHA256_SIZE);
	(void)snprintf(e->what, sizeof(e->what), "%s", what);
	return 0;
}

int pcrlist_add_firmware(struct pcrlist *list, const uint8_t *log, size_t len, struct err *err)
{
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	struct pcr4_split split = { 0 };
	uint32_t in_pcr4 = 0;
	int rc;

	if (list->pcrs & 1u << 4) {
		rc = pcr4_split(log, len, &split, err);
		if (rc)
			return rc;
	}
	rc = eventlog_init(&walk, log, len, err);
	if (rc)
		return rc;
	while ((rc = eventlog_next(&walk, &e, err)) > 0) {
		uint8_t digest[1][SHA256_SIZE];
		char what[PCRLIST_WHAT_MAX];

		if (e.type == EVENTLOG_EV_NO_ACTION || !(list->pcrs & FIRMWARE_PCRS & 1u << e.pcr))
			continue;
		if (e.pcr == 4 && in_pcr4++ >= split.firmware_events)
			continue;
		memcpy(digest[0], e.digest, SHA256_SIZE);
		pcrlist_describe(&e, what, sizeof(what));
		rc = pcrlist_add(list, e.pcr, digest, 1, what);
		if (rc)
			return err_set(err, rc, "event log: more than %u events",
				       PCRLIST_EVENTS_MAX);
	}
	return rc;
}

static bool permits(const struct pcrlist_event *expected, const uint8_t *digest)
{
	uint32_t i;

	for (i = 0; i < expected->alternatives; i++)
		if (memcmp(expected->digest[i], digest, SHA256_SIZE) == 0)
			return true;
	return false;
}

/* next - the event of a PCR from index `at` on; NULL when there is none. */
static const struct pcrlist_event *next(const struct pcrlist *list, uint32_t at, uint32_t pcr)
{
	for (; at < list->n; at++)
		if (list->event[at].pcr == pcr)
			return &list->event[at];
	return NULL;
}

int pcrlist_check(const struct pcrlist *list, const uint8_t *log, size_t len,
		  struct pcrlist_result *ret, struct err *err)
{
	struct {
		uint32_t at; /* index in the list after the last event that matched */
		uint32_t matched;
	} cursor[EVENTLOG_PCRS] = { 0 };
	struct pcrlist_result result = { .verdict = PCRLIST_MATCH };
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	uint32_t i;
	int rc;

	rc = eventlog_init(&walk, log, len, err);
	if (rc)
		return rc;
	while ((rc = eventlog_next(&walk, &e, err)) > 0) {
		const struct pcrlist_event *expected;

		if (result.verdict != PCRLIST_MATCH || e.type == EVENTLOG_EV_NO_ACTION ||
		    !(list->pcrs & 1u << e.pcr))
			continue;
		expected = next(list, cursor[e.pcr].at, e.pcr);
		cursor[e.pcr].matched++;
		if (expected && permits(expected, e.digest)) {
			cursor[e.pcr].at = (uint32_t)(expected - list->event) + 1;
			continue;
		}
		result.verdict = expected ? PCRLIST_OTHER : PCRLIST_MORE;
		result.pcr = e.pcr;
		result.position = cursor[e.pcr].matched;
		result.expected = expected;
		result.got = e;
	}
	if (rc < 0)
		return rc;
	for (i = 0; i < list->n && result.verdict == PCRLIST_MATCH; i++) {
		const struct pcrlist_event *expected = &list->event[i];

		if (i < cursor[expected->pcr].at)
			continue;
		result.verdict = PCRLIST_MISSING;
		result.pcr = expected->pcr;
		result.position = cursor[expected->pcr].matched + 1;
		result.expected = expected;
	}
	*ret = result;
	return 0;
}

void pcrlist_explain(const struct pcrlist_result *r, struct err *err)
{
	char want[2 * SHA256_SIZE + 1] = "", got[2 * SHA256_SIZE + 1] = "", text[80] = "";
	const char *what = "", *others = "";

	if (r->expected)
		hex_encode(r->expected->digest[0], SHA256_SIZE, want);
	if (r->got.digest) {
		hex_encode(r->got.digest, SHA256_SIZE, got);
		pcrlist_describe(&r->got, text, sizeof(text));
	}
	want[16] = got[16] = '\0';
	if (r->expected) {
		what = r->expected->what;
		others = r->expected->alternatives > 1 ? " or another that is allowed" : "";
	}
	switch (r->verdict) {
	case PCRLIST_MATCH:
		(void)err_set(err, 0, "%s", "");
		break;
	case PCRLIST_OTHER:
		(void)err_set(err, 0,
			      "PCR %u, event %u (%u of the log): expected %s (%s...%s), "
			      "got %s (%s...)",
			      r->pcr, r->position, r->got.index, what, want, others, text, got);
		break;
	case PCRLIST_MORE:
		(void)err_set(err, 0,
			      "PCR %u, event %u (%u of the log): expected nothing more, "
			      "got %s (%s...)",
			      r->pcr, r->position, r->got.index, text, got);
		break;
	case PCRLIST_MISSING:
		(void)err_set(err, 0,
			      "PCR %u, event %u: expected %s (%s...), got the end of the log",
			      r->pcr, r->position, what, want);
		break;
	}
}
