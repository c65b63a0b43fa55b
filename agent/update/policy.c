// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "cmdline.h"
#include "fault.h"
#include "hex.h"
#include "io.h"
#include "orders.h"
#include "say.h"

#define REBOOT_AGAIN_MS 30000u
#define BLIND_AGAIN_MS 60000u
#define FLOOR_EVERY_MS 3600000u
#define SICK_AGAIN_MS 60000u
/* In run_dir from the order to switch slots to the restart: /run does not outlive this boot. */
#define SWITCHING_FILE "switching"

_Static_assert(UPDATE_WHY_SIZE <= UPDATELOG_WHY_SIZE, "a report's reason fits the history");
_Static_assert(UPDATE_VERSION_SIZE <= UPDATELOG_VERSION_SIZE, "a report's version fits");
_Static_assert(UPDATECONF_URL_SIZE == UPDATE_URL_SIZE, "a channel's URL fits");
_Static_assert(UPDATECONF_PROXY_SIZE == UPDATE_PROXY_SIZE, "a proxy's URL fits");

/* Saying and remembering. */

static void note(struct update *u, const char *what, const char *why)
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

/* The writer. */

static int order(struct update *u, enum writer_op op, enum writer_slot slot)
{
	const struct writer_order o = {
		.version = UPDATE_PROTO_VERSION,
		.op = op,
		.slot = slot,
	};

	return part_send(u->writer_fd, &o, sizeof(o));
}

static int order_install(struct update *u, const uint8_t *digest)
{
	char path[128];
	struct writer_order o = {
		.version = UPDATE_PROTO_VERSION,
		.op = WRITER_INSTALL,
		.flags = u->job.any_release ? WRITER_ANY_RELEASE : 0,
		.release = u->job.release,
		.floor = u->rec.version_floor,
	};
	int trust _cleanup_close_ = -1;

	memcpy(o.digest, digest, sizeof(o.digest));
	(void)snprintf(path, sizeof(path), "%s/%s", u->rec.dir, RECORDS_TRUST_FILE);
	trust = open(path, O_RDONLY | O_CLOEXEC);
	if (trust >= 0)
		o.flags |= WRITER_WITH_TRUST;
	memset(&u->progress, 0, sizeof(u->progress));
	memset(&u->speed, 0, sizeof(u->speed));
	fault_point("install-order");
	return part_send_fd(u->writer_fd, &o, sizeof(o), trust);
}

static const char *switching_file(const struct update *u, char ret_path[static 128])
{
	(void)snprintf(ret_path, 128, "%s/" SWITCHING_FILE, u->run_dir);
	return ret_path;
}

static void take_boot(struct update *u, const struct writer_bootstate *b)
{
	char path[128];

	u->boot_raw = *b;
	u->boot = (struct updateplan_boot){
		.known = b->known,
		.switched = access(switching_file(u, path), F_OK) == 0,
		.booted = b->booted == WRITER_SLOT_A   ? 0
			  : b->booted == WRITER_SLOT_B ? 1
						       : 2,
		.primary = b->primary == WRITER_SLOT_A	 ? 0
			   : b->primary == WRITER_SLOT_B ? 1
							 : 2,
		.good = { b->good[0], b->good[1] },
		.tries = { b->tries[0], b->tries[1] },
	};
}

/* order_switch - an order that makes the other slot the primary one. */
static int order_switch(struct update *u, enum writer_op op, enum writer_slot slot)
{
	char path[128];
	int rc = io_replace_file(switching_file(u, path), "", 0, 0600);

	if (rc)
		(void)dprintf(2, "cannot write %s: %s\n", path, strerror(-rc));
	return order(u, op, slot);
}

/* Where to read from. */

static void fill_config(struct update *u, struct source_config *c, enum source_kind kind,
			const char *url)
{
	static const uint32_t ca[] = { SOURCE_CA_NONE, SOURCE_CA_PUBLIC, SOURCE_CA_OPERATOR };

	memset(c, 0, sizeof(*c));
	c->version = UPDATE_PROTO_VERSION;
	c->op = SOURCE_CONFIG;
	c->kind = kind;
	c->ca = ca[u->conf.ca];
	c->limit_kib_s = u->conf.bandwidth_kib_s;
	(void)snprintf(c->url, sizeof(c->url), "%s", url);
	(void)snprintf(c->proxy, sizeof(c->proxy), "%s", u->conf.proxy);
}

static void new_job(struct update *u, enum updatelog_source source)
{
	io_close_p(&u->job.fd);
	memset(&u->job, 0, sizeof(u->job));
	u->job.fd = -1;
	u->job.source = source;
}

static void leave_stick(struct update *u)
{
	const struct stick_done done = { .version = STICK_VERSION };

	if (u->stick_used && u->stick_fd >= 0)
		(void)part_send(u->stick_fd, &done, sizeof(done));
	u->stick_used = false;
}

static bool synced(const struct update *u)
{
	char text[256], state[16] = "";

	if (io_read_file(u->time_file, text, sizeof(text), NULL) ||
	    cmdline_get(text, "state", state, sizeof(state)))
		return false;
	/* It was set in this boot, and goes on by itself where the network is away. */
	return strcmp(state, "synced") == 0 || strcmp(state, "holding") == 0;
}

/* Going on. */

static void arm(struct update *u, uint64_t wait_ms)
{
	u->timer_ms = main_now_ms() + (wait_ms ? wait_ms : 1);
	u->dirty = true;
}

static void arm_poll(struct update *u, uint32_t wait_s)
{
	u->timer_ms = 0;
	if (!u->rec.paused && u->conf.channel[0])
		arm(u, 1000ull * wait_s);
}

/* rest - until the next poll; the first one of a boot comes soon. */
static void rest(struct update *u)
{
	uint64_t n = ++u->rec.polls;

	leave_stick(u);
	arm_poll(u, u->polled ? updateplan_poll_s(&u->conf, u->rec.seed, n)
			      : updateplan_first_s(&u->conf, u->rec.seed, n));
}

static void retry(struct update *u)
{
	u->failures++;
	leave_stick(u);
	if (u->state == UPDATEPLAN_BLIND)
		arm(u, BLIND_AGAIN_MS);
	else
		arm_poll(u,
			 updateplan_backoff_s(&u->conf, u->rec.seed, ++u->rec.polls, u->failures));
}

/* hold - until the window opens, or, where it is open or nothing goes by itself, the next poll. */
static void hold(struct update *u)
{
	uint32_t wait = updateplan_window_s(&u->conf, main_wall_s());

	if (u->state == UPDATEPLAN_WAITING && wait)
		arm_poll(u, wait);
	else
		arm_poll(u, updateplan_poll_s(&u->conf, u->rec.seed, ++u->rec.polls));
}

/* stop_probe - what is to be read now comes before a look for health's sake. */
static void stop_probe(struct update *u)
{
	if (!u->probing)
		return;
	u->probing = false;
	source_cancel(&u->source);
	health_channel(&u->health, "was read for something else", main_now_ms());
}

static int check_channel(struct update *u)
{
	const char *url = u->conf.channel;

	stop_probe(u);
	u->polled = true;
	new_job(u, UPDATELOG_CHANNEL);
	u->timer_ms = 0;
	if (u->stick_found.version) {
		new_job(u, UPDATELOG_STICK);
		u->job.forced = true;
		u->stick_used = true;
		url = u->stick_found.url;
		u->stick_found.version = 0;
		if (u->stick_found.kind == SOURCE_FILE) {
			fill_config(u, &u->job.config, SOURCE_FILE, url);
			return source_bundle(&u->source, &u->job.config, -1, main_now_ms());
		}
	}
	if (!url[0]) {
		note(u, "channel", "no channel is set");
		return policy_event(u, UPDATEPLAN_EV_UNREACHABLE);
	}
	fill_config(u, &u->job.config, SOURCE_FOLDER, url);
	fault_point("channel-read");
	return source_channel(&u->source, &u->job.config, main_now_ms());
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

static int install(struct update *u, enum updatelog_kind kind)
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
	return order_install(u, kind == UPDATELOG_DELTA ? u->job.delta : u->job.full);
}

static int note_written(struct update *u)
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
	note(u, "", "");
	set_outcome(u, a, UPDATELOG_WRITTEN, "");
	say_line("written release=%llu", (unsigned long long)u->job.release);
	io_close_p(&u->job.fd);
	leave_stick(u);
	fault_point("written");
	arm_poll(u, updateplan_poll_s(&u->conf, u->rec.seed, ++u->rec.polls));
	return 0;
}

/* failed - the attempt, or the check before it; it may be tried again. */
static void failed(struct update *u, enum updatelog_outcome outcome)
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

static void remember(struct update *u)
{
	struct updatelog_refused f = { .time_s = main_wall_s(), .has_manifest = true };

	/* Only the bundle: mended and published again, the release may be taken. */
	if (u->job.has_full) {
		memcpy(f.manifest, u->job.full, sizeof(f.manifest));
		(void)snprintf(f.why, sizeof(f.why), "%s", u->why);
		updatelog_refuse(&u->rec.log, &f);
	}
	failed(u, UPDATELOG_REFUSED_IT);
	(void)records_save_log(&u->rec);
	retry(u);
}

/* record_fallback - GRUB did not start the primary slot, or left it after its tries. */
static int record_fallback(struct update *u)
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
		note(u, "fallback", why);
		say_line("left release=%llu why=\"%s\"", (unsigned long long)a->release, why);
		(void)records_save_log(&u->rec);
	} else {
		note(u, "fallback", "the primary slot was left by the boot loader");
		say_line("left what=fallback why=\"%s\"", u->why);
	}
	fault_point("fallback-recorded");
	return order(u, WRITER_PRIMARY, WRITER_SLOT_NONE);
}

static enum writer_slot booted_slot(const struct update *u)
{
	return (enum writer_slot)u->boot_raw.booted;
}

/* say_sick - before a trial restarts: the last word of this release. */
static void say_sick(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->own.release);
	char why[UPDATELOG_WHY_SIZE];

	(void)snprintf(why, sizeof(why), "%.32s: %.150s", u->health.what, u->health.why);
	note(u, u->health.what, u->health.why);
	say_line("not healthy in time: %s", why);
	if (a && u->state == UPDATEPLAN_TRIAL)
		set_outcome(u, a, UPDATELOG_TRIAL, why);
}

static int give_up_booted(struct update *u)
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
	return order_switch(u, WRITER_MARK_BAD, booted_slot(u));
}

static int roll_back(struct update *u)
{
	struct updatelog_attempt *a = updatelog_last(&u->rec.log, u->own.release);

	refuse_release(u, u->own.release, u->own.has_root ? u->own.root : NULL,
		       "rolled back by order");
	if (a)
		set_outcome(u, a, UPDATELOG_ROLLED_BACK, "rolled back by order");
	else
		(void)records_save_log(&u->rec);
	fault_point("rollback-order");
	return order_switch(u, WRITER_ROLLBACK, WRITER_SLOT_NONE);
}

static int marked_good(struct update *u)
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
	note(u, "", "");
	u->failures = 0;
	if (u->own.floor > u->rec.version_floor) {
		u->rec.version_floor = u->own.floor;
		(void)records_save_keep(&u->rec);
	}
	rest(u);
	if (u->boot_raw.stage1 && !u->tried_stage1) {
		u->tried_stage1 = true;
		return order(u, WRITER_STAGE1, WRITER_SLOT_NONE);
	}
	return 0;
}

static int activate(struct update *u)
{
	struct updatelog_attempt *a = attempt_of(u);

	/* In the history before the switch: after it there may be no time. */
	set_outcome(u, a, UPDATELOG_TRIAL, "");
	fault_point("activate-order");
	return order_switch(u, WRITER_ACTIVATE, WRITER_SLOT_NONE);
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
	arm(u, REBOOT_AGAIN_MS);
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
		return order(u, WRITER_STATE, WRITER_SLOT_NONE);
	case UPDATEPLAN_DO_WATCH:
		fault_point("watch");
		health_begin(&u->health, u->conf.health_window_s, u->conf.require_channel,
			     main_now_ms());
		return 0;
	case UPDATEPLAN_DO_RECORD_FALLBACK:
		return record_fallback(u);
	case UPDATEPLAN_DO_MARK_GOOD:
		fault_point("mark-good-order");
		return order(u, WRITER_MARK_GOOD, WRITER_SLOT_NONE);
	case UPDATEPLAN_DO_MARK_BAD:
		return give_up_booted(u);
	case UPDATEPLAN_DO_CHECK:
		return check_channel(u);
	case UPDATEPLAN_DO_CHECK_GIVEN:
		stop_probe(u);
		u->timer_ms = 0;
		return source_bundle(&u->source, &u->job.config, u->job.fd, main_now_ms());
	case UPDATEPLAN_DO_INSTALL_DELTA:
		return install(u, UPDATELOG_DELTA);
	case UPDATEPLAN_DO_INSTALL_FULL:
		return install(u, UPDATELOG_FULL);
	case UPDATEPLAN_DO_ABORT:
		source_cancel(&u->source);
		if (u->state == UPDATEPLAN_ABORTING)
			return order(u, WRITER_ABORT, WRITER_SLOT_NONE);
		rest(u);
		return 0;
	case UPDATEPLAN_DO_REST:
		/* A check that went well, or an end that was ordered. */
		u->failures = 0;
		rest(u);
		return 0;
	case UPDATEPLAN_DO_REST_GOOD:
		return marked_good(u);
	case UPDATEPLAN_DO_RETRY:
		failed(u, UPDATELOG_FAILED);
		retry(u);
		return 0;
	case UPDATEPLAN_DO_REMEMBER:
		remember(u);
		return 0;
	case UPDATEPLAN_DO_HOLD:
		leave_stick(u);
		hold(u);
		return 0;
	case UPDATEPLAN_DO_NOTE_WRITTEN:
		return note_written(u);
	case UPDATEPLAN_DO_ACTIVATE:
		return activate(u);
	case UPDATEPLAN_DO_ROLLBACK:
		return roll_back(u);
	case UPDATEPLAN_DO_REBOOT:
		return reboot(u);
	case UPDATEPLAN_DO_RESET:
		/* The marker was written when the order came (policy_order). */
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

	new_job(u, UPDATELOG_CHANNEL);
	u->state = UPDATEPLAN_START;
	rc = order(u, WRITER_STATE, WRITER_SLOT_NONE);
	return rc ? err_sys(err, rc, "the writer part is lost") : 0;
}

/* Reports of the writer. */

static void measure(struct update *u, const struct writer_report *r)
{
	uint64_t now = main_now_ms();

	if (u->speed.at_ms == 0 || r->fetched < u->speed.fetched) {
		u->speed.at_ms = now;
		u->speed.fetched = r->fetched;
	} else if (now - u->speed.at_ms >= 1000) {
		u->speed.bytes_s = (r->fetched - u->speed.fetched) * 1000 / (now - u->speed.at_ms);
		u->speed.at_ms = now;
		u->speed.fetched = r->fetched;
	}
}

static enum updateplan_event event_of(const struct writer_report *r)
{
	if (r->rc == 0)
		return UPDATEPLAN_EV_DONE;
	switch (r->cause) {
	case WRITER_CAUSE_SOURCE:
		/* What the channel names and the server does not have: the full one may be there.
		 */
		return r->rc == -ENOENT ? UPDATEPLAN_EV_NO_DELTA : UPDATEPLAN_EV_NO_SOURCE;
	case WRITER_CAUSE_DELTA:
		return UPDATEPLAN_EV_NO_DELTA;
	case WRITER_CAUSE_BUNDLE:
		return UPDATEPLAN_EV_REFUSED;
	case WRITER_CAUSE_ABORTED:
		return UPDATEPLAN_EV_ABORTED;
	default:
		return UPDATEPLAN_EV_BROKEN;
	}
}

static bool texts_end(const struct writer_report *r)
{
	return memchr(r->what, '\0', sizeof(r->what)) && memchr(r->why, '\0', sizeof(r->why)) &&
	       memchr(r->release_version, '\0', sizeof(r->release_version));
}

int policy_report(struct update *u, const struct writer_report *r)
{
	enum updateplan_event event;

	if (r->version != UPDATE_PROTO_VERSION || !texts_end(r) || r->cause >= WRITER_CAUSES)
		return -EBADMSG;
	u->dirty = true;
	if (!r->final) {
		u->progress = *r;
		measure(u, r);
		say_progress(u);
		return 0;
	}
	if (r->op == WRITER_STAGE1) {
		say_line("stage1 %s: %s", r->rc ? "failed" : "done", r->why);
		return 0;
	}
	take_boot(u, &r->boot);
	u->progress = *r;
	event = event_of(r);
	if (event != UPDATEPLAN_EV_DONE && event != UPDATEPLAN_EV_ABORTED) {
		note(u, r->what[0] ? r->what : "writer", r->why[0] ? r->why : strerror(-r->rc));
		if (u->state == UPDATEPLAN_DELTA)
			say_line("delta not used: %s", u->why);
	}
	/* Nothing more to fall back to where the full bundle is what is not there. */
	if (event == UPDATEPLAN_EV_NO_DELTA && r->cause == WRITER_CAUSE_SOURCE &&
	    u->state == UPDATEPLAN_FULL)
		event = UPDATEPLAN_EV_NO_SOURCE;
	if ((u->state == UPDATEPLAN_START || u->state == UPDATEPLAN_FALLBACK) && !r->rc)
		event = updateplan_boot_event(&u->boot);
	return policy_event(u, event);
}

/* Results of the source. */

static enum updateplan_event judge_offer(struct update *u, uint64_t full_bytes,
					 uint64_t delta_bytes)
{
	const struct updatelog_refused *f =
		updatelog_find(&u->rec.log, u->job.release, u->job.full, NULL);
	const struct updateplan_offer o = {
		.release = u->job.release,
		.full_bytes = full_bytes,
		.delta_bytes = delta_bytes,
		.refused = f != NULL,
		.given = u->job.source == UPDATELOG_GIVEN,
		.no_delta = u->job.release == u->no_delta_for,
		.booted_release = u->own.release,
		.written_release = u->written_release,
		.window_open = u->job.forced || updateplan_window_s(&u->conf, main_wall_s()) == 0,
	};
	enum updateplan_event event = updateplan_offer_event(&o);

	if (event == UPDATEPLAN_EV_NOTHING || event == UPDATEPLAN_EV_KEEP) {
		if (f && u->job.release > u->own.release) {
			char why[UPDATELOG_WHY_SIZE];

			(void)snprintf(why, sizeof(why), "release %llu failed here: %.140s",
				       (unsigned long long)u->job.release, f->why);
			note(u, "refused", why);
			say_line("refuses %s", why);
		} else {
			note(u, "", "");
		}
		/* What is known is the release that runs, or the one that is written. */
		if (event == UPDATEPLAN_EV_KEEP)
			u->job.release = u->written_release;
		else
			u->job.release = 0;
	}
	return event;
}

static enum updateplan_event refuse_channel(struct update *u, const char *what, const char *why)
{
	note(u, what, why);
	u->job.has_full = false;
	return UPDATEPLAN_EV_UNREACHABLE;
}

/* take_channel - signatures hold; may it be followed, and what does it offer? */
static enum updateplan_event take_channel(struct update *u)
{
	const struct channel *c = &u->source.channel;
	bool stick = u->job.source == UPDATELOG_STICK, is_synced = synced(u);
	int64_t wall = main_wall_s();
	uint64_t now = main_now_ms();
	const struct channel_want want = {
		.compatible = u->own.compatible,
		.name = u->conf.name[0] ? u->conf.name : NULL,
		/* A stick may have lain in a drawer: what it offers is judged by itself. */
		.sequence = stick ? 0 : u->rec.sequence,
		.last_digest = !stick && u->rec.has_digest ? u->rec.digest : NULL,
		.trust = u->trust.number,
		.now = (uint64_t)updatetime_now(&u->time, is_synced, wall, now),
	};
	const struct channel_bundle *delta;
	struct err err = { "" };

	u->channel_time = updatetime_judge(&u->time, (int64_t)c->created, (int64_t)c->expires,
					   is_synced, wall, now);
	u->created_s = (int64_t)c->created;
	u->expires_s = (int64_t)c->expires;
	u->has_channel = true;
	if (u->trust.expires <= want.now)
		return refuse_channel(u, "trust", "the trust of this machine has expired");
	if (channel_check(c, u->source.digest, &want, &err))
		return refuse_channel(u, "channel", err.msg);
	if (u->channel_time == UPDATETIME_FUTURE)
		return refuse_channel(u, "channel", "it was made in the future");
	if (u->channel_time == UPDATETIME_UNPROVEN)
		(void)dprintf(2, "the clock is not set: whether the channel is current is not "
				 "certain\n");
	fault_point("channel-taken");
	if (!stick && c->sequence > u->rec.sequence) {
		u->rec.sequence = c->sequence;
		u->rec.has_digest = true;
		memcpy(u->rec.digest, u->source.digest, sizeof(u->rec.digest));
		updatetime_created(&u->time, (int64_t)c->created, now);
		u->rec.floor_s = updatetime_floor(&u->time, is_synced, wall, now);
		if (records_save_keep(&u->rec))
			return refuse_channel(u, "data", "its sequence cannot be kept");
	}
	u->job.release = c->release;
	(void)snprintf(u->job.version, sizeof(u->job.version), "%s", c->version);
	memcpy(u->job.full, c->full.manifest, sizeof(u->job.full));
	u->job.has_full = true;
	delta = u->own.has_root ? channel_delta(c, u->own.root) : NULL;
	if (delta) {
		u->job.has_delta = true;
		memcpy(u->job.delta, delta->manifest, sizeof(u->job.delta));
	}
	return judge_offer(u, c->full.size_bytes, delta ? delta->size_bytes : 0);
}

/* take_bundle - the head of a given bundle. */
static enum updateplan_event take_bundle(struct update *u)
{
	const struct bundle *b = &u->source.bundle;
	const struct bundle_want want = {
		.compatible = u->own.compatible,
		.architecture = u->own.architecture,
		.release = u->own.release,
		.floor = u->rec.version_floor > u->own.floor ? u->rec.version_floor : u->own.floor,
		.stage1 = UINT32_MAX, /* the writer knows */
		.older_allowed = u->job.any_release,
	};
	struct err err = { "" };

	u->job.release = b->release;
	(void)snprintf(u->job.version, sizeof(u->job.version), "%s", b->version);
	memcpy(b->delta ? u->job.delta : u->job.full, u->source.digest, SHA256_SIZE);
	u->job.has_full = !b->delta;
	u->job.has_delta = b->delta;
	/* The writer decides; what it would refuse is not worth giving a slot up for. */
	if (bundle_check(b, &want, &err)) {
		note(u, "bundle", err.msg);
		return UPDATEPLAN_EV_UNREACHABLE;
	}
	if (b->delta)
		return judge_offer(u, UINT64_MAX, 1);
	return judge_offer(u, 1, 0);
}

int policy_source(struct update *u, enum source_result result)
{
	enum updateplan_event event;

	if (result == SOURCE_NOT_YET)
		return 0;
	if (u->probing) {
		u->probing = false;
		health_channel(&u->health, result == SOURCE_OK ? NULL : u->source.err.msg,
			       main_now_ms());
		return 0;
	}
	if (u->state != UPDATEPLAN_CHECKING)
		return 0;
	if (result == SOURCE_OK) {
		event = u->source.bundle_wanted ? take_bundle(u) : take_channel(u);
	} else {
		note(u, u->source.bundle_wanted ? "bundle" : "channel", u->source.err.msg);
		event = UPDATEPLAN_EV_UNREACHABLE;
	}
	/* What is written stays, whatever became of the look for something newer. */
	if (event == UPDATEPLAN_EV_UNREACHABLE && u->written_release) {
		u->job.release = u->written_release;
		event = UPDATEPLAN_EV_KEEP;
	}
	return policy_event(u, event);
}

/* Time. */

static void keep_floor(struct update *u, uint64_t now)
{
	if (now - u->floor_saved_ms < FLOOR_EVERY_MS)
		return;
	u->floor_saved_ms = now;
	u->rec.floor_s = updatetime_floor(&u->time, synced(u), main_wall_s(), now);
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
		fill_config(u, &u->job.config, SOURCE_FOLDER, u->conf.channel);
		if (!u->conf.channel[0] ||
		    source_channel(&u->source, &u->job.config, now) == -EBUSY) {
			health_channel(&u->health, "no channel can be read now", now);
			return 0;
		}
		u->probing = true;
		return 0;
	case HEALTH_WINDOW_OVER: {
		enum updateplan_event event = updateplan_sick_event(&u->boot);

		say_sick(u);
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
	if (!rc && u->stick_found.version &&
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

/* Orders. */

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
	new_job(u, UPDATELOG_GIVEN);
	u->job.forced = true;
	u->job.any_release = q->flags & UPDATE_ANY_RELEASE;
	u->job.fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	fill_config(u, &u->job.config, fd < 0 ? SOURCE_FILE : SOURCE_FD, q->text);
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
		arm_poll(u, 1);
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
