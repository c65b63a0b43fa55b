// SPDX-License-Identifier: Apache-2.0
/* x86-zstd in slices: tests/fault looks at the other encodings and at what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "bytes.h"
#include "framedec.h"

enum { LEN = 16 * 4096, TABLES_ROOM = 8 + 36 + 32 };

struct memory {
	const uint8_t *bytes;
	uint64_t base, at;
};

static int begin(void *ctx, uint64_t offset, uint64_t len, struct err *err)
{
	struct memory *m = ctx;

	(void)len;
	(void)err;
	m->at = offset - m->base;
	return 0;
}

static int pull(void *ctx, void *ret_buf, size_t len, struct err *err)
{
	struct memory *m = ctx;

	(void)err;
	memcpy(ret_buf, m->bytes + m->at, len);
	m->at += len;
	return 0;
}

/* Full of patterns, so that each border of a slice cuts one sooner or later. */
static void fill(uint8_t *out)
{
	static const uint8_t dense[] = { 0xe8, 0xe9, 0x48, 0x4c, 0x8b, 0x8d, 0x05, 0x3d,
					 0x00, 0xff, 0x39, 0x89, 0xe8, 0x3b, 0x01, 0x0d };
	uint32_t x = 3;
	size_t i;

	for (i = 0; i < LEN; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = dense[x >> 28];
	}
}

static void test_slices(void **state)
{
	static const size_t slices[] = { 6, 7, 11, 4093, 4096, 65535, 65536 };
	static struct framedec d;
	static uint8_t want[LEN], got[LEN], filtered[LEN], payload[2 * LEN], tables[TABLES_ROOM];
	uint8_t *memory = aligned_alloc(64, (framedec_memory() + 63) / 64 * 64);
	struct memory in = { .bytes = payload };
	const struct piecefeed_source source = { &in, begin, pull };
	struct bundle b = { .tables_bytes = sizeof(tables) };
	struct bundle_image *image = &b.image[BUNDLE_ROOT];
	struct bundle_frame f;
	size_t len, i;

	(void)state;
	assert_non_null(memory);
	fill(want);
	memcpy(filtered, want, LEN);
	x86branch_encode(filtered, LEN);
	assert_memory_not_equal(filtered, want, LEN);
	len = ZSTD_compress(payload, sizeof(payload), filtered, LEN, 3);
	assert_false(ZSTD_isError(len));
	image->present = true;
	image->encoding = BUNDLE_X86_ZSTD;
	image->size_bytes = image->frame_bytes = LEN;
	image->payload_bytes = len;
	le32_store(tables, 1);
	le32_store(tables + 4, 1);
	le32_store(tables + 8, (uint32_t)len);
	sha256(want, LEN, tables + 12);
	sha256(payload, len, tables + 44);
	in.base = bundle_payload_at(&b, 0, BUNDLE_ROOT);
	bundle_frame_first(&b, tables, BUNDLE_ROOT, &f);
	for (i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		size_t at = 0, n;

		assert_int_equal(
			framedec_init(&d, memory, &source, &b, tables, 0, BUNDLE_ROOT, NULL, NULL),
			0);
		assert_int_equal(piecefeed_want(&d.feed, 0, len, NULL), 0);
		assert_int_equal(framedec_begin(&d, &f, NULL), 0);
		for (; at < LEN; at += n) {
			n = LEN - at < slices[i] ? LEN - at : slices[i];
			/* No slice but the last may be shorter than what is decoded ahead. */
			if (LEN - at - n && LEN - at - n < 6)
				n = LEN - at;
			assert_int_equal(framedec_make(&d, got + at, n, NULL), 0);
		}
		assert_int_equal(framedec_end(&d, NULL), 0);
		assert_memory_equal(got, want, LEN);
		memset(got, 0, LEN);
	}
	/* More than the frame has. */
	assert_int_equal(piecefeed_want(&d.feed, 0, len, NULL), 0);
	assert_int_equal(framedec_begin(&d, &f, NULL), 0);
	assert_true(framedec_make(&d, got, LEN - 4096, NULL) == 0);
	assert_true(framedec_make(&d, payload, 4097, NULL) < 0);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
