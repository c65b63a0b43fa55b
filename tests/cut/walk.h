// SPDX-License-Identifier: Apache-2.0
#ifndef CUT_WALK_H
#define CUT_WALK_H

#include "dmlog.h"
#include "judge.h"

/*
 * Goes through a log and, after each of its writes, through the states that the disk may be in
 * if the power goes there:
 *
 *   - all of the epoch arrived; the last write arrived up to each unit of 512 and of 4096 bytes
 *     (some of them where there are more than CUT_TEARS), or with one unit of nonsense
 *   - of the epoch's writes each subset, where they are few; else `samples` of them, each with
 *     one write torn
 *   - of STATE's sectors each combination of the durable content, each content they were given,
 *     zeros and nonsense, with none, all and samples of the rest
 *
 * and holds the order of things against the rules: the running slot is not written, STATE only in
 * its two copies and never in both at once, the table only for the first growth of DATA, an ESP
 * only by a replacement of stage 1, and nothing outside of partitions.
 */

#define CUT_TEARS 8
#define CUT_SUBSETS_EXHAUSTIVE 5 /* writes */
#define CUT_COMBINATIONS_MAX 4096
#define CUT_FAILURES_SHOWN 10

struct walk_options {
	unsigned int samples;
	uint64_t seed;
	bool growth;	  /* the table may be written, until it fills the disk */
	bool stage1;	  /* ESPs may be written */
	uint64_t stop_at; /* number of a state, from 1; 0: all */
};

struct walk_stats {
	uint64_t writes, flushes, other_bytes;
	uint64_t cuts; /* writes that matter: places where the power went */
	uint64_t states, good;
	uint64_t of_region[CUT_NOONE + 1]; /* states by the region of the last write */
	uint64_t state_exhaustive;	   /* states that came from all combinations on STATE */
	uint64_t state_capped;		   /* epochs that had more combinations than the most */
	uint64_t in_release[CUT_RELEASES_MAX];
	uint64_t rules_broken;
};

/* Told of each state; 0 goes on. */
struct walk;
typedef void walk_state_fn(void *ctx, const struct walk *w, const struct cut_verdict *v);

struct walk {
	struct cut_model *m;
	struct cut_judge judge;
	struct walk_options o;
	struct walk_stats stats;
	struct cut_state now;		/* all of the epoch */
	struct cut_state other;		/* the one looked at */
	const struct cut_state *looked; /* at the last state; for who stops there */
	uint64_t entry;			/* number of the log's entry */
	uint64_t random;
	enum cut_region region; /* of the last write */
	char how[120];		/* the state came about, for a person */
	bool stopped, settled;
	enum bootstate_slot running;
	uint8_t loader; /* 1, 2: the ESP that GRUB came from */
	unsigned int failures;
	char first[200];  /* what was wrong first */
	bool silent;	  /* say nothing on standard error */
	uint8_t *changed; /* one byte for each MiB of the disk that was written; owned */
	walk_state_fn *tell;
	void *tell_ctx;
};

/* walk_init - m: the disk before the log's first write. Errors: as cut_judge_init. */
int walk_init(struct walk *w, struct cut_model *m, const struct walk_options *o, struct err *err);
void walk_release(struct walk *w);

/*
 * walk_log - all of it, or up to the state to stop at. What is not as it must be is counted, and
 * the first of it said on standard error. Errors: the log is damaged, -ENOMEM.
 */
int walk_log(struct walk *w, struct dmlog *log, struct err *err);

#endif
