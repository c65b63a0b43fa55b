// SPDX-License-Identifier: Apache-2.0
#include "delta.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "bytes.h"
#include "deltafmt.h"
#include "deltamap.h"
#include "deltaref.h"

/* The old image is read in lines of this size at its multiples, the last one short. */
#define LINE_BYTES (32u << 10)
#define LINES 16u
/* A block holds a whole chunk of copied bytes, or so many extra ones. */
#define BLOCK_BYTES DELTA_CHUNK_BYTES

enum state {
	STATE_IDLE, /* no frame, or a broken one */
	STATE_HEAD, /* of a segment */
	STATE_SIDE, /* the streams that are needed whole */
	STATE_BODY, /* output, with the extra bytes as they come */
	STATE_TAIL, /* the end of the extra bytes' stream */
	STATE_DONE,
};

struct bytes {
	const uint8_t *p, *end;
};

struct delta {
	struct delta_old old;
	ZSTD_DCtx *zstd;
	enum state state;
	uint64_t new_offset; /* of the next byte that is made */
	uint32_t payload_left;
	uint32_t out_left; /* of the frame, this segment included */

	uint8_t head[DELTA_HEAD_BYTES];
	uint32_t head_len;
	struct delta_head seg;
	unsigned int stream;
	uint32_t raw_left, packed_left; /* of the current stream */
	bool held;			/* zstd may have more output without more input */
	uint32_t side_len;
	struct bytes side[DELTA_STREAMS];

	uint32_t op;	     /* the current one of map.ops */
	uint32_t copy_done;  /* of its copied bytes */
	uint32_t extra_left; /* of its extra bytes */
	uint32_t fix_gap;    /* copied bytes up to the next fix; DELTA_NO_FIX */
	uint32_t fix_len;    /* of the next fix */
	uint8_t fix_kind;
	struct delta_recent recent;

	uint32_t block_start, block_end; /* what of block waits to be handed out */
	uint64_t line_at[LINES];	 /* offset + 1; 0: empty */
	struct delta_map map;
	uint8_t block[BLOCK_BYTES];
	uint8_t lines[LINES][LINE_BYTES];
	uint8_t side_buf[DELTA_SIDE_MAX];
};

/* The fix after the last one. */
#define DELTA_NO_FIX UINT32_MAX

static size_t zstd_memory(void)
{
	return ZSTD_estimateDStreamSize((size_t)1 << DELTA_WINDOW_LOG);
}

static size_t own_memory(void)
{
	return (sizeof(struct delta) + 63) / 64 * 64;
}

size_t delta_memory(void)
{
	return own_memory() + zstd_memory();
}

int delta_init(void *memory, size_t len, const struct delta_old *old, struct delta **ret)
{
	struct delta *d = memory;

	if (len < delta_memory() || old->size_bytes > DELTA_IMAGE_MAX)
		return -EINVAL;
	/* The buffers behind are written before they are read: nothing touches them here. */
	memset(d, 0, offsetof(struct delta, map));
	d->old = *old;
	d->zstd = ZSTD_initStaticDCtx((uint8_t *)memory + own_memory(), zstd_memory());
	if (!d->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, DELTA_WINDOW_LOG)))
		return -EINVAL;
	*ret = d;
	return 0;
}

int delta_begin(struct delta *d, uint64_t new_offset, uint32_t payload_bytes, uint32_t out_bytes)
{
	d->state = STATE_IDLE;
	d->block_start = d->block_end = 0;
	if (out_bytes == 0 || out_bytes > DELTA_FRAME_MAX || payload_bytes < DELTA_HEAD_BYTES ||
	    payload_bytes > DELTA_PAYLOAD_MAX || new_offset > DELTA_IMAGE_MAX - out_bytes)
		return -EINVAL;
	d->new_offset = new_offset;
	d->payload_left = payload_bytes;
	d->out_left = out_bytes;
	d->head_len = 0;
	d->state = STATE_HEAD;
	return 0;
}

/* take - up to max bytes of the input that belong to the frame. */
static size_t take(const struct delta *d, const struct bytes *in, uint32_t max)
{
	size_t n = (size_t)(in->end - in->p);

	if (n > max)
		n = max;
	return n < d->payload_left ? n : d->payload_left;
}

static void taken(struct delta *d, struct bytes *in, size_t n)
{
	in->p += n;
	d->payload_left -= (uint32_t)n;
}

static int stream_begin(struct delta *d, unsigned int stream)
{
	d->stream = stream;
	d->raw_left = d->seg.raw[stream];
	d->packed_left = d->seg.packed[stream];
	d->held = false;
	if (d->packed_left && ZSTD_isError(ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only)))
		return -EBADMSG;
	return 0;
}

/*
 * stream_read - up to room bytes of the current stream into out, *ret_made of them. With room of
 * 0 and nothing left to give it only takes the stream's end. Returns 1 when the stream is over.
 */
static int stream_read(struct delta *d, struct bytes *in, uint8_t *out, uint32_t room,
		       uint32_t *ret_made)
{
	bool packed = d->seg.packed[d->stream] != 0;
	ZSTD_outBuffer to = { out, room < d->raw_left ? room : d->raw_left, 0 };
	ZSTD_inBuffer from = { in->p, 0, 0 };
	size_t rc;

	*ret_made = 0;
	if (!packed) {
		size_t n = take(d, in, (uint32_t)to.size);

		if (n)
			memcpy(out, in->p, n);
		taken(d, in, n);
		*ret_made = (uint32_t)n;
		d->raw_left -= (uint32_t)n;
		return d->raw_left == 0;
	}
	if (d->packed_left == 0 && d->raw_left == 0)
		return 1;
	from.size = take(d, in, d->packed_left);
	/* libzstd takes calls without progress for an error. */
	if (from.size == 0 && (to.size == 0 || !d->held))
		return 0;
	rc = ZSTD_decompressStream(d->zstd, &to, &from);
	if (ZSTD_isError(rc))
		return -EBADMSG;
	taken(d, in, from.pos);
	d->packed_left -= (uint32_t)from.pos;
	d->raw_left -= (uint32_t)to.pos;
	*ret_made = (uint32_t)to.pos;
	d->held = to.size && to.pos == to.size;
	/* The end of the zstd frame, of the packed and of the raw bytes are one. */
	if (rc == 0)
		return d->packed_left == 0 && d->raw_left == 0 ? 1 : -EBADMSG;
	if (d->packed_left == 0 && (d->raw_left == 0 || !d->held))
		return -EBADMSG;
	/* It has more to give than it may. */
	if (to.size == 0 && from.pos == 0)
		return -EBADMSG;
	return 0;
}

static int run_head(struct delta *d, struct bytes *in)
{
	size_t n = take(d, in, DELTA_HEAD_BYTES - d->head_len);
	int rc;

	if (n)
		memcpy(d->head + d->head_len, in->p, n);
	taken(d, in, n);
	d->head_len += (uint32_t)n;
	if (d->head_len < DELTA_HEAD_BYTES)
		return d->payload_left ? 0 : -EBADMSG;
	rc = delta_head_parse(d->head, DELTA_HEAD_BYTES, &d->seg);
	if (rc)
		return rc;
	if (d->seg.out_bytes > d->out_left)
		return -EBADMSG;
	d->head_len = 0;
	d->side_len = 0;
	d->state = STATE_SIDE;
	return stream_begin(d, 0);
}

/* next_fix - read where the next fix is and what it is. */
static int next_fix(struct delta *d)
{
	struct bytes *gap = &d->side[DELTA_GAP], *kind = &d->side[DELTA_KIND];
	uint64_t v;
	int rc;

	if (kind->p == kind->end) {
		d->fix_gap = DELTA_NO_FIX;
		return gap->p == gap->end ? 0 : -EBADMSG;
	}
	rc = delta_varint(&gap->p, gap->end, DELTA_FRAME_MAX, &v);
	if (rc)
		return rc;
	d->fix_gap = (uint32_t)v;
	d->fix_kind = *kind->p++;
	d->fix_len = delta_kind_bytes(d->fix_kind);
	return d->fix_len ? 0 : -EBADMSG;
}

static void op_begin(struct delta *d)
{
	d->copy_done = 0;
	d->extra_left = d->op < d->map.n ? d->map.ops[d->op].extra_len : 0;
}

static int body_begin(struct delta *d)
{
	unsigned int i;
	const uint8_t *p = d->side_buf;
	int rc;

	for (i = 0; i < DELTA_EXTRA; i++) {
		d->side[i].p = p;
		p += d->seg.raw[i];
		d->side[i].end = p;
	}
	rc = delta_map_parse(&d->map, d->side_buf, &d->seg, d->new_offset, d->old.size_bytes);
	if (rc)
		return rc;
	delta_recent_init(&d->recent);
	d->op = 0;
	op_begin(d);
	d->state = STATE_BODY;
	rc = stream_begin(d, DELTA_EXTRA);
	return rc ? rc : next_fix(d);
}

static int run_side(struct delta *d, struct bytes *in)
{
	uint32_t made;
	int rc;

	while (d->stream < DELTA_EXTRA) {
		rc = stream_read(d, in, d->side_buf + d->side_len, d->raw_left, &made);
		if (rc < 0)
			return rc;
		d->side_len += made;
		if (rc == 0 && made)
			continue;
		if (rc == 0)
			return d->payload_left ? 0 : -EBADMSG;
		rc = stream_begin(d, d->stream + 1);
		if (rc)
			return rc;
	}
	return body_begin(d);
}

/* old_read - len bytes of the old image; the range was checked when the map was parsed. */
static int old_read(struct delta *d, uint8_t *to, uint32_t len, uint64_t offset)
{
	while (len) {
		uint64_t at = offset - offset % LINE_BYTES;
		unsigned int line = (unsigned int)(offset / LINE_BYTES % LINES);
		uint64_t left = d->old.size_bytes - at;
		uint32_t have = left < LINE_BYTES ? (uint32_t)left : LINE_BYTES;
		uint32_t skip = (uint32_t)(offset - at);
		uint32_t n = have - skip < len ? have - skip : len;

		if (d->line_at[line] != at + 1) {
			int rc;

			d->line_at[line] = 0;
			rc = d->old.read(d->old.ctx, d->lines[line], have, at);
			if (rc)
				return rc < 0 ? rc : -EIO;
			d->line_at[line] = at + 1;
		}
		memcpy(to, d->lines[line] + skip, n);
		to += n;
		offset += n;
		len -= n;
	}
	return 0;
}

/* fix - apply the fix that is due at `to`, which came from old_pos of the current operation. */
static int fix(struct delta *d, uint8_t *to, uint64_t old_pos)
{
	struct bytes *word = &d->side[DELTA_WORD], *lit = &d->side[DELTA_BYTE];
	uint32_t value, i;

	if (d->fix_kind >= DELTA_KIND_BYTES) {
		if ((size_t)(lit->end - lit->p) < d->fix_len)
			return -EBADMSG;
		for (i = 0; i < d->fix_len; i++)
			to[i] = (uint8_t)(to[i] + *lit->p++);
		return 0;
	}
	if (d->fix_kind == DELTA_KIND_MAP) {
		value = delta_map_predict(&d->map, d->op, old_pos, le32_load(to));
	} else if (d->fix_kind == DELTA_KIND_WORD) {
		if (word->end - word->p < 4)
			return -EBADMSG;
		value = le32_load(word->p);
		word->p += 4;
		delta_recent_push(&d->recent, value);
	} else {
		value = delta_recent_use(&d->recent, d->fix_kind - DELTA_KIND_RECENT);
	}
	le32_store(to, le32_load(to) + value);
	return 0;
}

/* make_copy - the next chunk of copied bytes of the current operation. */
static int make_copy(struct delta *d)
{
	const struct delta_op *op = &d->map.ops[d->op];
	struct bytes *code = &d->side[DELTA_CODE];
	uint32_t left = op->copy_len - d->copy_done;
	uint32_t len = left < DELTA_CHUNK_BYTES ? left : DELTA_CHUNK_BYTES, at = 0;
	uint64_t old_pos = op->old_pos + d->copy_done;
	int rc;

	if (code->p == code->end || *code->p > DELTA_CODE_X86)
		return -EBADMSG;
	rc = old_read(d, d->block, len, old_pos);
	if (rc)
		return rc;
	if (*code->p++ == DELTA_CODE_X86)
		delta_refs_move(&d->map, d->op, old_pos, d->block, len);
	while (d->fix_gap < len - at) {
		at += d->fix_gap;
		if (d->fix_len > len - at)
			return -EBADMSG;
		rc = fix(d, d->block + at, old_pos + at);
		if (rc)
			return rc;
		at += d->fix_len;
		rc = next_fix(d);
		if (rc)
			return rc;
	}
	if (d->fix_gap != DELTA_NO_FIX)
		d->fix_gap -= len - at;
	d->copy_done += len;
	d->block_start = 0;
	d->block_end = len;
	return 0;
}

static int make_extra(struct delta *d, struct bytes *in)
{
	uint32_t room = d->extra_left < BLOCK_BYTES ? d->extra_left : BLOCK_BYTES, made;
	int rc = stream_read(d, in, d->block, room, &made);

	if (rc < 0)
		return rc;
	d->extra_left -= made;
	d->block_start = 0;
	d->block_end = made;
	return 0;
}

static int run_tail(struct delta *d, struct bytes *in)
{
	uint32_t made;
	int rc = stream_read(d, in, d->block, 0, &made);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return d->payload_left ? 0 : -EBADMSG;
	d->state = STATE_HEAD;
	if (d->out_left == 0)
		d->state = STATE_DONE;
	if ((d->out_left == 0) != (d->payload_left == 0))
		return -EBADMSG;
	return 0;
}

/* run_body - make the next block, or find that the segment is at its end. */
static int run_body(struct delta *d, struct bytes *in)
{
	int rc;

	while (d->op < d->map.n) {
		if (d->copy_done < d->map.ops[d->op].copy_len)
			rc = make_copy(d);
		else if (d->extra_left)
			rc = make_extra(d, in);
		else {
			d->op++;
			op_begin(d);
			continue;
		}
		if (rc)
			return rc;
		d->new_offset += d->block_end;
		d->out_left -= d->block_end;
		if (d->block_end == 0 && d->payload_left == 0)
			return -EBADMSG;
		return 0;
	}
	/* Nothing may be left over. */
	if (d->fix_gap != DELTA_NO_FIX || d->side[DELTA_CODE].p != d->side[DELTA_CODE].end ||
	    d->side[DELTA_WORD].p != d->side[DELTA_WORD].end ||
	    d->side[DELTA_BYTE].p != d->side[DELTA_BYTE].end)
		return -EBADMSG;
	d->state = STATE_TAIL;
	return 0;
}

static int step(struct delta *d, struct bytes *in)
{
	switch (d->state) {
	case STATE_HEAD:
		return run_head(d, in);
	case STATE_SIDE:
		return run_side(d, in);
	case STATE_BODY:
		return run_body(d, in);
	case STATE_TAIL:
		return run_tail(d, in);
	default:
		return -EINVAL;
	}
}

int delta_run(struct delta *d, const uint8_t *in, size_t in_len, size_t *ret_used, uint8_t *out,
	      size_t out_len, size_t *ret_made)
{
	struct bytes from = { in, in + in_len };
	size_t made = 0;
	int rc = 0;

	*ret_used = *ret_made = 0;
	for (;;) {
		const uint8_t *before = from.p;
		enum state state = d->state;
		size_t n = d->block_end - d->block_start;

		if (n > out_len - made)
			n = out_len - made;
		if (n)
			memcpy(out + made, d->block + d->block_start, n);
		d->block_start += (uint32_t)n;
		made += n;
		if (d->block_start < d->block_end)
			break;
		if (d->state == STATE_DONE) {
			rc = 1;
			break;
		}
		d->block_start = d->block_end = 0;
		rc = step(d, &from);
		if (rc) {
			d->state = STATE_IDLE;
			break;
		}
		/* Nothing taken, nothing made, no step forward: more input is wanted. */
		if (from.p == before && d->block_end == 0 && d->state == state)
			break;
	}
	if (rc == 1)
		d->state = STATE_DONE;
	*ret_used = (size_t)(from.p - in);
	*ret_made = made;
	return rc;
}
