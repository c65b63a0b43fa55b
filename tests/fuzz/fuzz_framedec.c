// SPDX-License-Identifier: Apache-2.0
/*
 * A frame of any encoding, past the hash of its pieces: the hashes of whatever comes are put into
 * the tables, as a signed bundle would have them.
 *
 *     encoding (1) | output in units of 4096, minus 1 (1) | payload
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "framedec.h"

#define OLD_BYTES (64u << 10)
#define PAYLOAD_MAX (600u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *payload;
	uint64_t payload_at, at;
};

static int begin(void *ctx, uint64_t offset, uint64_t len, struct err *err)
{
	struct input *in = ctx;

	(void)len;
	(void)err;
	in->at = offset - in->payload_at;
	return 0;
}

static int pull(void *ctx, void *ret_buf, size_t len, struct err *err)
{
	struct input *in = ctx;

	(void)err;
	memcpy(ret_buf, in->payload + in->at, len);
	in->at += len;
	return 0;
}

static int read_old(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	(void)ctx;
	/* What the decoder may ask for ends with the old image. */
	if (offset_bytes > OLD_BYTES || len > OLD_BYTES - offset_bytes)
		abort();
	memset(ret_buf, (int)(offset_bytes >> 8), len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct blockio old = { .size_bytes = OLD_BYTES, .read = read_old };
	static uint8_t *memory, *out, tables[256];
	static struct framedec *d;
	struct bundle b = { 0 };
	struct bundle_image *image = &b.image[BUNDLE_ROOT];
	struct input in;
	const struct piecefeed_source source = { &in, begin, pull };
	struct bundle_frame f;
	uint8_t *at = tables;
	uint32_t i;

	if (size < 3 || size - 2 > PAYLOAD_MAX)
		return 0;
	if (!memory) {
		memory = aligned_alloc(64, (framedec_memory() + 63) / 64 * 64);
		out = malloc(BUNDLE_FRAME_MAX);
		d = calloc(1, sizeof(*d));
		if (!memory || !out || !d)
			abort();
	}
	image->present = true;
	image->encoding = (enum bundle_encoding)(data[0] % BUNDLE_ENCODINGS);
	image->size_bytes = image->frame_bytes = (data[1] + 1u) * BUNDLE_BLOCK_BYTES;
	image->base_size_bytes = OLD_BYTES;
	image->payload_bytes = size - 2;
	le32_store(at, 1);
	le32_store(at + 4, bundle_pieces(image));
	le32_store(at + 8, (uint32_t)(size - 2));
	at += 8 + 4 + SHA256_SIZE;
	for (i = 0; i < bundle_pieces(image); i++, at += SHA256_SIZE) {
		size_t from = 2 + (size_t)i * BUNDLE_PIECE_BYTES;
		size_t n = size - from < BUNDLE_PIECE_BYTES ? size - from : BUNDLE_PIECE_BYTES;

		sha256(data + from, n, at);
	}
	b.tables_bytes = (uint32_t)(at - tables);
	in = (struct input){ data + 2, bundle_payload_at(&b, 0, BUNDLE_ROOT), 0 };
	bundle_frame_first(&b, tables, BUNDLE_ROOT, &f);
	if (framedec_init(d, memory, &source, &b, tables, 0, BUNDLE_ROOT, &old, NULL) ||
	    piecefeed_want(&d->feed, 0, size - 2, NULL) || framedec_begin(d, &f, NULL))
		return 0;
	/* In two parts, as the writer does. */
	if (framedec_make(d, out, BUNDLE_BLOCK_BYTES, NULL) == 0 &&
	    framedec_make(d, out + BUNDLE_BLOCK_BYTES, f.output_bytes - BUNDLE_BLOCK_BYTES, NULL) ==
		    0)
		(void)framedec_end(d, NULL);
	return 0;
}
