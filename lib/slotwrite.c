// SPDX-License-Identifier: Apache-2.0
#include "slotwrite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "framedec.h"
#include "slotverify.h"
#include "treebuf.h"
#include "verity.h"

#define CHUNK SLOTWRITE_CHUNK_BYTES

struct slotwrite {
	_Alignas(4096) uint8_t chunk[CHUNK];
	struct treebuf treebuf;
	struct verity tree;
	struct framedec decoder;
	struct slotverify verify;
	/* Frames of the image at hand that the slot holds already; a bit each. */
	uint8_t right[SLOTWRITE_FRAMES_MAX / 8];
	/* Of the call at hand. */
	const struct slotwrite_job *job;
	struct slotwrite_result *result;
	uint64_t done[3], total;       /* bytes of each phase */
	_Alignas(64) uint8_t memory[]; /* the decoder's */
};

struct slotwrite *slotwrite_new(void)
{
	size_t size = (sizeof(struct slotwrite) + framedec_memory() + 4095) / 4096 * 4096;

	/* Not cleared: what no decoder touches takes no memory. */
	return aligned_alloc(4096, size);
}

const char *slotwrite_phase_name(enum slotwrite_phase phase)
{
	static const char *const names[] = { "check", "write", "verify" };

	return names[phase];
}

static const struct bundle_image *image_of(const struct slotwrite *w,
					   const struct slotwrite_target *t)
{
	return &w->job->bundle->image[t->id];
}

static int advance(struct slotwrite *w, enum slotwrite_phase phase, uint64_t bytes, struct err *err)
{
	int rc;

	if (!w->job->progress || !bytes)
		return 0;
	w->done[phase] += bytes;
	rc = w->job->progress(w->job->progress_ctx, phase, w->done[phase], w->total);
	return rc ? err_sys(err, rc, "stopped") : 0;
}

static int flush(const struct slotwrite_target *t, struct err *err)
{
	int rc = t->dst->flush(t->dst->ctx);

	return rc ? err_sys(err, rc, "flush %s", t->label) : 0;
}

static int drop_cache(const struct slotwrite_target *t, struct err *err)
{
	int rc = t->dst->drop_cache ? t->dst->drop_cache(t->dst->ctx) : 0;

	return rc ? err_sys(err, rc, "drop what is cached of %s", t->label) : 0;
}

static void durable(const struct slotwrite *w, const struct slotwrite_target *t, uint64_t bytes)
{
	const struct slotwrite_beside *b = w->job->beside;

	if (b)
		b->durable(b->ctx, (size_t)(t - w->job->targets), bytes);
}

static size_t at_most_chunk(uint64_t left)
{
	return left < CHUNK ? (size_t)left : CHUNK;
}

static int read_chunk(struct slotwrite *w, const struct blockio *io, const char *label, size_t n,
		      uint64_t at, struct err *err)
{
	int rc = io->read(io->ctx, w->chunk, n, at);

	return rc ? err_sys(err, rc, "read %s at byte %" PRIu64, label, at) : 0;
}

/* SHA-256 of a range of a partition. */
static int hash_range(struct slotwrite *w, const struct blockio *io, const char *label,
		      uint64_t from, uint64_t len, enum slotwrite_phase phase,
		      uint8_t ret[static SHA256_SIZE], struct err *err)
{
	struct sha256 h;
	uint64_t at;
	size_t n;
	int rc;

	sha256_init(&h);
	for (at = 0; at < len; at += n) {
		n = at_most_chunk(len - at);
		rc = read_chunk(w, io, label, n, from + at, err);
		if (rc)
			return rc;
		sha256_update(&h, w->chunk, n);
		rc = advance(w, phase, n, err);
		if (rc)
			return rc;
	}
	sha256_final(&h, ret);
	return 0;
}

int slotwrite_check_base(struct slotwrite *w, const struct slotwrite_job *job, struct err *err)
{
	uint8_t digest[SHA256_SIZE];
	size_t i;

	w->job = job;
	memset(w->done, 0, sizeof(w->done));
	w->total = 0;
	for (i = 0; i < job->count; i++)
		if (image_of(w, &job->targets[i])->encoding == BUNDLE_DELTA)
			w->total += image_of(w, &job->targets[i])->base_size_bytes;
	for (i = 0; i < job->count; i++) {
		const struct slotwrite_target *t = &job->targets[i];
		const struct bundle_image *image = image_of(w, t);
		int rc;

		if (image->encoding != BUNDLE_DELTA)
			continue;
		if (!t->old || t->old->size_bytes < image->base_size_bytes)
			return err_set(err, -ESTALE, "%s is smaller than what the delta is for",
				       t->old ? t->old_label : "no partition");
		rc = hash_range(w, t->old, t->old_label, 0, image->base_size_bytes, SLOTWRITE_CHECK,
				digest, err);
		if (rc)
			return rc;
		if (memcmp(digest, image->base_sha256, sizeof(digest)) != 0)
			return err_set(err, -ESTALE, "%s does not hold what the delta is for",
				       t->old_label);
	}
	return 0;
}

/* --- what the slot holds already --- */

static bool is_right(const struct slotwrite *w, uint32_t frame)
{
	return w->right[frame / 8] >> frame % 8 & 1;
}

/*
 * Marks the frames that need nothing. What hashes right was read from the medium, so it is as
 * durable as if it had been written now. Frames are written in order, so behind the place where
 * an earlier try ended nothing is right; a frame or two may be, where one went bad since.
 */
static int find_right_frames(struct slotwrite *w, const struct slotwrite_target *t, struct err *err)
{
	const struct slotwrite_job *job = w->job;
	uint8_t digest[SHA256_SIZE];
	unsigned int wrong_in_a_row = 0;
	struct bundle_frame f;
	uint64_t looked_at = 0;
	uint32_t i = 0;
	int rc;

	memset(w->right, 0, sizeof(w->right));
	rc = flush(t, err);
	if (!rc)
		rc = drop_cache(t, err);
	if (rc)
		return rc;
	bundle_frame_first(job->bundle, job->tables, t->id, &f);
	do {
		rc = hash_range(w, t->dst, t->label, f.output_at, f.output_bytes, SLOTWRITE_CHECK,
				digest, err);
		if (rc)
			return rc;
		looked_at += f.output_bytes;
		wrong_in_a_row++;
		if (memcmp(digest, f.sha256, sizeof(digest)) == 0) {
			w->right[i / 8] |= (uint8_t)(1u << i % 8);
			w->result->skipped_bytes += f.output_bytes;
			wrong_in_a_row = 0;
		}
		i++;
	} while (wrong_in_a_row < SLOTWRITE_WRONG_FRAMES &&
		 bundle_frame_next(job->bundle, job->tables, t->id, &f));
	return advance(w, SLOTWRITE_CHECK, image_of(w, t)->size_bytes - looked_at, err);
}

/* --- writing --- */

static int tree_error(const struct slotwrite *w, const struct slotwrite_target *t, int rc,
		      struct err *err)
{
	return err_sys(err, rc, "write %s at byte %" PRIu64, t->label, w->treebuf.failed_at);
}

static int begin_tree(struct slotwrite *w, const struct slotwrite_target *t, struct err *err)
{
	const struct bundle_image *image = image_of(w, t);
	int rc = verity_init(&w->tree, image->size_bytes / VERITY_BLOCK_BYTES, image->salt,
			     image->salt_len, treebuf_emit, &w->treebuf);

	if (rc)
		return err_sys(err, rc, "hash tree of %s", t->label);
	treebuf_init(&w->treebuf, &w->tree, t->dst, image->size_bytes);
	return 0;
}

static int feed_tree(struct slotwrite *w, const struct slotwrite_target *t, size_t len,
		     struct err *err)
{
	int rc = t->id == BUNDLE_ROOT ? verity_feed(&w->tree, w->chunk, len) : 0;

	return rc ? tree_error(w, t, rc, err) : 0;
}

static int finish_tree(struct slotwrite *w, const struct slotwrite_target *t, struct err *err)
{
	const struct bundle_image *image = image_of(w, t);
	uint8_t root[SHA256_SIZE];
	int rc;

	if (t->id != BUNDLE_ROOT)
		return 0;
	rc = verity_finish(&w->tree, root);
	if (!rc)
		rc = treebuf_finish(&w->treebuf);
	if (rc)
		return tree_error(w, t, rc, err);
	w->result->written_bytes += w->treebuf.written_bytes;
	w->treebuf.written_bytes = 0;
	if (memcmp(root, image->roothash, sizeof(root)) != 0)
		return err_set(err, -EBADMSG,
			       "the root hash of what came for %s is not the signed one", t->label);
	return 0;
}

/* The tree needs the data of a frame that is not written again, too. */
static int pass_frame(struct slotwrite *w, const struct slotwrite_target *t,
		      const struct bundle_frame *f, struct err *err)
{
	uint64_t at;
	size_t n;
	int rc;

	if (t->id != BUNDLE_ROOT)
		return advance(w, SLOTWRITE_WRITE, f->output_bytes, err);
	for (at = 0; at < f->output_bytes; at += n) {
		n = at_most_chunk(f->output_bytes - at);
		rc = read_chunk(w, t->dst, t->label, n, f->output_at + at, err);
		if (!rc)
			rc = feed_tree(w, t, n, err);
		if (!rc)
			rc = advance(w, SLOTWRITE_WRITE, n, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The right bytes of the frame are on their way to the device; nothing is flushed yet. */
static int write_chunk(struct slotwrite *w, const struct slotwrite_target *t, size_t n, uint64_t at,
		       struct err *err)
{
	int rc = feed_tree(w, t, n, err);

	if (rc)
		return rc;
	rc = t->dst->write(t->dst->ctx, w->chunk, n, at);
	if (rc)
		return err_sys(err, rc, "write %s at byte %" PRIu64, t->label, at);
	w->result->written_bytes += n;
	return advance(w, SLOTWRITE_WRITE, n, err);
}

static int write_frame(struct slotwrite *w, const struct slotwrite_target *t,
		       const struct bundle_frame *f, struct err *err)
{
	/* Of raw frames every byte was in a piece that was right. */
	bool hashed = image_of(w, t)->encoding != BUNDLE_RAW;
	uint8_t digest[SHA256_SIZE];
	struct sha256 h;
	uint64_t at;
	size_t n;
	int rc = framedec_begin(&w->decoder, f, err);

	sha256_init(&h);
	for (at = 0; !rc && at < f->output_bytes; at += n) {
		n = at_most_chunk(f->output_bytes - at);
		rc = framedec_make(&w->decoder, w->chunk, n, err);
		if (rc)
			break;
		if (hashed)
			sha256_update(&h, w->chunk, n);
		rc = write_chunk(w, t, n, f->output_at + at, err);
	}
	if (!rc)
		rc = framedec_end(&w->decoder, err);
	if (rc)
		return rc;
	sha256_final(&h, digest);
	if (hashed && memcmp(digest, f->sha256, sizeof(digest)) != 0)
		return err_set(err, -EBADMSG, "the frame gives something else than the tables say");
	w->result->frames_written++;
	return flush(t, err);
}

/* End of the payload of the frames from f on up to the next one that is right. */
static uint64_t run_end(const struct slotwrite *w, const struct slotwrite_target *t, uint32_t i,
			struct bundle_frame f)
{
	uint64_t end;

	do {
		end = f.payload_at + f.payload_bytes;
		i++;
	} while (bundle_frame_next(w->job->bundle, w->job->tables, t->id, &f) && !is_right(w, i));
	return end;
}

static int write_frames(struct slotwrite *w, const struct slotwrite_target *t, struct err *err)
{
	const struct slotwrite_job *job = w->job;
	struct bundle_frame f;
	bool running = false; /* the source gives what this frame needs */
	uint32_t i = 0;
	int rc = 0;

	bundle_frame_first(job->bundle, job->tables, t->id, &f);
	do {
		if (is_right(w, i)) {
			running = false;
			rc = pass_frame(w, t, &f, err);
		} else {
			if (!running)
				rc = piecefeed_want(&w->decoder.feed, f.payload_at,
						    run_end(w, t, i, f), err);
			running = true;
			if (!rc)
				rc = write_frame(w, t, &f, err);
			if (rc)
				err_prefix(err, "%s, frame %" PRIu32 " at byte %" PRIu64, t->label,
					   i, f.output_at);
		}
		if (!rc)
			durable(w, t, f.output_at + f.output_bytes);
		i++;
	} while (!rc && bundle_frame_next(job->bundle, job->tables, t->id, &f));
	return rc;
}

static int write_image(struct slotwrite *w, const struct slotwrite_target *t, struct err *err)
{
	int rc = framedec_init(&w->decoder, w->memory, w->job->source, w->job->bundle,
			       w->job->tables, w->job->head_bytes, t->id, t->old, err);

	if (rc)
		err_prefix(err, "%s", t->label);
	else
		rc = find_right_frames(w, t, err);
	if (!rc && t->id == BUNDLE_ROOT)
		rc = begin_tree(w, t, err);
	if (rc)
		return rc;
	rc = write_frames(w, t, err);
	if (!rc)
		rc = finish_tree(w, t, err);
	if (!rc)
		rc = flush(t, err);
	if (!rc)
		durable(w, t, UINT64_MAX);
	return rc;
}

static int check_room(const struct slotwrite *w, const struct slotwrite_target *t, struct err *err)
{
	const struct bundle_image *image = image_of(w, t);
	uint64_t size = image->size_bytes;

	if (!image->present || bundle_frames(image) > SLOTWRITE_FRAMES_MAX)
		return err_set(err, -EINVAL, "%s: the bundle has no such image", t->label);
	if (t->id == BUNDLE_ROOT)
		size += verity_tree_blocks(size / VERITY_BLOCK_BYTES) * VERITY_BLOCK_BYTES;
	if (size > t->dst->size_bytes)
		return err_set(err, -ENOSPC, "%s has %" PRIu64 " bytes, the image needs %" PRIu64,
			       t->label, t->dst->size_bytes, size);
	return 0;
}

static uint64_t image_bytes(const struct slotwrite *w)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < w->job->count; i++)
		sum += image_of(w, &w->job->targets[i])->size_bytes;
	return sum;
}

/* Checking and writing alternate image by image: each phase counts for itself. */
int slotwrite_run(struct slotwrite *w, const struct slotwrite_job *job,
		  struct slotwrite_result *ret_result, struct err *err)
{
	size_t i;
	int rc = 0;

	memset(ret_result, 0, sizeof(*ret_result));
	w->job = job;
	w->result = ret_result;
	memset(w->done, 0, sizeof(w->done));
	w->decoder.feed.fetched_bytes = 0;
	for (i = 0; !rc && i < job->count; i++)
		rc = check_room(w, &job->targets[i], err);
	w->total = image_bytes(w);
	for (i = 0; !rc && i < job->count; i++)
		rc = write_image(w, &job->targets[i], err);
	ret_result->fetched_bytes = w->decoder.feed.fetched_bytes;
	if (rc)
		return rc;
	return job->beside ? job->beside->finish(job->beside->ctx, job, err)
			   : slotverify_run(&w->verify, job, NULL, NULL, err);
}
