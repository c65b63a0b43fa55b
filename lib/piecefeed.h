// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PIECEFEED_H
#define CAIRN_PIECEFEED_H

#include <stddef.h>
#include <stdint.h>

#include "bundle.h"
#include "err.h"

/*
 * The payload of one image of a bundle, piece by piece: no byte is given out before the hash of
 * its piece was compared with the tables. A piece that comes damaged is asked for again.
 */

#define PIECEFEED_TRIES 3 /* of one piece */

/* Where a bundle file comes from. The functions return 0 or -errno, which ends the feeding. */
struct piecefeed_source {
	void *ctx;
	/* Bytes offset to offset + len of the file are wanted next; ends what was under way. */
	int (*begin)(void *ctx, uint64_t offset, uint64_t len, struct err *err);
	/* The next len bytes of them, all of them. */
	int (*pull)(void *ctx, void *ret_buf, size_t len, struct err *err);
};

/* Owned by the caller, 256 KiB. */
struct piecefeed {
	const struct piecefeed_source *source;
	const struct bundle *bundle;
	const uint8_t *tables;
	enum bundle_image_id id;
	uint64_t payload_at;	/* of the payload, in the file */
	uint64_t payload_bytes; /* of the image */
	uint64_t to;		/* end of what was asked for, from the payload's start */
	uint64_t piece_at;	/* of what buf holds */
	size_t have, used;	/* bytes of buf */
	uint64_t fetched_bytes; /* pulled so far, of all images */
	uint8_t buf[BUNDLE_PIECE_BYTES];
};

/* piecefeed_init - the payload of an image; fetched_bytes goes on counting. */
void piecefeed_init(struct piecefeed *f, const struct piecefeed_source *source,
		    const struct bundle *bundle, const uint8_t *tables, size_t head_bytes,
		    enum bundle_image_id id);

/*
 * piecefeed_want - bytes from .. to of the payload come next (from < to). Whole pieces are
 * fetched, but none twice in a row. Errors: -EINVAL range, or of the source.
 */
int piecefeed_want(struct piecefeed *f, uint64_t from, uint64_t to, struct err *err);

/*
 * piecefeed_next - the next bytes, at least 1 and at most max; they stay until the next call.
 * Errors: -EINVAL nothing is wanted, -EPROTO the source gives something else than the tables say,
 * or of the source.
 */
int piecefeed_next(struct piecefeed *f, size_t max, const uint8_t **ret, size_t *ret_len,
		   struct err *err);

#endif
