// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "orders.h"
#include "policy_acts.h"
#include "say.h"

#define REBOOT_AGAIN_MS 30000u
#define BLIND_AGAIN_MS 60000u
#define FLOOR_EVERY_MS 3600000u
#define SICK_AGAIN_MS 60000u

void policy_arm(struct update *u, uint64_t wait_ms)
{
	u->timer_ms = main_now_ms() + (wait_ms ? wait_ms : 1);
	u->dirty = true;
}

void policy_arm_poll(struct update *u, uint32_t wait_s)
{
	u->timer_ms = 0;
	if (!u->rec.paused && u->conf.channel[0])
		policy_arm(u, 1000ull * wait_s);
}

/* policy_rest - until the next poll; the first one of a boot comes soon. */
void policy_rest(struct update *u)
{
	uint64_t n = ++u->rec.polls;

	policy_leave_stick(u);
	policy_arm_poll(u, u->polled ? updateplan_poll_s(&u->conf, u->rec.seed, n)
				     : updateplan_first_s(&u->conf, u->rec.seed, n));
}

void policy_retry(struct update *u)
{
	u->failures++;
	policy_leave_stick(u);
	if (u->state == UPDATEPLAN_BLIND)
		policy_arm(u, BLIND_AGAIN_MS);
	else
		policy_arm_poll(u, updateplan_backoff_s(&u->conf, u->rec.seed, ++u->rec.polls,
							u->failures));
}

/* hold - until the window opens, or, where it is open or nothing goes by itself, the next poll. */
static void hold(struct update *u)
{
	uint32_t wait = updateplan_window_s(&u->conf, main_wall_s());

	if (u->state == UPDATEPLAN_WAITING && wait)
		policy_arm_poll(u, wait);
	else
		policy_arm_poll(u, updateplan_poll_s(&u->conf, u->rec.seed, ++u->rec.polls));
}

static int reboot(struct update *u)
{
	int rc;

	fault_point("reboot-order");
	(void)records_save_keep(&u->rec);
	if (u->job.release && u->job.release == u->written_release)
		say_line("restarts into release=%llu", (unsigned long long)u->job.release);
	else
		say_line("restarts");
	policy_arm(u, REBOOT_AGAIN_MS);
	rc = orders_reboot();
	if (rc)
		(void)dprintf(2, "init does not take the restart: %s\n", strerror(-rc));
	return 0;
}

/* carry_out - what the plan says; u->state is the new state already. */
static int carry_out(struct update *u, enum updateplan_action action)
{
	switch (action) {
	case UPDATEPLAN_DO_ASK:
		return policy_tell(u, WRITER_STATE, WRITER_SLOT_NONE);
	case UPDATEPLAN_DO_WATCH:
		fault_point("watch");
		health_begin(&u->health, u->conf.health_window_s, u->conf.require_channel,
			     main_now_ms());
		return 0;
	case UPDATEPLAN_DO_RECORD_FALLBACK:
		return policy_fell_back(u);
	case UPDATEPLAN_DO_MARK_GOOD:
		fault_point("mark-good-order");
		return policy_tell(u, WRITER_MARK_GOOD, WRITER_SLOT_NONE);
	case UPDATEPLAN_DO_MARK_BAD:
		return policy_give_up(u);
	case UPDATEPLAN_DO_CHECK:
		return policy_check(u);
	case UPDATEPLAN_DO_CHECK_GIVEN:
		policy_stop_probe(u);
		u->timer_ms = 0;
		return source_bundle(&u->source, &u->job.config, u->job.fd, main_now_ms());
	case UPDATEPLAN_DO_INSTALL_DELTA:
		return policy_install(u, UPDATELOG_DELTA);
	case UPDATEPLAN_DO_INSTALL_FULL:
		return policy_install(u, UPDATELOG_FULL);
	case UPDATEPLAN_DO_ABORT:
		source_cancel(&u->source);
		if (u->state == UPDATEPLAN_ABORTING)
			return policy_tell(u, WRITER_ABORT, WRITER_SLOT_NONE);
		policy_rest(u);
		return 0;
	case UPDATEPLAN_DO_REST:
		/* A check that went well, or an end that was ordered. */
		u->failures = 0;
		policy_rest(u);
		return 0;
	case UPDATEPLAN_DO_REST_GOOD:
		return policy_marked_good(u);
	case UPDATEPLAN_DO_RETRY:
		policy_failed(u, UPDATELOG_FAILED);
		policy_retry(u);
		return 0;
	case UPDATEPLAN_DO_REMEMBER:
		policy_remember(u);
		return 0;
	case UPDATEPLAN_DO_HOLD:
		policy_leave_stick(u);
		hold(u);
		return 0;
	case UPDATEPLAN_DO_NOTE_WRITTEN:
		return policy_written(u);
	case UPDATEPLAN_DO_ACTIVATE:
		return policy_activate(u);
	case UPDATEPLAN_DO_ROLLBACK:
		return policy_roll_back(u);
	case UPDATEPLAN_DO_RESET: /* the marker was written when the order came (policy_order) */
	case UPDATEPLAN_DO_REBOOT:
		return reboot(u);
	default:
		return 0;
	}
}

int policy_event(struct update *u, enum updateplan_event event)
{
	struct updateplan_step step = updateplan_next(u->state, event);

	if (step.action == UPDATEPLAN_DO_REFUSE)
		return -EBUSY;
	if (step.action == UPDATEPLAN_DO_NOTHING)
		return 0;
	if (step.next != u->state)
		u->timer_ms = 0;
	u->state = step.next;
	u->dirty = true;
	return carry_out(u, step.action);
}

int policy_begin(struct update *u, struct err *err)
{
	int rc;

	policy_new_job(u, UPDATELOG_CHANNEL);
	u->state = UPDATEPLAN_START;
	rc = policy_tell(u, WRITER_STATE, WRITER_SLOT_NONE);
	return rc ? err_sys(err, rc, "the writer part is lost") : 0;
}

static void keep_floor(struct update *u, uint64_t now)
{
	if (now - u->floor_saved_ms < FLOOR_EVERY_MS)
		return;
	u->floor_saved_ms = now;
	u->rec.floor_s = updatetime_floor(&u->time, policy_synced(u), main_wall_s(), now);
	(void)records_save_keep(&u->rec);
}

/* may_watch - health is looked after while nothing is read or written. */
static bool may_watch(const struct update *u)
{
	return u->health.step != HEALTH_OFF &&
	       (u->state == UPDATEPLAN_TRIAL || u->state == UPDATEPLAN_SETTLE ||
		u->state == UPDATEPLAN_IDLE || u->state == UPDATEPLAN_BACKOFF ||
		u->state == UPDATEPLAN_WAITING);
}

static int watch(struct update *u, uint64_t now)
{
	switch (health_turn(&u->health, now)) {
	case HEALTH_IS_GOOD:
		return policy_event(u, UPDATEPLAN_EV_HEALTHY);
	case HEALTH_WANTS_CHANNEL:
		policy_config(u, &u->job.config, SOURCE_FOLDER, u->conf.channel);
		if (!u->conf.channel[0] ||
		    source_channel(&u->source, &u->job.config, now) == -EBUSY) {
			health_channel(&u->health, "no channel can be read now", now);
			return 0;
		}
		u->probing = true;
		return 0;
	case HEALTH_WINDOW_OVER: {
		enum updateplan_event event = updateplan_sick_event(&u->boot);

		policy_say_sick(u);
		if (event == UPDATEPLAN_EV_SICK && u->state == UPDATEPLAN_TRIAL)
			fault_point("sick");
		/* It may become healthy later, where it is not restarted now. */
		u->health.step = HEALTH_LOOK;
		u->health.next_ms = now + SICK_AGAIN_MS;
		return policy_event(u, event);
	}
	default:
		return 0;
	}
}

/* may_try - what is written, now? */
static bool may_try(const struct update *u)
{
	if (u->state != UPDATEPLAN_WRITTEN || u->rec.paused)
		return false;
	return u->conf.reboot_auto &&
	       (u->job.forced || updateplan_window_s(&u->conf, main_wall_s()) == 0);
}

int policy_turn(struct update *u)
{
	uint64_t now = main_now_ms();
	int rc = 0;

	keep_floor(u, now);
	if (u->seal_again_ms && u->seal_again_ms <= now)
		policy_good_sealed(u);
	if (source_late(&u->source, now))
		rc = policy_source(u, SOURCE_UNREACHABLE);
	if (!rc && may_watch(u))
		rc = watch(u, now);
	if (!rc && may_try(u))
		rc = policy_event(u, UPDATEPLAN_EV_TRY);
	if (!rc && u->timer_ms && u->timer_ms <= now) {
		u->timer_ms = 0;
		rc = policy_event(u, UPDATEPLAN_EV_TICK);
	}
	if (!rc && u->stick_found.version && !u->rec.paused &&
	    (u->state == UPDATEPLAN_IDLE || u->state == UPDATEPLAN_BACKOFF ||
	     u->state == UPDATEPLAN_WAITING || u->state == UPDATEPLAN_WRITTEN))
		rc = policy_event(u, UPDATEPLAN_EV_CHECK);
	return rc;
}

static void sooner(uint64_t *first, uint64_t at)
{
	if (at && at < *first)
		*first = at;
}

int policy_wait_ms(const struct update *u)
{
	uint64_t now = main_now_ms(), first = u->floor_saved_ms + FLOOR_EVERY_MS;

	sooner(&first, u->timer_ms);
	sooner(&first, u->notify.next_ms);
	sooner(&first, u->seal_again_ms);
	if (u->source.step != SOURCE_AT_REST)
		sooner(&first, u->source.until_ms);
	if (may_watch(u)) {
		sooner(&first, u->health.until_ms);
		if (u->health.step == HEALTH_LOOK || u->health.step == HEALTH_PASSED)
			sooner(&first, u->health.next_ms);
	}
	/* The window is looked at once a minute. */
	if (u->state == UPDATEPLAN_WRITTEN && u->conf.reboot_auto && !u->rec.paused)
		sooner(&first, now + 1000ull * updateplan_window_s(&u->conf, main_wall_s()) + 1);
	return first <= now ? 0 : first - now > 3600000 ? 3600000 : (int)(first - now);
}

void policy_stick(struct update *u, const struct stick_found *f)
{
	u->stick_found = *f;
}

const char *policy_words(const struct update *u)
{
	switch (u->state) {
	case UPDATEPLAN_START:
	case UPDATEPLAN_FALLBACK:
		return "starting";
	case UPDATEPLAN_BLIND:
		return "no-boot-state";
	case UPDATEPLAN_TRIAL:
		return "trial";
	case UPDATEPLAN_SETTLE:
		return "settling";
	case UPDATEPLAN_MARKING:
		return "marking-good";
	case UPDATEPLAN_CONDEMN:
	case UPDATEPLAN_ACTIVATING:
	case UPDATEPLAN_ROLLING:
		return "switching";
	case UPDATEPLAN_BACKOFF:
		return "failed";
	case UPDATEPLAN_CHECKING:
		return "checking";
	case UPDATEPLAN_WAITING:
		return "waiting-for-window";
	case UPDATEPLAN_DELTA:
	case UPDATEPLAN_FULL:
		return u->progress.phase == WRITER_VERIFYING ? "verifying" : "downloading";
	case UPDATEPLAN_ABORTING:
		return "stopping";
	case UPDATEPLAN_WRITTEN:
		return "ready-to-reboot";
	case UPDATEPLAN_REBOOTING:
		return "rebooting";
	default:
		return "idle";
	}
}
