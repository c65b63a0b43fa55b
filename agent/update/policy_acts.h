// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_POLICY_ACTS_H
#define CAIRN_UPDATE_POLICY_ACTS_H

#include "policy.h"

/* What the files of policy share; each int is 0 or the error of a part that is lost. */

/* policy.c: the timer of the state. */
void policy_arm(struct update *u, uint64_t wait_ms);
/* policy_arm_poll - no timer while paused or without a channel. */
void policy_arm_poll(struct update *u, uint32_t wait_s);
/* policy_rest - until the next poll; the first one of a boot comes soon. */
void policy_rest(struct update *u);
/* policy_retry - one more failure in a row; back off. */
void policy_retry(struct update *u);

/* policy_writer.c: one order; WRITER_INSTALL of the manifest with this digest; one that makes
 * another slot the primary one. */
int policy_tell(struct update *u, enum writer_op op, enum writer_slot slot);
int policy_tell_install(struct update *u, const uint8_t *digest);
int policy_tell_switch(struct update *u, enum writer_op op, enum writer_slot slot);

/* policy_offer.c */
/* policy_config - where to read from, with the settings that go with it. */
void policy_config(struct update *u, struct source_config *c, enum source_kind kind,
		   const char *url);
void policy_new_job(struct update *u, enum updatelog_source source);
/* policy_leave_stick - main has done with what the stick part found. */
void policy_leave_stick(struct update *u);
/* policy_stop_probe - what is to be read now comes before a look for health's sake. */
void policy_stop_probe(struct update *u);
/* policy_check - begin to read the channel, or the stick that waits. */
int policy_check(struct update *u);
/* policy_synced - was the clock set in this boot? */
bool policy_synced(const struct update *u);

/* policy_acts.c: the steps of an attempt, each in the history. */
/* policy_note - the last failure in a word and a sentence; "" none. */
void policy_note(struct update *u, const char *what, const char *why);
int policy_install(struct update *u, enum updatelog_kind kind);
int policy_written(struct update *u);
int policy_activate(struct update *u);
/* policy_good_sealed - tell service trust that this boot is good; again later where it fails. */
void policy_good_sealed(struct update *u);
void policy_failed(struct update *u, enum updatelog_outcome outcome);
/* policy_remember - failed, and this bundle is refused from now on. */
void policy_remember(struct update *u);
/* policy_say_sick - the window is over: the last word of a release on trial. */
void policy_say_sick(struct update *u);
int policy_give_up(struct update *u);
int policy_roll_back(struct update *u);
/* policy_fell_back - the boot loader left the primary slot. */
int policy_fell_back(struct update *u);
int policy_marked_good(struct update *u);

#endif
