// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_WRITER_H
#define CAIRN_UPDATE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/update/parts.h"
#include "agent/update/proto.h"
#include "agent/update/stage1.h"
#include "bootstate.h"
#include "bundleget.h"
#include "err.h"
#include "piecefeed.h"
#include "slotio.h"
#include "slotwrite.h"
#include "trust.h"

/*
 * The writer part from the inside. writer_open.c opens what it holds while it still may;
 * writer_source.c asks fetch for bytes; writer_install.c carries INSTALL out; writer.c is the
 * loop, the boot state, and the answers.
 *
 * It holds no descriptor by which the running slot could be written: those partitions are open
 * for reading only. So nothing that main says or a bundle holds can touch it.
 */

/* Where things are; a test has files instead. */
struct writer_paths {
	const char *state;		 /* STATE */
	const char *boot, *root;	 /* the slot that does not run */
	const char *old_boot, *old_root; /* the one that does */
	const char *trust;		 /* the signed trust that the release ships */
	const char *release;		 /* /etc/cairn/release */
};

/* What the running release says of itself. */
struct writer_release {
	char compatible[BUNDLE_WORD_SIZE];
	char architecture[BUNDLE_WORD_SIZE];
	uint64_t release, floor, build_time;
};

struct writer_source {
	int fd; /* of the pair to fetch */
	int main_fd;
	uint8_t digest[SHA256_SIZE]; /* of the bundle */
	uint32_t id;		     /* of the READ under way; 0 none was made */
	bool reading;		     /* its last slice has not come */
	uint64_t at, end;	     /* next byte to be given, end of what was asked for */
	uint32_t used;		     /* bytes of slice given */
	uint64_t fetched_before;     /* of READs that are over */
	uint64_t fetched;	     /* of this one */
	bool failed;		     /* the last failure was the source's */
	bool aborted;		     /* main said so */
	bool broken;		     /* main said something else: the part ends */
	struct source_data slice;
	struct piecefeed_source feed; /* over all this */
};

struct writer {
	int main_fd;
	enum bootstate_slot running, inactive;
	struct slotio state, boot, root, old_boot, old_root;
	char label[4][8]; /* boot-b, root-b, boot-a, root-a: inactive first */
	struct writer_release release;
	struct trust shipped, trust;
	struct writer_source source;
	struct bundleget *get;
	struct slotwrite *slotwrite;
	struct writer_stage1 stage1;
	bool repaired;
	/* The inactive slot holds this bundle, and was read back in this life. */
	bool verified;
	uint8_t verified_digest[SHA256_SIZE];
	/* Of the order at hand. */
	struct writer_report report;
	uint64_t reported_ms;
};

/* --- writer_open.c --- */

/*
 * writer_open - partitions and what the release says. running is the slot of the running root.
 * Errors: a sentence; what was opened stays until the process ends.
 */
int writer_open(struct writer *w, const struct writer_paths *paths, enum bootstate_slot running,
		struct err *err);

/*
 * writer_open_machine - writer_open for this machine, as the root finder left it in
 * /run/cairn/boot.
 */
int writer_open_machine(struct writer *w, struct err *err);

/* --- writer_source.c --- */

/*
 * writer_source_begin - from here on s->feed gives this bundle's bytes. A failing s->feed sets
 * s->failed, or s->aborted where main stopped it (-ECANCELED).
 */
void writer_source_begin(struct writer_source *s, const uint8_t digest[static SHA256_SIZE]);

/* writer_source_end - no READ is under way any more. Errors: -EPIPE fetch is gone. */
int writer_source_end(struct writer_source *s);

/* writer_source_fetched - bytes taken off the network since writer_source_begin. */
uint64_t writer_source_fetched(const struct writer_source *s);

/* writer_source_check_abort - has main said ABORT? Errors: -EPIPE, -EBADMSG end the part. */
int writer_source_check_abort(struct writer_source *s);

/* --- writer_install.c --- */

/*
 * writer_install - carry the order out. trust_fd is the file of trusts that came along, or -1.
 * rc, cause, what and why are in w->report.
 */
void writer_install(struct writer *w, const struct writer_order *order, int trust_fd);

/* --- writer.c --- */

/*
 * writer_progress - tell main where things stand, at most 4 times a second; phases at once.
 */
void writer_progress(struct writer *w, enum writer_phase phase, uint64_t done, uint64_t total);

/* writer_fail - what the answer says. Returns rc. */
int writer_fail(struct writer *w, int rc, enum writer_cause cause, const char *what,
		const struct err *err);

/* writer_serve - orders until main is gone. Exit status. */
int writer_serve(struct writer *w);

#endif
