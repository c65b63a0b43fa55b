// SPDX-License-Identifier: Apache-2.0
/*
 * The writer part: the only process that can write slots and boot state, and it cannot write the
 * slot that runs. It takes nothing but struct writer_order, and believes neither main nor fetch:
 * what it writes it has checked against the release's own trust.
 */
#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "agent/update/fault.h"
#include "bootstateio.h"
#include "io.h"
#include "slotinstall.h"

#define PROGRESS_MS 250

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- what main hears --- */

void writer_progress(struct writer *w, enum writer_phase phase, uint64_t done, uint64_t total)
{
	uint64_t now = now_ms();

	if (w->report.phase == (uint32_t)phase && now < w->reported_ms + PROGRESS_MS)
		return;
	w->report.phase = phase;
	w->report.done = done;
	w->report.total = total;
	w->report.fetched = writer_source_fetched(&w->source);
	w->reported_ms = now;
	/* That main is gone is found out when it is read from. */
	(void)part_send(w->main_fd, &w->report, sizeof(w->report));
}

int writer_fail(struct writer *w, int rc, enum writer_cause cause, const char *what,
		const struct err *err)
{
	w->report.rc = rc;
	w->report.cause = cause;
	(void)snprintf(w->report.what, sizeof(w->report.what), "%s", what);
	(void)snprintf(w->report.why, sizeof(w->report.why), "%.*s", (int)sizeof(w->report.why) - 1,
		       err->msg);
	return rc;
}

static enum writer_slot slot_number(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_A   ? WRITER_SLOT_A
	       : slot == BOOTSTATE_B ? WRITER_SLOT_B
				     : WRITER_SLOT_NONE;
}

static void report_state(struct writer *w, const struct bootstateio *s)
{
	w->report.boot = (struct writer_bootstate){
		.known = !s->lost,
		.repaired = w->repaired,
		.booted = (uint8_t)slot_number(w->running),
		.primary = (uint8_t)slot_number(s->state.primary),
		.good = { s->state.a.good, s->state.b.good },
		.tries = { s->state.a.tries, s->state.b.tries },
		.esp = s->state.esp,
		.stage1 = stage1_waits(&w->stage1, w->running),
	};
}

/* --- the boot state --- */

static int look_at_state(struct writer *w, struct err *err)
{
	struct bootstateio s;
	int rc = bootstateio_load(&w->state.io, w->running, &s, err);

	if (!rc)
		report_state(w, &s);
	return rc;
}

static int repair_state(struct writer *w, struct err *err)
{
	struct bootstateio s;
	int rc = bootstateio_load(&w->state.io, w->running, &s, err);

	if (rc || !bootstateio_needs_repair(&s))
		return rc;
	rc = bootstateio_repair(&w->state.io, &s, err);
	w->repaired = w->repaired || !rc;
	(void)dprintf(2, "writer: the boot state was damaged%s%s\n",
		      rc ? " and cannot be repaired: " : ": repaired", rc ? err->msg : "");
	/* A block that stays bad is not the end: the other copy says it all. */
	return s.lost ? rc : 0;
}

static int roll_back(struct bootstate *state, enum bootstate_slot slot)
{
	(void)slot;
	return bootstate_rollback(state);
}

static void change_state(struct writer *w, enum bootstate_slot slot,
			 int (*event)(struct bootstate *state, enum bootstate_slot slot),
			 const char *what)
{
	struct err err = { "" };
	int rc;

	writer_progress(w, WRITER_SWITCHING, 0, 0);
	rc = slotinstall_event(&w->state.io, w->running, slot, event, what, NULL, &err);
	if (rc)
		(void)writer_fail(w, rc, WRITER_CAUSE_STATE, "state", &err);
}

/* Said in the answer where it was an order of its own, else in the log only. */
static void go_on_with_stage1(struct writer *w, bool ordered)
{
	struct err err = { "" };
	int rc = stage1_go(&w->stage1, w->running, &err);

	if (ordered && rc)
		(void)writer_fail(w, rc, WRITER_CAUSE_SYSTEM, "stage1", &err);
	else if (ordered)
		(void)snprintf(w->report.why, sizeof(w->report.why), "%.*s",
			       (int)sizeof(w->report.why) - 1, err.msg);
	else if (err.msg[0])
		(void)dprintf(2, "cairn: update stage1 %s: %s\n", rc ? "failed" : "done", err.msg);
}

static bool is_verified(const struct writer *w, const struct writer_order *order)
{
	static const uint8_t any[SHA256_SIZE];

	return w->verified &&
	       (memcmp(order->digest, any, sizeof(any)) == 0 ||
		memcmp(order->digest, w->verified_digest, sizeof(w->verified_digest)) == 0);
}

static void activate(struct writer *w, const struct writer_order *order, int trust_fd)
{
	/* What another life wrote is found right, frame by frame, or written again. */
	if (!is_verified(w, order))
		writer_install(w, order, trust_fd);
	if (w->report.rc)
		return;
	fault_point("writer-activate");
	change_state(w, w->inactive, bootstate_activate, "activate");
	fault_point("writer-activated");
	/* A stage 1 that the bundle brought is tried by the same restart. */
	if (!w->report.rc && stage1_waits(&w->stage1, w->running))
		go_on_with_stage1(w, false);
}

/* --- orders --- */

static void carry_out(struct writer *w, const struct writer_order *order, int trust_fd)
{
	struct err err = { "" };
	int rc = 0;

	switch (order->op) {
	case WRITER_STATE:
		rc = repair_state(w, &err);
		break;
	case WRITER_INSTALL:
		writer_install(w, order, trust_fd);
		break;
	case WRITER_ABORT:
		break; /* what it was for is over */
	case WRITER_ACTIVATE:
		activate(w, order, trust_fd);
		break;
	case WRITER_MARK_GOOD:
		fault_point("writer-mark-good");
		change_state(w, w->running, bootstate_mark_good, "mark good");
		fault_point("writer-marked-good");
		break;
	case WRITER_MARK_BAD:
		change_state(w, order->slot == WRITER_SLOT_A ? BOOTSTATE_A : BOOTSTATE_B,
			     bootstate_mark_bad, "mark bad");
		break;
	case WRITER_ROLLBACK:
		change_state(w, w->inactive, roll_back, "roll back to");
		break;
	case WRITER_PRIMARY:
		change_state(w, w->running, bootstate_select, "select");
		break;
	case WRITER_STAGE1:
		go_on_with_stage1(w, true);
		break;
	default:
		rc = err_set(&err, -ENOSYS, "order %u is not known", order->op);
		(void)writer_fail(w, rc, WRITER_CAUSE_SYSTEM, "order", &err);
		return;
	}
	if (!rc)
		rc = look_at_state(w, &err);
	if (rc && !w->report.rc)
		(void)writer_fail(w, rc, WRITER_CAUSE_STATE, "state", &err);
}

static bool well_formed(const struct writer_order *order)
{
	return order->version == UPDATE_PROTO_VERSION && order->op >= WRITER_STATE &&
	       order->op < WRITER_OPS &&
	       (order->flags & ~(uint32_t)(WRITER_ANY_RELEASE | WRITER_WITH_TRUST)) == 0 &&
	       (order->op != WRITER_MARK_BAD || order->slot == WRITER_SLOT_A ||
		order->slot == WRITER_SLOT_B);
}

/* part_receive, with the descriptor that may come along. */
static int receive_order(int fd, struct writer_order *ret, int *ret_fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	*ret_fd = -1;
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	if ((size_t)n != sizeof(*ret) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    !well_formed(ret) || (*ret_fd >= 0) != !!(ret->flags & WRITER_WITH_TRUST))
		return -EBADMSG;
	return 0;
}

/* why_not: what keeps this machine from being updated at all, or NULL. */
static int serve(struct writer *w, const struct err *why_not)
{
	for (;;) {
		int trust_fd _cleanup_close_ = -1;
		struct writer_order order;
		int rc = receive_order(w->main_fd, &order, &trust_fd);

		if (rc)
			return rc == -EPIPE ? 0 : 111;
		w->report = (struct writer_report){
			.version = UPDATE_PROTO_VERSION,
			.op = order.op,
		};
		w->reported_ms = 0;
		if (why_not)
			(void)writer_fail(w, -ENODEV, WRITER_CAUSE_SYSTEM, "disk", why_not);
		else
			carry_out(w, &order, trust_fd);
		if (w->source.broken)
			return 111;
		/* An ABORT that came too late has no answer of its own either. */
		if (order.op == WRITER_ABORT)
			continue;
		w->report.final = 1;
		if (part_send(w->main_fd, &w->report, sizeof(w->report)))
			return 111;
	}
}

int writer_serve(struct writer *w)
{
	return serve(w, NULL);
}

int writer_run(int main_fd, int source_fd)
{
	static struct writer w;
	struct err err = { "" }, why_not = { "" };
	int opened;

	w.main_fd = w.source.main_fd = main_fd;
	w.source.fd = source_fd;
	opened = writer_open_machine(&w, &why_not);
	if (sandbox_enter(privileges_of("update-writer"), &err)) {
		(void)dprintf(2, "writer: %s\n", err.msg);
		return 111;
	}
	if (opened) {
		(void)dprintf(2, "writer: %s\n", why_not.msg);
		return serve(&w, &why_not);
	}
	(void)repair_state(&w, &err);
	return writer_serve(&w);
}
