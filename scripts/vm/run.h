// SPDX-License-Identifier: Apache-2.0
#ifndef VM_RUN_H
#define VM_RUN_H

#include <stdbool.h>

#include "console.h"
#include "lib/err.h"
#include "machine.h"
#include "steps.h"

struct run_options {
	bool interactive; /* the terminal is the machine's console */
	char end_key;	  /* the byte that ends an interactive run */
	bool storm;	  /* keys and serial input all the time */
	bool box;	  /* show the status line as a frame */
	bool notes;	  /* say each step and its time on standard error */
	unsigned int timeout_scale_percent;
};

/* How a run ended. */
enum run_end {
	RUN_DONE,    /* every step was met, or the person ended it */
	RUN_FAILED,  /* a step was not met; the reason is in err */
	RUN_SYSTEM,  /* the runner or qemu failed; the reason is in err */
	RUN_STOPPED, /* a signal asked to end */
};

/*
 * run - talk to a started machine until the steps are done. Without steps: until the machine
 * switches off or the person ends it. SIGINT, SIGTERM and SIGHUP end it, and it returns.
 */
enum run_end run(struct machine *m, struct console *c, struct steps *s, const struct run_options *o,
		 struct err *err);

#endif
