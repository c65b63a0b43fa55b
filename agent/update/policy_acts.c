// SPDX-License-Identifier: Apache-2.0
/* What is done and remembered at each step of an update. */
#include "policy_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "io.h"
#include "orders.h"
#include "say.h"

#define SEAL_AGAIN_MS 600000u

_Static_assert(UPDATE_WHY_SIZE <= UPDATELOG_WHY_SIZE, "a report's reason fits the history");
_Static_assert(UPDATE_VERSION_SIZE <= UPDATELOG_VERSION_SIZE, "a report's version fits");

void policy_note(struct update *u, const char *what, const char *why)
{
	(void)snprintf(u->what, sizeof(u->what), "%s", what);
	(void)snprintf(u->why, sizeof(u->why), "%.191s", why);
	u->dirty = true;
}

static struct updatelog_attempt *attempt_of(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->job.release);

	return u->job.release ? a : NULL;
}

static void set_outcome(struct update *u, struct updatelog_attempt *a,
			enum updatelog_outcome outcome, const char *why)
{
	if (!a)
		return;
	a->outcome = outcome;
	(void)snprintf(a->why, sizeof(a->why), "%s", why);
	(void)records_save_log(&u->rec);
	u->dirty = true;
}

/* refuse_release - remember a release that ran here and was not kept. */
static void refuse_release(struct update *u, uint64_t release, const uint8_t *root, const char *why)
{
	struct updatelog_refused f = { .time_s = main_wall_s(), .release = release };

	if (root) {
		f.has_root = true;
		memcpy(f.root, root, sizeof(f.root));
	}
	(void)snprintf(f.why, sizeof(f.why), "%s", why);
	if (f.release || f.has_root)
		updatelog_refuse(&u->rec.log, &f);
}

/* begin_attempt - in the history before the first byte is written. */
static void begin_attempt(struct update *u, enum updatelog_kind kind)
{
	struct updatelog_attempt *a = attempt_of(u);

	if (!a || a->outcome != UPDATELOG_RUNNING)
		a = updatelog_begin(&u->rec.log);
	a->time_s = main_wall_s();
	a->from = u->own.release;
	a->release = u->job.release;
	(void)snprintf(a->version, sizeof(a->version), "%s", u->job.version);
	a->source = u->job.source;
	a->kind = u->job.kind = kind;
	a->outcome = UPDATELOG_RUNNING;
	memcpy(a->manifest, kind == UPDATELOG_DELTA ? u->job.delta : u->job.full,
	       sizeof(a->manifest));
	u->job.since_ms = main_now_ms();
	(void)records_save_log(&u->rec);
}

int policy_install(struct update *u, enum updatelog_kind kind)
{
	if (kind == UPDATELOG_FULL && u->state == UPDATEPLAN_FULL && !u->job.has_full)
		return policy_event(u, UPDATEPLAN_EV_REFUSED);
	if (u->state == UPDATEPLAN_FULL && u->job.has_delta)
		u->no_delta_for = u->job.release;
	/* From here on the inactive slot holds nothing to go to. */
	u->written_release = 0;
	begin_attempt(u, kind);
	say_line("installing release=%llu version=%s as=%s", (unsigned long long)u->job.release,
		 u->job.version, updatelog_kind_name(kind));
	return policy_tell_install(u, kind == UPDATELOG_DELTA ? u->job.delta : u->job.full);
}

int policy_written(struct update *u)
{
	struct updatelog_attempt *a = attempt_of(u);

	u->failures = 0;
	u->written_release = u->job.release;
	if (a) {
		a->seconds = (uint32_t)((main_now_ms() - u->job.since_ms) / 1000);
		a->fetched_bytes = u->progress.fetched;
		a->has_root = true;
		memcpy(a->root, u->progress.root_hash, sizeof(a->root));
	}
	policy_note(u, "", "");
	set_outcome(u, a, UPDATELOG_WRITTEN, "");
	say_line("written release=%llu", (unsigned long long)u->job.release);
	io_close_p(&u->job.fd);
	policy_leave_stick(u);
	fault_point("written");
	policy_arm_poll(u, updateplan_poll_s(&u->conf, u->rec.seed, ++u->rec.polls));
	return 0;
}

/* policy_failed - the attempt, or the check before it; it may be tried again. */
void policy_failed(struct update *u, enum updatelog_outcome outcome)
{
	struct updatelog_attempt *a = attempt_of(u);

	say_line("failed what=%s why=\"%s\"", u->what, u->why);
	if (a && a->outcome == UPDATELOG_RUNNING) {
		a->seconds = (uint32_t)((main_now_ms() - u->job.since_ms) / 1000);
		a->fetched_bytes = u->progress.fetched;
		set_outcome(u, a, outcome, u->why);
	}
	io_close_p(&u->job.fd);
}

void policy_remember(struct update *u)
{
	struct updatelog_refused f = { .time_s = main_wall_s(), .has_manifest = true };

	/* Only the bundle: mended and published again, the release may be taken. */
	if (u->job.has_full) {
		memcpy(f.manifest, u->job.full, sizeof(f.manifest));
		(void)snprintf(f.why, sizeof(f.why), "%s", u->why);
		updatelog_refuse(&u->rec.log, &f);
	}
	policy_failed(u, UPDATELOG_REFUSED_IT);
	(void)records_save_log(&u->rec);
	policy_retry(u);
}

/* policy_fell_back - GRUB did not start the primary slot, or left it after its tries. */
int policy_fell_back(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, 0);
	char why[UPDATELOG_WHY_SIZE];

	/* Which release that was: the one last tried, if it is not the one that runs. */
	if (a && (a->outcome == UPDATELOG_TRIAL || a->outcome == UPDATELOG_GOOD) &&
	    a->release != u->own.release) {
		/* Where it could still say why, it did before it restarted. */
		(void)snprintf(why, sizeof(why), "%s",
			       a->why[0] ? a->why : "did not become healthy in its tries");
		refuse_release(u, a->release, a->has_root ? a->root : NULL, why);
		a->outcome = UPDATELOG_FELL_BACK;
		(void)snprintf(a->why, sizeof(a->why), "%s", why);
		policy_note(u, "fallback", why);
		say_line("left release=%llu why=\"%s\"", (unsigned long long)a->release, why);
		(void)records_save_log(&u->rec);
	} else {
		policy_note(u, "fallback", "the primary slot was left by the boot loader");
		say_line("left what=fallback why=\"%s\"", u->why);
	}
	fault_point("fallback-recorded");
	return policy_tell(u, WRITER_PRIMARY, WRITER_SLOT_NONE);
}

static enum writer_slot booted_slot(const struct update *u)
{
	return (enum writer_slot)u->boot_raw.booted;
}

/* policy_say_sick - before a trial restarts: the last word of this release. */
void policy_say_sick(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->own.release);
	char why[UPDATELOG_WHY_SIZE];

	(void)snprintf(why, sizeof(why), "%.32s: %.150s", u->health.what, u->health.why);
	policy_note(u, u->health.what, u->health.why);
	say_line("not healthy in time: %s", why);
	if (a && u->state == UPDATEPLAN_TRIAL)
		set_outcome(u, a, UPDATELOG_TRIAL, why);
}

int policy_give_up(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->own.release);
	const char *why = a && a->why[0] ? a->why : "marked bad by order";
	char copy[UPDATELOG_WHY_SIZE];

	(void)snprintf(copy, sizeof(copy), "%s", why);
	refuse_release(u, u->own.release, u->own.has_root ? u->own.root : NULL, copy);
	if (a)
		set_outcome(u, a, UPDATELOG_FELL_BACK, copy);
	else
		(void)records_save_log(&u->rec);
	fault_point("mark-bad-order");
	return policy_tell_switch(u, WRITER_MARK_BAD, booted_slot(u));
}

int policy_roll_back(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->own.release);

	refuse_release(u, u->own.release, u->own.has_root ? u->own.root : NULL,
		       "rolled back by order");
	if (a)
		set_outcome(u, a, UPDATELOG_ROLLED_BACK, "rolled back by order");
	else
		(void)records_save_log(&u->rec);
	fault_point("rollback-order");
	return policy_tell_switch(u, WRITER_ROLLBACK, WRITER_SLOT_NONE);
}

int policy_marked_good(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->own.release);

	fault_point("marked-good");
	u->marked = true;
	health_end(&u->health);
	/* The part that runs the checks has nothing more to do in this boot. */
	io_close_p(&u->health.part_fd);
	u->health.part_fd = -1;
	if (a && a->outcome == UPDATELOG_TRIAL)
		set_outcome(u, a, UPDATELOG_GOOD, "");
	/* In every start: each takes a try, which is given back only now. */
	say_line("good release=%llu", (unsigned long long)u->own.release);
	policy_note(u, "", "");
	u->failures = 0;
	if (u->own.floor > u->rec.version_floor) {
		u->rec.version_floor = u->own.floor;
		(void)records_save_keep(&u->rec);
	}
	policy_rest(u);
	/* After the boot state says so: until then the other slot may be started again. */
	policy_good_sealed(u);
	if (u->boot_raw.stage1 && !u->tried_stage1) {
		u->tried_stage1 = true;
		return policy_tell(u, WRITER_STAGE1, WRITER_SLOT_NONE);
	}
	return 0;
}

/* service init is told that we live while service trust is waited for. */
static struct notify *fed;

static void feed(void)
{
	notify_alive(fed, main_now_ms());
}

void policy_good_sealed(struct update *u)
{
	struct err err = { "" };

	fed = &u->notify;
	fault_point("seal-good");
	u->seal_again_ms = 0;
	if (orders_good(feed, &err) == 0)
		return;
	/* Nothing is lost by it: what is withdrawn opens DATA until it is made good. */
	if (orders_data_in_use()) {
		say_line("not sealed anew why=\"%s\"", err.msg);
		u->seal_again_ms = main_now_ms() + SEAL_AGAIN_MS;
	}
}

/* seal - so that what is tried opens DATA. Where DATA is shut in this boot there is no key to be
 * had, and an update may be what mends it. */
static int seal(struct update *u, struct err *err)
{
	char path[128];
	int trust _cleanup_close_ = -1;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", u->rec.dir, RECORDS_TRUST_FILE);
	trust = open(path, O_RDONLY | O_CLOEXEC);
	fed = &u->notify;
	rc = orders_seal(u->manifest, u->manifest_len, trust, feed, err);
	if (rc && !orders_data_in_use()) {
		(void)dprintf(2, "DATA is not in use, and is not sealed for what is tried: %s\n",
			      err->msg);
		return 0;
	}
	return rc;
}

int policy_activate(struct update *u)
{
	struct updatelog_attempt *a = attempt_of(u);
	struct err err = { "" };

	fault_point("seal-order");
	if (seal(u, &err)) {
		policy_note(u, "seal", err.msg);
		return policy_event(u, UPDATEPLAN_EV_BROKEN);
	}
	fault_point("sealed");
	/* In the history before the switch: after it there may be no time. */
	set_outcome(u, a, UPDATELOG_TRIAL, "");
	fault_point("activate-order");
	return policy_tell_switch(u, WRITER_ACTIVATE, WRITER_SLOT_NONE);
}
