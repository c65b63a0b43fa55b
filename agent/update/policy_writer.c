// SPDX-License-Identifier: Apache-2.0
/* What main says to the writer, and what the writer's answers mean. */
#include "policy_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "fault.h"
#include "io.h"
#include "say.h"

/* In run_dir from the order to switch slots to the restart: /run does not outlive this boot. */
#define SWITCHING_FILE "switching"

int policy_tell(struct update *u, enum writer_op op, enum writer_slot slot)
{
	const struct writer_order o = {
		.version = UPDATE_PROTO_VERSION,
		.op = op,
		.slot = slot,
	};

	return part_send(u->writer_fd, &o, sizeof(o));
}

int policy_tell_install(struct update *u, const uint8_t *digest)
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

/* policy_tell_switch - an order that makes the other slot the primary one. */
int policy_tell_switch(struct update *u, enum writer_op op, enum writer_slot slot)
{
	char path[128];
	int rc = io_replace_file(switching_file(u, path), "", 0, 0600);

	if (rc)
		(void)dprintf(2, "cannot write %s: %s\n", path, strerror(-rc));
	return policy_tell(u, op, slot);
}

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
		/* What the channel names and the server does not have, or has otherwise: the full
		 * one may be there. */
		return r->rc == -ENOENT || r->rc == -EXDEV || r->rc == -EKEYREJECTED ||
				       r->rc == -EBADMSG || r->rc == -EPROTO
			       ? UPDATEPLAN_EV_NO_DELTA
			       : UPDATEPLAN_EV_NO_SOURCE;
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

	if (r->version != UPDATE_PROTO_VERSION || !texts_end(r) || r->cause >= WRITER_CAUSES ||
	    r->manifest_len > sizeof(r->manifest))
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
	if (r->op == WRITER_INSTALL && !r->rc) {
		u->manifest_len = r->manifest_len;
		memcpy(u->manifest, r->manifest, r->manifest_len);
	}
	u->progress = *r;
	event = event_of(r);
	if (event != UPDATEPLAN_EV_DONE && event != UPDATEPLAN_EV_ABORTED) {
		policy_note(u, r->what[0] ? r->what : "writer",
			    r->why[0] ? r->why : strerror(-r->rc));
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
