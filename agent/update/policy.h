// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_POLICY_H
#define CAIRN_UPDATE_POLICY_H

#include "main.h"

/*
 * Carries out what lib/updateplan decides. Errors (< 0) mean that a part is lost and the service
 * ends; everything else is said, remembered and gone on from.
 */

/* policy_begin - ask the writer for the boot state. */
int policy_begin(struct update *u, struct err *err);
/* policy_event - one event of the plan. Returns 0, -EBUSY where an order was refused, or as above.
 */
int policy_event(struct update *u, enum updateplan_event event);
/* policy_report - the writer said something. */
int policy_report(struct update *u, const struct writer_report *r);
/* policy_source - the source came to a result. */
int policy_source(struct update *u, enum source_result result);
/* policy_turn - what is due by the clock; health too. */
int policy_turn(struct update *u);
/* policy_wait_ms - until the next turn is due. */
int policy_wait_ms(const struct update *u);
/* policy_stick - the stick part found something. */
void policy_stick(struct update *u, const struct stick_found *f);

/*
 * policy_order - what a person may want (control.c has checked who). fd is INSTALL's descriptor or
 * -1; it is taken over. why gets a sentence where it is refused. Returns 0 or -errno.
 */
int policy_order(struct update *u, const struct update_request *q, int fd,
		 char why[static UPDATELOG_WHY_SIZE]);

/* policy_words - the state's name for people (docs/update.md). */
const char *policy_words(const struct update *u);

#endif
