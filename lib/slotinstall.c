// SPDX-License-Identifier: Apache-2.0
#include "slotinstall.h"

#include <errno.h>
#include <string.h>

int slotinstall_event(const struct blockio *state, enum bootstate_slot running,
		      enum bootstate_slot slot,
		      int (*event)(struct bootstate *state, enum bootstate_slot slot),
		      const char *what, struct bootstateio *ret, struct err *err)
{
	struct bootstateio s;
	struct bootstate before;
	int rc = bootstateio_load(state, running, &s, err);

	if (rc)
		return rc;
	before = s.state;
	/* Who runs is known better here than by what GRUB could note. */
	s.state.booted = running;
	rc = event(&s.state, slot);
	if (rc == -EBUSY)
		return err_set(err, rc, "slot %s is running", bootstate_name(slot));
	if (rc == -EAGAIN)
		return err_set(err, rc, "slot %s is on trial, and %s is the only one that was good",
			       bootstate_name(running), bootstate_name(slot));
	if (rc)
		return err_sys(err, rc, "%s slot %s", what, bootstate_name(slot));
	if (!bootstate_equal(&before, &s.state) || s.lost)
		rc = bootstateio_store(state, &s, err);
	if (!rc && ret)
		*ret = s;
	return rc;
}

int slotinstall_write(const struct blockio *state, enum bootstate_slot running,
		      enum bootstate_slot slot, struct slotwrite *w,
		      const struct slotwrite_job *job, struct slotwrite_result *ret_result,
		      enum slotinstall_step *ret_step, struct err *err)
{
	int rc;

	memset(ret_result, 0, sizeof(*ret_result));
	*ret_step = SLOTINSTALL_STATE;
	if (slot == running)
		return err_set(err, -EBUSY, "slot %s is running", bootstate_name(slot));
	*ret_step = SLOTINSTALL_BASE;
	rc = slotwrite_check_base(w, job, err);
	if (rc)
		return rc;
	*ret_step = SLOTINSTALL_STATE;
	rc = slotinstall_event(state, running, slot, bootstate_begin, "give up", NULL, err);
	if (rc)
		return rc;
	*ret_step = SLOTINSTALL_SLOT;
	return slotwrite_run(w, job, ret_result, err);
}

int slotinstall_activate(const struct blockio *state, enum bootstate_slot running,
			 enum bootstate_slot slot, struct err *err)
{
	return slotinstall_event(state, running, slot, bootstate_activate, "activate", NULL, err);
}
