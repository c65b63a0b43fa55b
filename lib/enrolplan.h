// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ENROLPLAN_H
#define CAIRN_ENROLPLAN_H

#include <stdbool.h>

#include "efiauth.h"

/*
 * How a machine in UEFI Setup Mode takes the owner's keys: which step comes next, from what is seen
 * now. Nothing is remembered, so a cut at any place is no special case: until PK is set the machine
 * stays in Setup Mode, starts anything, and goes on; after it the keys are all there.
 *
 *     the booted GRUB and kernel satisfy the new db and are not in dbx   (once a start)
 *     dbx, db, KEK, each written and read back; PK last, which ends Setup Mode
 *     restart; DATA is not made or sealed before that
 */

enum enrolplan_check { ENROLPLAN_UNCHECKED, ENROLPLAN_FITS, ENROLPLAN_REFUSED };

struct enrolplan_facts {
	bool prepared;	/* this release brings keys to enrol */
	bool variables; /* the firmware's variables can be read and written */
	bool setup_mode;
	bool has[EFIAUTH_VARS];	    /* the variable has what is prepared; nothing prepared: true */
	bool wrote;		    /* a variable was written in this start */
	bool broken;		    /* one could not be written or did not read back */
	bool last_try;		    /* the boot state gives this slot no further start */
	enum enrolplan_check check; /* of what would be started with the new keys */
};

enum enrolplan_step {
	ENROLPLAN_REST,	     /* nothing prepared, or no variables: none of our business */
	ENROLPLAN_OURS,	     /* not in Setup Mode, with our PK: done */
	ENROLPLAN_FOREIGN,   /* not in Setup Mode, with another PK: left alone */
	ENROLPLAN_CHECK,     /* look at GRUB and kernel */
	ENROLPLAN_WRITE,     /* *ret_var, then read it back */
	ENROLPLAN_RESTART,   /* PK was set in this start */
	ENROLPLAN_UNFIT,     /* what is installed would not start any more: nothing is written */
	ENROLPLAN_BROKEN,    /* the firmware did not take a variable */
	ENROLPLAN_IGNORED,   /* PK is set and Setup Mode goes on */
	ENROLPLAN_FORGOTTEN, /* earlier starts of this slot did the same, to no effect */
	ENROLPLAN_STEPS
};

/* enrolplan_next - ret_var is set for ENROLPLAN_WRITE. */
enum enrolplan_step enrolplan_next(const struct enrolplan_facts *f, enum efiauth_var *ret_var);

/* enrolplan_why - a sentence for a person about a step that ends it without success; else NULL. */
const char *enrolplan_why(enum enrolplan_step step);

#endif
