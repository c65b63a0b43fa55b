// SPDX-License-Identifier: Apache-2.0
#include "enrolplan.h"

#include <stddef.h>

enum enrolplan_step enrolplan_next(const struct enrolplan_facts *f, enum efiauth_var *ret_var)
{
	int var;

	if (!f->prepared || !f->variables)
		return ENROLPLAN_REST;
	if (!f->setup_mode) {
		if (!f->has[EFIAUTH_PK])
			return ENROLPLAN_FOREIGN;
		return f->wrote ? ENROLPLAN_RESTART : ENROLPLAN_OURS;
	}
	if (f->has[EFIAUTH_PK])
		return ENROLPLAN_IGNORED;
	if (f->broken)
		return ENROLPLAN_BROKEN;
	/* A firmware that forgets its variables would have us restart for ever. */
	if (f->last_try)
		return ENROLPLAN_FORGOTTEN;
	if (f->check == ENROLPLAN_UNCHECKED)
		return ENROLPLAN_CHECK;
	if (f->check != ENROLPLAN_FITS)
		return ENROLPLAN_UNFIT;
	for (var = 0; var < EFIAUTH_PK && f->has[var]; var++)
		;
	*ret_var = (enum efiauth_var)var;
	return ENROLPLAN_WRITE;
}

const char *enrolplan_why(enum enrolplan_step step)
{
	switch (step) {
	case ENROLPLAN_FOREIGN:
		return "the firmware has another owner's keys";
	case ENROLPLAN_UNFIT:
		return "what is installed would not start under the new keys";
	case ENROLPLAN_BROKEN:
		return "the firmware does not take its variables";
	case ENROLPLAN_IGNORED:
		return "the firmware has the keys and stays in Setup Mode";
	case ENROLPLAN_FORGOTTEN:
		return "the firmware did not keep the keys over several restarts";
	default:
		return NULL;
	}
}
