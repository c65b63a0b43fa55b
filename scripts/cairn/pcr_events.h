// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCR_EVENTS_H
#define CAIRN_PCR_EVENTS_H

#include <stdint.h>

#include "json.h"
#include "pcr_target.h"
#include "pcrlist.h"

/* Predicted events, with their whole words: a list of pcrlist.h has room for 63 characters. */
struct pcr_events {
	struct pcrlist list;
	char *what[PCRLIST_EVENTS_MAX]; /* of list.event[i]; owned */
};

/* pcr_events_new - none yet, of these PCRs; NULL without memory. pcr_events_free takes NULL. */
struct pcr_events *pcr_events_new(uint32_t pcrs);
void pcr_events_free(struct pcr_events *e);
/* pcr_events_clear - none again. */
void pcr_events_clear(struct pcr_events *e);

/* pcr_events_add - a pcrmodel_event_fn; events of other PCRs are left out. */
int pcr_events_add(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE],
		   const char *what);

/* pcr_events_value - what they make of a PCR. */
void pcr_events_value(const struct pcr_events *e, uint32_t pcr, uint8_t ret[static SHA256_SIZE]);

/* pcr_events_print - of one PCR: its value after `head`, and with_events each event under it. */
void pcr_events_print(const struct pcr_events *e, uint32_t pcr, const char *head, bool with_events);
/* pcr_events_json - members "pcrs" and "events" of an open object. */
void pcr_events_json(const struct pcr_events *e, struct json *j, bool with_events);

/* --- the command --- */

/* pcr_predict, pcr_explain - `cairn pcr predict|explain`; argv[0] is the word. */
int pcr_predict(int argc, char **argv, struct err *err);
int pcr_explain(int argc, char **argv, struct err *err);

/* Options that both have; what is left over is theirs. Returns 0, or -ENOENT: not one of these. */
#define PCR_OPTIONS                                                                                \
	{ "secureboot", required_argument, NULL, 'S' }, { "pk", required_argument, NULL, 'P' },    \
		{ "kek", required_argument, NULL, 'K' }, { "db", required_argument, NULL, 'D' },   \
		{ "dbx", required_argument, NULL, 'X' },                                           \
		{ "enrolled", required_argument, NULL, 'E' },                                      \
		{ "owner", required_argument, NULL, 'O' },                                         \
	{                                                                                          \
		"loader", required_argument, NULL, 'L'                                             \
	}
struct pcr_options {
	struct pcr_keys keys;
	const char *loader;
};
int pcr_option(struct pcr_options *o, int c, const char *value, struct err *err);

#endif
