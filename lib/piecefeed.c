// SPDX-License-Identifier: Apache-2.0
#include "piecefeed.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "crypto.h"

void piecefeed_init(struct piecefeed *f, const struct piecefeed_source *source,
		    const struct bundle *bundle, const uint8_t *tables, size_t head_bytes,
		    enum bundle_image_id id)
{
	f->source = source;
	f->bundle = bundle;
	f->tables = tables;
	f->id = id;
	f->payload_at = bundle_payload_at(bundle, head_bytes, id);
	f->payload_bytes = bundle->image[id].payload_bytes;
	f->to = 0;
	f->piece_at = 0;
	f->have = f->used = 0;
}

static uint64_t piece_of(uint64_t at)
{
	return at / BUNDLE_PIECE_BYTES;
}

/* From a piece's start on. */
static int begin(struct piecefeed *f, uint64_t at, struct err *err)
{
	uint64_t end = (piece_of(f->to - 1) + 1) * BUNDLE_PIECE_BYTES;

	if (end > f->payload_bytes)
		end = f->payload_bytes;
	f->piece_at = at;
	f->have = f->used = 0;
	return f->source->begin(f->source->ctx, f->payload_at + at, end - at, err);
}

int piecefeed_want(struct piecefeed *f, uint64_t from, uint64_t to, struct err *err)
{
	bool held = f->have && from >= f->piece_at && from - f->piece_at < f->have;
	uint64_t next = f->piece_at + f->have;

	if (from >= to || to > f->payload_bytes)
		return err_set(err, -EINVAL, "bytes %" PRIu64 " to %" PRIu64 " of the payload",
			       from, to);
	f->to = to;
	if (!held) {
		int rc = begin(f, piece_of(from) * BUNDLE_PIECE_BYTES, err);

		f->used = (size_t)(from - f->piece_at); /* skipped once the piece is there */
		return rc;
	}
	f->used = (size_t)(from - f->piece_at);
	/* The piece at hand is good; ask only for what follows it. */
	if (to > next) {
		uint64_t end = (piece_of(to - 1) + 1) * BUNDLE_PIECE_BYTES;

		if (end > f->payload_bytes)
			end = f->payload_bytes;
		return f->source->begin(f->source->ctx, f->payload_at + next, end - next, err);
	}
	return 0;
}

/* The piece at piece_at, and none of its bytes before its hash. */
static int load(struct piecefeed *f, struct err *err)
{
	uint32_t piece = (uint32_t)piece_of(f->piece_at);
	const uint8_t *wanted = bundle_piece_sha256(f->bundle, f->tables, f->id, piece);
	uint64_t left = f->payload_bytes - f->piece_at;
	size_t len = left < BUNDLE_PIECE_BYTES ? (size_t)left : BUNDLE_PIECE_BYTES;
	uint8_t digest[SHA256_SIZE];
	int tries, rc;

	for (tries = 1;; tries++) {
		rc = f->source->pull(f->source->ctx, f->buf, len, err);
		if (rc)
			return rc;
		f->fetched_bytes += len;
		sha256(f->buf, len, digest);
		if (memcmp(digest, wanted, sizeof(digest)) == 0)
			break;
		if (tries == PIECEFEED_TRIES)
			return err_set(err, -EPROTO,
				       "piece %" PRIu32 " of %s came %d times and is not what the "
				       "manifest says",
				       piece, bundle_image_name(f->id), tries);
		rc = begin(f, f->piece_at, err);
		if (rc)
			return rc;
	}
	f->have = len;
	return 0;
}

int piecefeed_next(struct piecefeed *f, size_t max, const uint8_t **ret, size_t *ret_len,
		   struct err *err)
{
	uint64_t left;
	size_t n, skip = 0;

	if (f->have && f->used == f->have) {
		f->piece_at += f->have;
		f->have = f->used = 0;
	}
	if (f->piece_at + f->used >= f->to || !max)
		return err_set(err, -EINVAL, "the payload is used up");
	if (!f->have) {
		int rc;

		skip = f->used;
		f->used = 0;
		rc = load(f, err);
		if (rc)
			return rc;
		f->used = skip;
	}
	n = f->have - f->used;
	left = f->to - f->piece_at - f->used;
	if (n > left)
		n = (size_t)left;
	if (n > max)
		n = max;
	*ret = f->buf + f->used;
	*ret_len = n;
	f->used += n;
	return 0;
}
