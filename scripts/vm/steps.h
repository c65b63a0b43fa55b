// SPDX-License-Identifier: Apache-2.0
#ifndef VM_STEPS_H
#define VM_STEPS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define STEPS_MAX 128
#define STEP_SEND_MAX 4096

enum step_kind {
	STEP_WAIT,	 /* a line of the console matches */
	STEP_ABSENT,	 /* no line so far matches */
	STEP_SEND,	 /* text to the console */
	STEP_KEY,	 /* keys of the keyboard */
	STEP_QMP,	 /* a command for qemu */
	STEP_WAIT_EXIT,	 /* the machine switched off */
	STEP_WAIT_RESET, /* the machine restarted, since the last such step */
	STEP_SCREENSHOT, /* the screen as a PNG file */
	STEP_HOLD,	 /* for so many seconds it neither restarts nor switches off */
	STEP_WAIT_WRITE, /* so many entries are in the first recorded disk's log */
	STEP_KILL,	 /* the power goes */
	STEP_SAY,	 /* a line for who watches */
	STEP_RUN,	 /* a command of this host, to its end */
};

struct step {
	enum step_kind kind;
	const char *arg; /* the command line's, or NULL */
	regex_t re;	 /* of WAIT and ABSENT */
	char *text;	 /* of SEND (escapes resolved) and RUN; owned */
	unsigned int hold_s;
	uint64_t writes; /* of WAIT_WRITE */
	unsigned int timeout_s;
};

struct steps {
	struct step v[STEPS_MAX];
	int n;
	const char *fail_arg; /* a line that ends the run as failed at once, or NULL */
	regex_t fail_re;
};

/*
 * steps_add - append one; arg is kept, not copied. In the text of SEND the escapes \n \r \t \\
 * \e and \xHH are known.
 * Errors: -EINVAL pattern or escape, -ENOSPC too many steps.
 */
int steps_add(struct steps *s, enum step_kind kind, const char *arg, unsigned int timeout_s,
	      struct err *err);
int steps_set_fail(struct steps *s, const char *pattern, struct err *err);
const char *step_name(enum step_kind kind);
void steps_release(struct steps *s);

#endif
