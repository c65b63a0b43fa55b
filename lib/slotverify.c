// SPDX-License-Identifier: Apache-2.0
#include "slotverify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "crypto.h"

#define FANOUT (VERITY_BLOCK_BYTES / SHA256_SIZE)

/* One target being read back. */
struct pass {
	struct slotverify *v;
	const struct slotwrite_target *t;
	const struct bundle_image *image;
	size_t target;
	slotverify_wait_fn *wait;
	void *wait_ctx;
	struct err *err;
};

static int differs(const struct pass *p, const char *what, uint64_t at)
{
	return err_set(p->err, -EILSEQ,
		       "%s gives back something else than was written: %s at byte %" PRIu64,
		       p->t->label, what, at);
}

static int read_back(const struct pass *p, void *ret_buf, size_t n, uint64_t at)
{
	int rc = p->t->dst->read(p->t->dst->ctx, ret_buf, n, at);

	return rc ? err_sys(p->err, rc, "read %s back at byte %" PRIu64, p->t->label, at) : 0;
}

static int advance(const struct pass *p, size_t n)
{
	const struct slotwrite_job *job = p->v->job;
	int rc;

	if (!job->progress)
		return 0;
	p->v->done += n;
	rc = job->progress(job->progress_ctx, SLOTWRITE_VERIFY, p->v->done, p->v->total);
	return rc ? err_sys(p->err, rc, "stopped") : 0;
}

/* Not before it is durable, and from the medium: where reads are cached, from an empty cache. */
static int get_ready(const struct pass *p, uint64_t bytes)
{
	const struct blockio *dst = p->t->dst;
	int rc = p->wait ? p->wait(p->wait_ctx, p->target, bytes) : 0;

	if (rc)
		return err_sys(p->err, rc, "wait for %s", p->t->label);
	rc = dst->drop_cache ? dst->drop_cache(dst->ctx) : 0;
	return rc ? err_sys(p->err, rc, "drop what is cached of %s", p->t->label) : 0;
}

/* A whole is wrong: in which frame? The tables know each. */
static int find_wrong_frame(const struct pass *p)
{
	const struct slotwrite_job *job = p->v->job;
	struct bundle_frame f;

	bundle_frame_first(job->bundle, job->tables, p->t->id, &f);
	do {
		uint8_t digest[SHA256_SIZE];
		struct sha256 h;
		uint64_t at;
		size_t n;

		sha256_init(&h);
		for (at = 0; at < f.output_bytes; at += n) {
			uint64_t left = f.output_bytes - at;
			int rc;

			n = left < sizeof(p->v->chunk) ? (size_t)left : sizeof(p->v->chunk);
			rc = read_back(p, p->v->chunk, n, f.output_at + at);
			if (rc)
				return rc;
			sha256_update(&h, p->v->chunk, n);
		}
		sha256_final(&h, digest);
		if (memcmp(digest, f.sha256, sizeof(digest)) != 0)
			return differs(p, "in the frame", f.output_at);
	} while (bundle_frame_next(job->bundle, job->tables, p->t->id, &f));
	/* Read a second time it was right. */
	return differs(p, "now and then, in the image", 0);
}

/* The data, frame by frame as they become durable. */
static int read_data(const struct pass *p, struct sha256 *whole)
{
	const struct slotwrite_job *job = p->v->job;
	struct bundle_frame f;

	bundle_frame_first(job->bundle, job->tables, p->t->id, &f);
	do {
		uint64_t at;
		size_t n;
		int rc = get_ready(p, f.output_at + f.output_bytes);

		for (at = 0; !rc && at < f.output_bytes; at += n) {
			uint64_t left = f.output_bytes - at;

			n = left < sizeof(p->v->chunk) ? (size_t)left : sizeof(p->v->chunk);
			rc = read_back(p, p->v->chunk, n, f.output_at + at);
			if (rc)
				break;
			if (p->t->id == BUNDLE_ROOT)
				rc = verity_feed(&p->v->tree, p->v->chunk, n);
			else
				sha256_update(whole, p->v->chunk, n);
			rc = rc ? rc : advance(p, n);
		}
		if (rc)
			return rc;
	} while (bundle_frame_next(job->bundle, job->tables, p->t->id, &f));
	return 0;
}

static void digest_of(const struct pass *p, const uint8_t *block, uint8_t ret[static SHA256_SIZE])
{
	struct sha256 h = p->v->tree.salted;

	sha256_update(&h, block, VERITY_BLOCK_BYTES);
	sha256_final(&h, ret);
}

/* One level of the tree against the level above, which was found right. */
static int check_level(const struct pass *p, unsigned int level, uint64_t blocks)
{
	const struct verity *tree = &p->v->tree;
	uint64_t tree_at = p->image->size_bytes, i, first;
	uint8_t digest[SHA256_SIZE];
	size_t n, k;
	int rc;

	for (first = 0; first < blocks; first += n / VERITY_BLOCK_BYTES) {
		uint64_t left = (blocks - first) * VERITY_BLOCK_BYTES;

		n = left < sizeof(p->v->chunk) ? (size_t)left : sizeof(p->v->chunk);
		rc = read_back(p, p->v->chunk, n,
			       tree_at + (tree->level_start[level] + first) * VERITY_BLOCK_BYTES);
		if (rc)
			return rc;
		for (k = 0; k < n / VERITY_BLOCK_BYTES; k++) {
			const uint8_t *wanted = p->image->roothash;

			i = first + k;
			if (level + 1 < tree->levels) {
				if (i % FANOUT == 0) {
					rc = read_back(p, p->v->node, VERITY_BLOCK_BYTES,
						       tree_at + (tree->level_start[level + 1] +
								  i / FANOUT) *
									 VERITY_BLOCK_BYTES);
					if (rc)
						return rc;
				}
				wanted = p->v->node + i % FANOUT * SHA256_SIZE;
			}
			digest_of(p, p->v->chunk + k * VERITY_BLOCK_BYTES, digest);
			if (memcmp(digest, wanted, sizeof(digest)) != 0)
				return differs(p, "the hash tree",
					       tree_at + (tree->level_start[level] + i) *
								 VERITY_BLOCK_BYTES);
		}
	}
	return 0;
}

/* From the top, which stands first, down. */
static int check_tree(const struct pass *p)
{
	const struct verity *tree = &p->v->tree;
	uint64_t end = verity_tree_blocks(tree->data_blocks);
	unsigned int level;
	int rc = get_ready(p, SLOTVERIFY_TREE);

	for (level = tree->levels; !rc && level-- > 0;) {
		uint64_t next = level ? tree->level_start[level - 1] : end;

		rc = check_level(p, level, next - tree->level_start[level]);
	}
	return rc;
}

static int verify(const struct pass *p)
{
	uint8_t digest[SHA256_SIZE];
	struct sha256 whole;
	bool root = p->t->id == BUNDLE_ROOT;
	int rc = 0;

	sha256_init(&whole);
	if (root)
		rc = verity_init(&p->v->tree, p->image->size_bytes / VERITY_BLOCK_BYTES,
				 p->image->salt, p->image->salt_len, NULL, NULL);
	if (rc)
		return err_sys(p->err, rc, "hash tree of %s", p->t->label);
	rc = read_data(p, &whole);
	if (rc)
		return rc;
	if (!root)
		sha256_final(&whole, digest);
	else if (verity_finish(&p->v->tree, digest))
		return err_set(p->err, -EINVAL, "hash tree of %s", p->t->label);
	if (memcmp(digest, root ? p->image->roothash : p->image->sha256, sizeof(digest)) != 0)
		return find_wrong_frame(p);
	return root ? check_tree(p) : 0;
}

int slotverify_run(struct slotverify *v, const struct slotwrite_job *job, slotverify_wait_fn *wait,
		   void *wait_ctx, struct err *err)
{
	size_t i;

	v->job = job;
	v->done = v->total = 0;
	for (i = 0; i < job->count; i++)
		v->total += job->bundle->image[job->targets[i].id].size_bytes;
	for (i = 0; i < job->count; i++) {
		const struct pass p = {
			.v = v,
			.t = &job->targets[i],
			.image = &job->bundle->image[job->targets[i].id],
			.target = i,
			.wait = wait,
			.wait_ctx = wait_ctx,
			.err = err,
		};
		int rc = verify(&p);

		if (rc)
			return rc;
	}
	return 0;
}
