// SPDX-License-Identifier: Apache-2.0
/* What a person may want (control.c has checked who). */
#include "policy_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "orders.h"

static int say(char why[static UPDATELOG_WHY_SIZE], int rc, const char *text)
{
	(void)snprintf(why, UPDATELOG_WHY_SIZE, "%s", text);
	return rc;
}

static int order_given(struct update *u, const struct update_request *q, int fd,
		       char why[static UPDATELOG_WHY_SIZE])
{
	struct updateplan_step step = updateplan_next(u->state, UPDATEPLAN_EV_INSTALL);

	if (fd < 0 && !updateconf_url_ok(q->text))
		return say(why, -EINVAL, "this is no URL that can be read");
	/* The job under way is not touched where the order has no place. */
	if (step.action == UPDATEPLAN_DO_REFUSE)
		return -EBUSY;
	policy_new_job(u, UPDATELOG_GIVEN);
	u->job.forced = true;
	u->job.any_release = q->flags & UPDATE_ANY_RELEASE;
	u->job.fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	policy_config(u, &u->job.config, fd < 0 ? SOURCE_FILE : SOURCE_FD, q->text);
	return policy_event(u, UPDATEPLAN_EV_INSTALL);
}

static int pause_or_resume(struct update *u, bool pause, char why[static UPDATELOG_WHY_SIZE])
{
	bool was = u->rec.paused;

	u->rec.paused = pause;
	if (records_save_keep(&u->rec)) {
		u->rec.paused = was;
		return say(why, -EIO, "it cannot be kept on DATA");
	}
	u->dirty = true;
	if (pause) {
		(void)policy_event(u, UPDATEPLAN_EV_STOP);
		if (u->state == UPDATEPLAN_IDLE || u->state == UPDATEPLAN_BACKOFF ||
		    u->state == UPDATEPLAN_WAITING || u->state == UPDATEPLAN_WRITTEN)
			u->timer_ms = 0;
	} else if (u->timer_ms == 0 &&
		   (u->state == UPDATEPLAN_IDLE || u->state == UPDATEPLAN_BACKOFF ||
		    u->state == UPDATEPLAN_WAITING || u->state == UPDATEPLAN_WRITTEN)) {
		policy_arm_poll(u, 1);
	}
	return 0;
}

int policy_order(struct update *u, const struct update_request *q, int fd,
		 char why[static UPDATELOG_WHY_SIZE])
{
	int rc;

	switch (q->op) {
	case UPDATE_OP_CHECK:
		if (!u->conf.channel[0])
			return say(why, -EINVAL, "no channel is set (update.conf)");
		rc = policy_event(u, UPDATEPLAN_EV_CHECK);
		break;
	case UPDATE_OP_INSTALL:
		rc = order_given(u, q, fd, why);
		break;
	case UPDATE_OP_ACTIVATE:
		rc = policy_event(u, UPDATEPLAN_EV_ACTIVATE);
		break;
	case UPDATE_OP_ROLLBACK:
	case UPDATE_OP_MARK_BAD:
		if (!u->boot.known || u->boot.booted > 1 || !u->boot.good[!u->boot.booted])
			return say(why, -ENOENT, "the other slot is not good");
		rc = policy_event(u, q->op == UPDATE_OP_ROLLBACK ? UPDATEPLAN_EV_ROLLBACK
								 : UPDATEPLAN_EV_MARK_BAD);
		break;
	case UPDATE_OP_FORGET:
		if (updatelog_forget(&u->rec.log, q->number) == 0)
			return say(why, -ENOENT, "no such release is refused");
		u->dirty = true;
		rc = records_save_log(&u->rec);
		break;
	case UPDATE_OP_PAUSE:
	case UPDATE_OP_RESUME:
		return pause_or_resume(u, q->op == UPDATE_OP_PAUSE, why);
	case UPDATE_OP_STOP:
		rc = policy_event(u, UPDATEPLAN_EV_STOP);
		break;
	case UPDATE_OP_RESET:
		if (updateplan_next(u->state, UPDATEPLAN_EV_RESET).action == UPDATEPLAN_DO_REFUSE)
			rc = -EBUSY;
		else if (orders_reset(q->flags & UPDATE_KEEP_IDENTITY))
			return say(why, -EIO, "the marker cannot be written");
		else
			rc = policy_event(u, UPDATEPLAN_EV_RESET);
		break;
	default:
		return say(why, -EINVAL, "unknown order");
	}
	if (rc == -EBUSY && !why[0])
		(void)snprintf(why, UPDATELOG_WHY_SIZE, "not while it is %s",
			       updateplan_state_name(u->state));
	return rc;
}
