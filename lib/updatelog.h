// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATELOG_H
#define CAIRN_UPDATELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * What the update service remembers on DATA, as the body of a file of datafile.h (name `log`,
 * format 1): the last attempts, and what is refused because it failed here.
 *
 *     attempt time=<Unix s> from=<release> release=<n> version=<word> source=<word> kind=<word>
 *         outcome=<word> seconds=<n> fetched=<bytes> manifest=<hex> root=<hex|-> why=<rest>
 *     refused time=<Unix s> release=<n> manifest=<hex|-> root=<hex|-> why=<rest of the line>
 *
 * One line each, the oldest first. Texts hold no control characters.
 */

#define UPDATELOG_FORMAT 1
#define UPDATELOG_ATTEMPTS 16
#define UPDATELOG_REFUSED 16
#define UPDATELOG_SIZE_MAX 24576 /* bytes of the body */
#define UPDATELOG_WHY_SIZE 192
#define UPDATELOG_VERSION_SIZE 64

enum updatelog_source { UPDATELOG_CHANNEL, UPDATELOG_GIVEN, UPDATELOG_STICK, UPDATELOG_SOURCES };
enum updatelog_kind { UPDATELOG_FULL, UPDATELOG_DELTA, UPDATELOG_KINDS };
enum updatelog_outcome {
	UPDATELOG_RUNNING,     /* being written; after a restart: was cut off */
	UPDATELOG_WRITTEN,     /* read back; not tried yet */
	UPDATELOG_TRIAL,       /* activated */
	UPDATELOG_GOOD,	       /* kept */
	UPDATELOG_FAILED,      /* could not be written; may be tried again */
	UPDATELOG_REFUSED_IT,  /* refused, and remembered */
	UPDATELOG_FELL_BACK,   /* did not become healthy: the other slot runs again */
	UPDATELOG_ROLLED_BACK, /* left again by order */
	UPDATELOG_OUTCOMES
};

struct updatelog_attempt {
	int64_t time_s; /* when it began, by the clock of then */
	uint64_t from;	/* release that ran */
	uint64_t release;
	char version[UPDATELOG_VERSION_SIZE];
	enum updatelog_source source;
	enum updatelog_kind kind;
	enum updatelog_outcome outcome;
	uint32_t seconds; /* it took to write */
	uint64_t fetched_bytes;
	uint8_t manifest[SHA256_SIZE];
	bool has_root;
	uint8_t root[SHA256_SIZE];
	char why[UPDATELOG_WHY_SIZE]; /* of an outcome that is not good; "" */
};

/* A release that failed, or a bundle that can never be taken. */
struct updatelog_refused {
	int64_t time_s;
	uint64_t release; /* 0: only this manifest */
	bool has_manifest, has_root;
	uint8_t manifest[SHA256_SIZE];
	uint8_t root[SHA256_SIZE];
	char why[UPDATELOG_WHY_SIZE];
};

struct updatelog {
	size_t attempts, refuseds;
	struct updatelog_attempt attempt[UPDATELOG_ATTEMPTS]; /* oldest first */
	struct updatelog_refused refused[UPDATELOG_REFUSED];
};

const char *updatelog_source_name(enum updatelog_source v);
const char *updatelog_kind_name(enum updatelog_kind v);
const char *updatelog_outcome_name(enum updatelog_outcome v);

/* updatelog_parse - read a body. Errors: -EBADMSG with the line's number. */
int updatelog_parse(const uint8_t *buf, size_t len, struct updatelog *ret, struct err *err);

/* updatelog_format - the body; returns its length. What is in texts and has no place in a line
 * becomes a blank. */
size_t updatelog_format(const struct updatelog *log, char ret_buf[static UPDATELOG_SIZE_MAX]);

/* updatelog_begin - a new attempt, in place of the oldest where it is full. It is zeroed. */
struct updatelog_attempt *updatelog_begin(struct updatelog *log);
/* updatelog_last - the newest attempt at this release (0: at any), NULL none. */
struct updatelog_attempt *updatelog_last(struct updatelog *log, uint64_t release);

/* updatelog_refuse - remember; one that is there already is replaced, the oldest gives way. */
void updatelog_refuse(struct updatelog *log, const struct updatelog_refused *what);
/* updatelog_find - is this refused, and why? manifest or root may be NULL: not known. */
const struct updatelog_refused *updatelog_find(const struct updatelog *log, uint64_t release,
					       const uint8_t *manifest, const uint8_t *root);
/* updatelog_forget - on the operator's order: this release, or all of them (0). Returns how many
 * were forgotten. */
size_t updatelog_forget(struct updatelog *log, uint64_t release);

#endif
