// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCRLIST_H
#define CAIRN_PCRLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "eventlog.h"

/*
 * The exact list of events that a start may have, and the comparison of an event log with it.
 *
 * Every event of the judged PCRs must stand in the list at its position in its PCR with its
 * digest; one more and one less are failures. The order between two PCRs is not compared: no TPM
 * can vouch for it. Event types and event data are not compared: no digest covers them
 * (TCG PC Client Platform Firmware Profile 1.05 r23, section 10). Events of type EV_NO_ACTION are
 * in no PCR and are stepped over; an event made to look like one is missing from its PCR.
 *
 * That the log is the TPM's is for the caller to check (eventlog_replay against the quote).
 */

#define PCRLIST_EVENTS_MAX 768
#define PCRLIST_ALTERNATIVES_MAX 4
#define PCRLIST_WHAT_MAX 64 /* bytes with NUL; longer is cut */

struct pcrlist_event {
	uint8_t pcr;
	uint8_t alternatives; /* 1 to PCRLIST_ALTERNATIVES_MAX: any of the digests will do */
	uint8_t digest[PCRLIST_ALTERNATIVES_MAX][SHA256_SIZE];
	char what[PCRLIST_WHAT_MAX]; /* for a person; plain ASCII */
};

/* Some 150 KiB: allocate it. Made once, it judges any number of logs; checks do not change it. */
struct pcrlist {
	uint32_t pcrs; /* bit n: PCR n is judged */
	uint32_t n;
	struct pcrlist_event event[PCRLIST_EVENTS_MAX]; /* in order within each PCR */
};

/* pcrlist_init - an empty list that judges the PCRs of the mask: for a start, nothing is right. */
void pcrlist_init(struct pcrlist *list, uint32_t pcrs);

/*
 * pcrlist_add - the next event of a PCR: one of n digests. Errors: -EINVAL n, or a PCR that the
 * list does not judge; -ENOSPC.
 */
int pcrlist_add(struct pcrlist *list, uint32_t pcr, const uint8_t (*digests)[SHA256_SIZE],
		uint32_t n, const char *what);

/*
 * pcrlist_add_firmware - the firmware part of a reference start: of the judged PCRs 0 to 7 every
 * event of log, but of PCR 4 not the loader and the kernel (pcr4.h). Call it first. PCR 8, 9 and
 * later are the release's. Errors: of eventlog_next and pcr4_on_machine; -ENOSPC.
 */
int pcrlist_add_firmware(struct pcrlist *list, const uint8_t *log, size_t len, struct err *err);

enum pcrlist_verdict {
	PCRLIST_MATCH,
	PCRLIST_OTHER,	 /* an event where the list has another one */
	PCRLIST_MORE,	 /* an event after the last one of its PCR */
	PCRLIST_MISSING, /* the log ends before an event of the list */
};

/* What the comparison found; the pointers point into the list and into the log. */
struct pcrlist_result {
	enum pcrlist_verdict verdict;
	uint32_t pcr;			      /* where it differs, and: */
	uint32_t position;		      /* in its PCR, from 1 */
	const struct pcrlist_event *expected; /* NULL with PCRLIST_MORE */
	struct eventlog_event got;	      /* digest is NULL with PCRLIST_MISSING */
};

/*
 * pcrlist_check - compare. Returns 0 with *ret filled in, PCRLIST_MATCH or the first difference in
 * the order of the log. Errors: a log that cannot be read, those of eventlog_next; *ret is then
 * unspecified and nothing matched.
 */
int pcrlist_check(const struct pcrlist *list, const uint8_t *log, size_t len,
		  struct pcrlist_result *ret, struct err *err);

/*
 * pcrlist_explain - the difference in one sentence in err, expected and got: what pcrlist_check
 * found, with PCRLIST_MATCH an empty one.
 */
void pcrlist_explain(const struct pcrlist_result *result, struct err *err);

/*
 * pcrlist_describe - an event of a log in words: the name of its type and the text in its data.
 * Both are claims of the log. ret_text holds size bytes with the NUL; printable ASCII only.
 */
void pcrlist_describe(const struct eventlog_event *e, char *ret_text, size_t size);

#endif
