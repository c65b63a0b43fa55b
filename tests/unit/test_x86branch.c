// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "x86branch.h"

static void test_known(void **state)
{
	/* At 16: call +0x10; at 21: jmp -0x15 (to 5: below zero it wraps); at 26: a load. */
	static const uint8_t code[33] = { [16] = 0xe8, 0x10, 0,	   0,	 0,    0xe9,
					  0xf0,	       0xff, 0xff, 0xff, 0x48, 0x8b,
					  0x05,	       0x00, 0x01, 0,	 0 };
	uint8_t got[sizeof(code)];

	(void)state;
	memcpy(got, code, sizeof(code));
	x86branch_encode(got, sizeof(got));
	assert_int_equal(le32_load(got + 17), 0x10 + 16);
	assert_int_equal(le32_load(got + 22), 21 - 0x10);
	assert_int_equal(le32_load(got + 29), 0x100 + 26);
	assert_int_equal(x86branch_decode(got, sizeof(got), 0, 0, sizeof(got), true), sizeof(got));
	assert_memory_equal(got, code, sizeof(code));
}

/* Any distance at any position, there and back. */
static void test_range(void **state)
{
	static const int64_t d[] = { 0,
				     1,
				     -1,
				     X86BRANCH_SPAN - 1,
				     X86BRANCH_SPAN,
				     -(int64_t)X86BRANCH_SPAN,
				     INT32_MAX,
				     INT32_MIN };
	static const uint32_t at[] = { 0, 1, 2, 100, 65536, X86BRANCH_SPAN - 5 };
	uint8_t *block = calloc(1, X86BRANCH_SPAN);
	size_t i, j;
	int off;

	(void)state;
	assert_non_null(block);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (j = 0; j < sizeof(d) / sizeof(d[0]); j++) {
			for (off = -2; off <= 2; off++) {
				uint32_t v = (uint32_t)(d[j] + off - at[i] * (j % 2));

				block[at[i]] = 0xe8;
				le32_store(block + at[i] + 1, v);
				x86branch_encode(block, at[i] + 5);
				(void)x86branch_decode(block, at[i] + 5, 0, 0, at[i] + 5, true);
				assert_int_equal(le32_load(block + at[i] + 1), v);
				memset(block + at[i], 0, 5);
			}
		}
	}
	free(block);
}

/* Bytes that are full of patterns: there and back is the same, in one slice and in any. */
static void test_slices(void **state)
{
	static const uint8_t dense[] = { 0xe8, 0xe9, 0x48, 0x4c, 0x8b, 0x8d, 0x05, 0x3d,
					 0x00, 0xff, 0x39, 0x89, 0xe8, 0x3b, 0x01, 0x0d };
	enum { LEN = 509 };
	uint8_t was[LEN], enc[LEN], got[LEN];
	uint32_t x = 7, round;
	size_t i, slice;

	(void)state;
	for (round = 0; round < 200; round++) {
		for (i = 0; i < LEN; i++) {
			x = x * 1664525 + 1013904223;
			was[i] = dense[x >> 28];
		}
		memcpy(enc, was, LEN);
		x86branch_encode(enc, LEN);
		memcpy(got, enc, LEN);
		assert_int_equal(x86branch_decode(got, LEN, 0, 0, LEN, true), LEN);
		assert_memory_equal(got, was, LEN);
		for (slice = 7; slice < 40; slice++) {
			size_t at = 0, have;

			memcpy(got, enc, LEN);
			for (have = slice; have < LEN; have += slice)
				at = x86branch_decode(got, have, 0, at, have, false);
			assert_int_equal(x86branch_decode(got, LEN, 0, at, LEN, true), LEN);
			assert_memory_equal(got, was, LEN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
