// SPDX-License-Identifier: Apache-2.0
#include "deltafmt.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "delta.h"

int delta_head_parse(const uint8_t *buf, size_t len, struct delta_head *ret)
{
	uint64_t side = 0;
	unsigned int i;

	if (len != DELTA_HEAD_BYTES)
		return -EBADMSG;
	ret->out_bytes = le32_load(buf);
	if (ret->out_bytes == 0 || ret->out_bytes > DELTA_FRAME_MAX)
		return -EBADMSG;
	for (i = 0; i < DELTA_STREAMS; i++) {
		ret->raw[i] = le32_load(buf + 4 + 8 * i);
		ret->packed[i] = le32_load(buf + 8 + 8 * i);
		if (ret->packed[i] > DELTA_PAYLOAD_MAX || (ret->packed[i] && !ret->raw[i]))
			return -EBADMSG;
		if (i < DELTA_EXTRA)
			side += ret->raw[i];
	}
	if (side > DELTA_SIDE_MAX || ret->raw[DELTA_EXTRA] > ret->out_bytes ||
	    ret->raw[DELTA_COPY] == 0)
		return -EBADMSG;
	return 0;
}

void delta_head_format(const struct delta_head *h, uint8_t ret_buf[static DELTA_HEAD_BYTES])
{
	unsigned int i;

	le32_store(ret_buf, h->out_bytes);
	for (i = 0; i < DELTA_STREAMS; i++) {
		le32_store(ret_buf + 4 + 8 * i, h->raw[i]);
		le32_store(ret_buf + 8 + 8 * i, h->packed[i]);
	}
}

int delta_varint(const uint8_t **p, const uint8_t *end, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned int shift;

	for (shift = 0; shift < 42; shift += 7) {
		uint8_t b;

		if (*p == end)
			return -EBADMSG;
		b = *(*p)++;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			if (v > max)
				return -EBADMSG;
			*ret = v;
			return 0;
		}
	}
	return -EBADMSG;
}

uint32_t delta_kind_bytes(uint8_t kind)
{
	if (kind >= DELTA_KIND_BYTES)
		return kind - DELTA_KIND_BYTES + 1u;
	return kind <= DELTA_KIND_WORD ? 4 : 0;
}

void delta_recent_init(struct delta_recent *r)
{
	memset(r, 0, sizeof(*r));
}

void delta_recent_push(struct delta_recent *r, uint32_t value)
{
	memmove(r->v + 1, r->v, sizeof(r->v) - sizeof(r->v[0]));
	r->v[0] = value;
}

uint32_t delta_recent_use(struct delta_recent *r, unsigned int i)
{
	uint32_t value = r->v[i];

	memmove(r->v + 1, r->v, i * sizeof(r->v[0]));
	r->v[0] = value;
	return value;
}
