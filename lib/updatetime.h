// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATETIME_H
#define CAIRN_UPDATETIME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What time it is, for things that expire, on machines whose clock may be wrong by years.
 *
 *   set by NTP     the clock's time, never before the release was built.
 *   not set        the clock is not asked at all. What counts is a time that has passed for
 * certain: the latest of the release's build time, the floor kept on DATA, and the moment at which
 * the newest channel taken was made; and from there the seconds lived.
 *
 * So a clock ahead of its time locks nobody out, and one behind does not make a stale channel
 * fresh: while the clock is not set the bound grows with the time lived, over restarts too, until
 * the channel's end is passed. An hour lived is an hour nearer; a machine that is switched off does
 * not age. A floor that was wrong (kept while a server of the time lied) lasts until the clock is
 * set again: then the clock's word replaces it, also downwards.
 */
struct updatetime {
	int64_t build_s;   /* Unix seconds, of the running release; 0 not known */
	int64_t passed_s;  /* passed for certain at since_ms */
	uint64_t since_ms; /* CLOCK_BOOTTIME */
};

/*
 * updatetime_init - at a start: floor_s is what updatetime_floor gave last time, 0 nothing. Time
 * counts from now_ms on: what a service that starts twice in one boot lived before is in floor_s.
 */
void updatetime_init(struct updatetime *t, int64_t build_s, int64_t floor_s, uint64_t now_ms);

/* updatetime_created - a channel was taken whose signed text says when it was made. */
void updatetime_created(struct updatetime *t, int64_t created_s, uint64_t now_ms);

/* updatetime_now - Unix seconds to hold an end against. wall_s counts where synced. */
int64_t updatetime_now(const struct updatetime *t, bool synced, int64_t wall_s, uint64_t now_ms);

/* updatetime_floor - what to keep on DATA; also takes the clock's word over where synced. */
int64_t updatetime_floor(struct updatetime *t, bool synced, int64_t wall_s, uint64_t now_ms);

enum updatetime_verdict {
	UPDATETIME_CURRENT,
	UPDATETIME_UNPROVEN, /* not past its end by what is certain; the clock is not set */
	UPDATETIME_EXPIRED,
	UPDATETIME_FUTURE, /* made more than a day from now, and the clock is set */
};

/* updatetime_judge - of something made at created_s that ends at expires_s. */
enum updatetime_verdict updatetime_judge(const struct updatetime *t, int64_t created_s,
					 int64_t expires_s, bool synced, int64_t wall_s,
					 uint64_t now_ms);

#endif
