// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "delta.h"
#include "deltafile.h"
#include "deltafmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

#define OLD_BYTES 70000u

static int read_old(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	if (offset > OLD_BYTES || len > OLD_BYTES - offset)
		abort();
	memcpy(ret_buf, (uint8_t *)ctx + offset, len);
	return 0;
}

/* decode - in slices of in bytes; no more comes out than was announced, and no call is in vain
 * for ever. */
static void decode(struct delta *d, const uint8_t *payload, uint32_t len, uint32_t out_bytes,
		   size_t in)
{
	static uint8_t out[5000];
	uint64_t made = 0;
	size_t used = 0, u, m;
	int rc = delta_begin(d, 1000, len, out_bytes);

	while (rc == 0) {
		size_t give = len - used < in ? len - used : in;

		rc = delta_run(d, payload + used, give, &u, out, sizeof(out), &m);
		if (u > give || m > sizeof(out) || m > out_bytes - made)
			abort();
		used += u;
		made += m;
		if (rc == 0 && u == 0 && m == 0)
			abort();
	}
	if (rc == 1 && (used != len || made != out_bytes))
		abort();
}

/* varints_sum - what a stream of lengths adds up to, as far as it is one. */
static uint64_t varints_sum(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint64_t sum = 0, v;

	while (p != end && delta_varint(&p, end, DELTA_FRAME_MAX, &v) == 0)
		sum += v;
	return sum;
}

/*
 * assemble - a payload whose head is right: the input says how long the streams are and what is
 * in them; as many extra bytes as the operations want follow.
 */
static uint32_t assemble(const uint8_t *buf, size_t len, uint8_t *ret, size_t room,
			 uint32_t *ret_out)
{
	struct delta_head head = { 0 };
	const uint8_t *p;
	uint64_t extra, all;
	unsigned int i;
	size_t side = 0;

	if (len < DELTA_EXTRA * 2)
		return 0;
	p = buf + DELTA_EXTRA * 2;
	len -= DELTA_EXTRA * 2;
	for (i = 0; i < DELTA_EXTRA; i++) {
		uint32_t n = le16_load(buf + i * 2);

		if (n > len - side)
			n = (uint32_t)(len - side);
		head.raw[i] = n;
		side += n;
	}
	extra = varints_sum(p + head.raw[DELTA_COPY], head.raw[DELTA_LEN]);
	all = extra + varints_sum(p, head.raw[DELTA_COPY]);
	if (DELTA_HEAD_BYTES + side + extra > room || all == 0 || all > DELTA_FRAME_MAX)
		return 0;
	head.raw[DELTA_EXTRA] = (uint32_t)extra;
	head.out_bytes = *ret_out = (uint32_t)all;
	delta_head_format(&head, ret);
	memcpy(ret + DELTA_HEAD_BYTES, p, side);
	memset(ret + DELTA_HEAD_BYTES + side, 'x', (size_t)extra);
	return (uint32_t)(DELTA_HEAD_BYTES + side + extra);
}

/* The first byte: 0 a payload as it is, 1 one whose head is right, 2 the head of a file. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static uint8_t old_image[OLD_BYTES], payload[1 << 18];
	struct delta_old from = { old_image, OLD_BYTES, read_old };
	static void *memory;
	struct deltafile f;
	struct delta *d;
	uint32_t out = 0, n;

	if (len < 4)
		return 0;
	if (!memory) {
		memory = malloc(delta_memory());
		for (n = 0; n < OLD_BYTES; n++)
			old_image[n] = (uint8_t)(n >> 4 ^ n);
	}
	if (buf[0] == 2) {
		if (deltafile_parse(buf + 1, len - 1, &f) == 0 && f.frames)
			(void)deltafile_frame_bytes(&f, f.frames - 1);
		return 0;
	}
	if (!memory || delta_init(memory, delta_memory(), &from, &d))
		return 0;
	if (buf[0] == 0) {
		decode(d, buf + 4, (uint32_t)(len - 4), le16_load(buf + 1) + 1u,
		       buf[3] ? buf[3] : len);
	} else {
		n = assemble(buf + 2, len - 2, payload, sizeof(payload), &out);
		if (n)
			decode(d, payload, n, out, buf[1] ? 1u << (buf[1] & 15) : n);
	}
	return 0;
}
