// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/update/fault.h"
#include "slotfork.h"
#include "slotinstall.h"

/* The old partitions while a delta is applied: whose failure was it? */
struct watched {
	const struct blockio *base;
	bool failed;
	struct blockio io;
};

/* One INSTALL under way. */
struct install {
	struct writer *w;
	struct watched old_boot, old_root;
	struct slotwrite_result result;
	enum writer_phase phase;
};

static int watched_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	struct watched *o = ctx;
	int rc = o->base->read(o->base->ctx, ret_buf, len, offset_bytes);

	if (rc)
		o->failed = true;
	return rc;
}

/* Reading is all that the running slot is open for; there is nothing else to pass on. */
static void watched_init(struct watched *o, const struct blockio *base)
{
	o->base = base;
	o->failed = false;
	o->io = (struct blockio){
		.ctx = o,
		.size_bytes = base->size_bytes,
		.sector_bytes = base->sector_bytes,
		.read = watched_read,
	};
}

/* From the release's own trust along what the machine has taken since. */
static int load_trust(struct writer *w, int trust_fd, struct err *err)
{
	uint8_t *chain;
	size_t len = 0;
	ssize_t n = 1;

	w->trust = w->shipped;
	if (trust_fd < 0)
		return 0;
	chain = malloc(TRUST_CHAIN_MAX);
	if (!chain)
		return err_set(err, -ENOMEM, "no memory");
	while (n > 0 && len < TRUST_CHAIN_MAX) {
		n = pread(trust_fd, chain + len, TRUST_CHAIN_MAX - len, (off_t)len);
		len += n > 0 ? (size_t)n : 0;
	}
	/* A damaged end of the file takes nothing away from what is before it. */
	if (n >= 0 && trust_chain(&w->trust, chain, len, err))
		(void)dprintf(2, "writer: trust on DATA: %s\n", err->msg);
	free(chain);
	return n < 0 ? err_set(err, -EIO, "the trust on DATA cannot be read") : 0;
}

static int fail_source(struct writer *w, int rc, const struct err *err)
{
	if (w->source.aborted)
		return writer_fail(w, -ECANCELED, WRITER_CAUSE_ABORTED, "aborted", err);
	return writer_fail(w, rc, WRITER_CAUSE_SOURCE, "source", err);
}

/*
 * Is what came the manifest that was named, signed by who may? Until then its faults are those of
 * whoever sent it: who can change bytes on the way must not make a machine refuse a good release.
 */
static bool is_named(const struct writer *w, const struct writer_order *order, uint64_t now)
{
	struct signed_doc doc;

	return signed_split(w->get->head, sizeof(w->get->head), &doc, NULL) == 0 &&
	       memcmp(doc.digest, order->digest, sizeof(doc.digest)) == 0 &&
	       trust_check(&w->trust, TRUST_RELEASE, &doc, now, NULL) == 0;
}

static int fail_bundle(struct writer *w, int rc, bool named, const struct err *err)
{
	if (w->source.failed || w->source.aborted || rc == -EPIPE)
		return fail_source(w, rc, err);
	return writer_fail(w, rc, named ? WRITER_CAUSE_BUNDLE : WRITER_CAUSE_SOURCE,
			   rc == -EKEYREJECTED	? "signature"
			   : rc == -EKEYEXPIRED ? "trust"
			   : rc == -EXDEV	? "digest"
						: "manifest",
			   err);
}

static int check_want(struct writer *w, const struct writer_order *order, struct err *err)
{
	const struct bundle *b = &w->get->bundle;
	const struct writer_release *r = &w->release;
	const struct bundle_want want = {
		.compatible = r->compatible,
		.architecture = r->architecture,
		.release = r->release,
		.floor = order->floor > r->floor ? order->floor : r->floor,
		.stage1 = stage1_has(&w->stage1, w->running),
		.older_allowed = order->flags & WRITER_ANY_RELEASE,
	};
	int rc = bundle_check(b, &want, err);

	if (rc)
		return writer_fail(w, rc, WRITER_CAUSE_BUNDLE,
				   rc == -EXDEV	    ? "compatible"
				   : rc == -ENOTSUP ? "stage1"
						    : "release",
				   err);
	if (order->release && order->release != b->release) {
		rc = err_set(err, -EXDEV, "the bundle is of another release than was announced");
		return writer_fail(w, rc, WRITER_CAUSE_BUNDLE, "release", err);
	}
	return 0;
}

static int open_bundle(struct writer *w, const struct writer_order *order, int trust_fd,
		       struct err *err)
{
	uint64_t now = order->now > w->release.build_time ? order->now : w->release.build_time;
	int rc = load_trust(w, trust_fd, err);

	if (rc)
		return writer_fail(w, rc, WRITER_CAUSE_SYSTEM, "trust", err);
	rc = bundleget_manifest(w->get, &w->source.feed, order->digest, &w->trust, now, err);
	if (rc)
		return fail_bundle(w, rc, is_named(w, order, now), err);
	fault_point("writer-manifest");
	w->report.release = w->get->bundle.release;
	w->report.floor = w->get->bundle.floor;
	(void)snprintf(w->report.release_version, sizeof(w->report.release_version), "%s",
		       w->get->bundle.version);
	memcpy(w->report.root_hash, w->get->bundle.image[BUNDLE_ROOT].roothash, SHA256_SIZE);
	rc = check_want(w, order, err);
	if (rc)
		return rc;
	rc = bundleget_tables(w->get, &w->source.feed, err);
	/* The manifest has the tables' hash. */
	return rc ? fail_bundle(w, rc, rc != -EKEYREJECTED, err) : 0;
}

static int progress(void *ctx, enum slotwrite_phase phase, uint64_t done, uint64_t total)
{
	static const enum writer_phase phases[] = { WRITER_CHECKING, WRITER_WRITING,
						    WRITER_VERIFYING };
	struct install *in = ctx;
	bool entered = in->phase != phases[phase];

	in->phase = phases[phase];
	in->w->report.resumed = in->result.skipped_bytes;
	writer_progress(in->w, in->phase, done, total);
	if (entered && phase == SLOTWRITE_WRITE)
		fault_point("writer-first-write");
	if (phase == SLOTWRITE_WRITE && done >= total / 2)
		fault_point("writer-half");
	if (entered && phase == SLOTWRITE_VERIFY)
		fault_point("writer-verify");
	return writer_source_check_abort(&in->w->source);
}

static int fail_write(struct install *in, int rc, enum slotinstall_step step, const struct err *err)
{
	struct writer *w = in->w;
	bool delta = w->get->bundle.delta;

	if (w->source.aborted || w->source.failed || rc == -EPROTO || rc == -EPIPE)
		return fail_source(w, rc, err);
	if (step == SLOTINSTALL_BASE || in->old_boot.failed || in->old_root.failed ||
	    (rc == -EBADMSG && delta))
		return writer_fail(w, rc, WRITER_CAUSE_DELTA, "base", err);
	if (step == SLOTINSTALL_STATE)
		return writer_fail(w, rc, WRITER_CAUSE_STATE, rc == -EAGAIN ? "trial" : "state",
				   err);
	if (rc == -EBADMSG)
		return writer_fail(w, rc, WRITER_CAUSE_BUNDLE, "frame", err);
	return writer_fail(w, rc, WRITER_CAUSE_DISK, rc == -EILSEQ ? "readback" : "slot", err);
}

static int write_slot(struct writer *w, struct err *err)
{
	struct install in = { .w = w };
	const struct slotwrite_target targets[] = {
		{ BUNDLE_BOOT, &w->boot.io, w->label[0], &in.old_boot.io, w->label[2] },
		{ BUNDLE_ROOT, &w->root.io, w->label[1], &in.old_root.io, w->label[3] },
	};
	struct slotwrite_job job = {
		.bundle = &w->get->bundle,
		.tables = w->get->tables,
		.head_bytes = w->get->doc.total,
		.targets = targets,
		.count = 2,
		.source = &w->source.feed,
		.progress = progress,
		.progress_ctx = &in,
	};
	const int not_theirs[] = { w->main_fd, w->source.fd };
	enum slotinstall_step step;
	struct slotfork fork;
	bool forked;
	int rc;

	watched_init(&in.old_boot, &w->old_boot.io);
	watched_init(&in.old_root, &w->old_root.io);
	forked = slotfork_start(&fork, &job, not_theirs, 2) == 0;
	rc = slotinstall_write(&w->state.io, w->running, w->inactive, w->slotwrite, &job,
			       &in.result, &step, err);
	if (forked)
		slotfork_stop(&fork);
	w->report.resumed = in.result.skipped_bytes;
	return rc ? fail_write(&in, rc, step, err) : 0;
}

/*
 * The stage 1 that a bundle brings, if it is newer (agent/update/stage1.h). A machine that cannot
 * take it keeps the one that it has: the slot is complete without it.
 */
static int write_esp(struct writer *w, struct err *err)
{
	const struct bundle_image *image = &w->get->bundle.image[BUNDLE_ESP];
	struct install in = { .w = w };
	struct slotwrite_target target = { BUNDLE_ESP, NULL, "esp-2", &w->stage1.esp[0].io, "esp" };
	const struct slotwrite_job job = {
		.bundle = &w->get->bundle,
		.tables = w->get->tables,
		.head_bytes = w->get->doc.total,
		.targets = &target,
		.count = 1,
		.source = &w->source.feed,
		.progress = progress,
		.progress_ctx = &in,
	};
	int rc;

	if (!image->present)
		return 0;
	rc = stage1_begin(&w->stage1, w->running, image->generation, &target.dst, err);
	if (!rc && target.dst) {
		rc = slotwrite_check_base(w->slotwrite, &job, err);
		rc = rc ? rc : slotwrite_run(w->slotwrite, &job, &in.result, err);
		rc = rc ? rc : stage1_end(&w->stage1, err);
	}
	if (rc && (w->source.aborted || w->source.failed || rc == -EPIPE))
		return fail_source(w, rc, err);
	if (rc)
		(void)dprintf(2, "writer: stage 1 stays as it is: %s\n", err->msg);
	return 0;
}

void writer_install(struct writer *w, const struct writer_order *order, int trust_fd)
{
	struct err err = { "" };
	int rc;

	w->verified = false;
	writer_source_begin(&w->source, order->digest);
	writer_progress(w, WRITER_CHECKING, 0, 0);
	rc = open_bundle(w, order, trust_fd, &err);
	if (!rc)
		rc = write_slot(w, &err);
	if (!rc)
		rc = write_esp(w, &err);
	w->report.fetched = writer_source_fetched(&w->source);
	(void)writer_source_end(&w->source);
	if (rc)
		return;
	fault_point("writer-installed");
	w->verified = true;
	memcpy(w->verified_digest, order->digest, sizeof(w->verified_digest));
	w->report.manifest_len = (uint32_t)w->get->doc.total;
	memcpy(w->report.manifest, w->get->head, w->get->doc.total);
}
