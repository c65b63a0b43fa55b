// SPDX-License-Identifier: Apache-2.0
#include "framedec.h"

#include <errno.h>
#include <string.h>

/* For a decoder in memory of a fixed size. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

static size_t zstd_memory(void)
{
	return ZSTD_estimateDStreamSize((size_t)1 << BUNDLE_WINDOW_LOG);
}

size_t framedec_memory(void)
{
	size_t zstd = zstd_memory(), delta = delta_memory();

	return zstd > delta ? zstd : delta;
}

static bool is_zstd(const struct framedec *d)
{
	return d->encoding == BUNDLE_ZSTD || d->encoding == BUNDLE_X86_ZSTD;
}

int framedec_init(struct framedec *d, void *memory, const struct piecefeed_source *source,
		  const struct bundle *bundle, const uint8_t *tables, size_t head_bytes,
		  enum bundle_image_id id, const struct blockio *old, struct err *err)
{
	const struct bundle_image *image = &bundle->image[id];
	int rc;

	piecefeed_init(&d->feed, source, bundle, tables, head_bytes, id);
	d->encoding = image->encoding;
	d->payload_left = 0;
	d->in = NULL;
	d->in_len = 0;
	d->complete = true;
	if (is_zstd(d)) {
		d->zstd = ZSTD_initStaticDCtx(memory, zstd_memory());
		if (!d->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax,
								    BUNDLE_WINDOW_LOG)))
			return err_set(err, -ENOMEM, "no zstd decoder");
	}
	if (d->encoding == BUNDLE_DELTA) {
		if (!old)
			return err_set(err, -ESTALE, "a delta, and nothing to go on from");
		d->old = (struct delta_old){ old->ctx, image->base_size_bytes, old->read };
		rc = delta_init(memory, delta_memory(), &d->old, &d->delta);
		if (rc)
			return err_sys(err, rc, "no delta decoder");
	}
	return 0;
}

int framedec_begin(struct framedec *d, const struct bundle_frame *f, struct err *err)
{
	int rc = 0;

	d->payload_left = f->payload_bytes;
	d->in_len = 0;
	d->complete = false;
	d->output_at = 0;
	d->output_left = f->output_bytes;
	d->ahead_len = d->ahead_done = 0;
	if (is_zstd(d))
		(void)ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only);
	if (d->encoding == BUNDLE_DELTA)
		rc = delta_begin(d->delta, f->output_at, f->payload_bytes, f->output_bytes);
	return rc ? err_set(err, -EBADMSG, "the frame's sizes cannot be") : 0;
}

/* 1 when the frame has given all it will. */
static int decode(struct framedec *d, size_t *ret_used, uint8_t *out, size_t room, size_t *ret_made)
{
	size_t n = d->in_len < room ? d->in_len : room;

	if (is_zstd(d)) {
		ZSTD_inBuffer from = { d->in, d->in_len, 0 };
		ZSTD_outBuffer to = { out, room, 0 };
		size_t left = ZSTD_decompressStream(d->zstd, &to, &from);

		*ret_used = from.pos;
		*ret_made = to.pos;
		return ZSTD_isError(left) ? -EBADMSG : left == 0;
	}
	if (d->encoding == BUNDLE_DELTA)
		return delta_run(d->delta, d->in, d->in_len, ret_used, out, room, ret_made);
	if (n)
		memcpy(out, d->in, n);
	*ret_used = *ret_made = n;
	return n == d->in_len && !d->payload_left;
}

static int take_input(struct framedec *d, struct err *err)
{
	size_t max =
		d->payload_left < BUNDLE_PIECE_BYTES ? (size_t)d->payload_left : BUNDLE_PIECE_BYTES;
	int rc;

	if (d->in_len || !max)
		return 0;
	rc = piecefeed_next(&d->feed, max, &d->in, &d->in_len, err);
	if (!rc)
		d->payload_left -= d->in_len;
	return rc;
}

/* Decodes once. *ret_made bytes came out. */
static int step(struct framedec *d, uint8_t *out, size_t room, size_t *ret_made, struct err *err)
{
	size_t used = 0;
	int rc = take_input(d, err);

	*ret_made = 0;
	if (rc)
		return rc;
	rc = decode(d, &used, out, room, ret_made);
	if (rc < 0)
		return err_sys(err, rc, "decode the frame");
	d->in += used;
	d->in_len -= used;
	d->complete = rc == 1;
	if (!used && !*ret_made && !d->complete)
		return err_set(err, -EBADMSG, "the frame gives %s than it should",
			       room ? "less" : "more");
	return 0;
}

static int make(struct framedec *d, uint8_t *ret_out, size_t len, struct err *err)
{
	size_t have = 0;

	while (have < len) {
		size_t made;
		int rc;

		if (d->complete)
			return err_set(err, -EBADMSG, "the frame gives less than it should");
		rc = step(d, ret_out + have, len - have, &made, err);
		if (rc)
			return rc;
		have += made;
	}
	return 0;
}

/*
 * The filter's patterns may lie across the end of what was asked for: some bytes are decoded ahead,
 * so that every pattern that begins in it is whole.
 */
static int make_x86(struct framedec *d, uint8_t *out, size_t len, struct err *err)
{
	uint8_t border[2 * (X86BRANCH_LONGEST - 1)];
	size_t had = d->ahead_len, near, done, extra;
	int rc;

	if (!len)
		return 0;
	if (len > d->output_left || len < had)
		return err_set(err, -EBADMSG, "the frame gives less than it should");
	memcpy(out, d->ahead, had);
	rc = make(d, out + had, len - had, err);
	if (rc)
		return rc;
	d->output_left -= (uint32_t)len;
	extra = d->output_left < sizeof(d->ahead) ? d->output_left : sizeof(d->ahead);
	rc = make(d, d->ahead, extra, err);
	if (rc)
		return rc;
	done = x86branch_decode(out, len, d->output_at, d->ahead_done, len, false);
	near = len < sizeof(d->ahead) ? len : sizeof(d->ahead);
	memcpy(border, out + len - near, near);
	memcpy(border + near, d->ahead, extra);
	done = done > len - near ? done - (len - near) : 0;
	done = x86branch_decode(border, near + extra, d->output_at + (uint32_t)(len - near), done,
				near, extra < sizeof(d->ahead));
	memcpy(out + len - near, border, near);
	memcpy(d->ahead, border + near, extra);
	d->ahead_len = extra;
	d->ahead_done = done - near;
	d->output_at += (uint32_t)len;
	return 0;
}

int framedec_make(struct framedec *d, uint8_t *ret_out, size_t len, struct err *err)
{
	return d->encoding == BUNDLE_X86_ZSTD ? make_x86(d, ret_out, len, err)
					      : make(d, ret_out, len, err);
}

int framedec_end(struct framedec *d, struct err *err)
{
	while (!d->complete) {
		uint8_t none;
		size_t made;
		int rc = step(d, &none, 0, &made, err);

		if (rc)
			return rc;
	}
	if (d->in_len || d->payload_left)
		return err_set(err, -EBADMSG, "the frame ends before its payload");
	return 0;
}
