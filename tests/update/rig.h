// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_RIG_H
#define CAIRN_TEST_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/update/main.h"
#include "agent/update/policy.h"

/*
 * The main part of service update between a writer, a fetch and a clock of the test's own.
 * Signatures are real (testkeys.h). Release 4 runs in slot A. Each rig_* asserts what it says.
 */

#define RIG_BUILD INT64_C(1795478400) /* Unix s: when release 4 was made */
#define RIG_DAY INT64_C(86400)

extern struct rig {
	struct update u;
	int writer, fetch; /* our ends */
	uint64_t clock_ms;
	int64_t wall_s;
	unsigned int reboots, seals, goods; /* what others were asked */
	int seal_rc;			    /* service trust's answer */
	bool data_shut;
	struct trust trust;
	char dir[16], time_file[64];
} rig;

/* For cmocka: around a group, and before each test. */
int rig_make(void **state);
int rig_remove(void **state);
int rig_setup(void **state);

/* The machine: a life of the service begins; NTP's word on the time; the mark of a switch is gone,
 * as after a restart (0 or -1, as unlink). */
void rig_begin(void);
void rig_set_time(bool synced, int64_t s);
int rig_forget_switch(void);

/* The writer: what it was told, or nothing; what it answers. rig_boot_a: both slots good. */
extern const struct writer_bootstate rig_boot_a;
struct writer_order rig_ordered(enum writer_op op);
void rig_no_order(void);
void rig_report(enum writer_op op, int rc, enum writer_cause cause,
		const struct writer_bootstate *boot);
void rig_state_is(enum updateplan_state s);

/* Health: the checks pass, or the window ends. */
void rig_healthy(void);
void rig_sick(const char *what, const char *why);

/* Fetch: what it was asked, answered with these bytes or with rc. */
void rig_take_result(void);
struct source_config rig_config_wanted(void);
struct source_request rig_read_wanted(enum source_object object, const void *buf, size_t len,
				      int rc);

/* The channel: one of this sequence that offers this release; with a delta from what runs; read,
 * signed by the keys of the mask; looked at by order; refused with these words. */
struct channel rig_offer(uint64_t sequence, uint64_t release);
void rig_with_delta(struct channel *c);
void rig_serve_by(const struct channel *c, unsigned int mask);
void rig_look(const struct channel *c);
void rig_refused(const char *what, const char *why);

/* Lives so far: a committed boot, marked good; release 5 written and activated; the restart into
 * it, with so many tries left. */
void rig_up(void);
void rig_activated(void);
void rig_trial_of_5(unsigned int tries);

/* rig_last - the last attempt in the history. */
struct updatelog_attempt *rig_last(void);

#endif
