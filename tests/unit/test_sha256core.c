// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto.h"
#include "sha256core.h"

static const uint32_t begin[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

/* The whole hash of a message by a compression function; the message gets its padding here. */
static void hash(sha256core_fn *blocks, const uint8_t *msg, size_t len, size_t shift,
		 uint8_t *ret_digest)
{
	size_t padded = (len + 9 + 63) / 64 * 64, i;
	uint8_t *room = calloc(1, padded + shift), *buf = room + shift;
	uint32_t state[8];

	assert_non_null(room);
	memcpy(buf, msg, len);
	buf[len] = 0x80;
	be32_store(buf + padded - 4, (uint32_t)(len * 8));
	memcpy(state, begin, sizeof(state));
	/* In two parts, so that the state goes in and out. */
	blocks(state, buf, padded / 64 / 2);
	blocks(state, buf + padded / 64 / 2 * 64, padded / 64 - padded / 64 / 2);
	for (i = 0; i < 8; i++)
		be32_store(ret_digest + 4 * i, state[i]);
	free(room);
}

/* Every length around the blocks' ends, at every alignment, against libcrypto. */
static void compare(sha256core_fn *blocks)
{
	uint8_t msg[1024], want[SHA256_SIZE], got[SHA256_SIZE];
	uint32_t x = 1;
	size_t i, len;

	for (i = 0; i < sizeof(msg); i++) {
		x = x * 1664525 + 1013904223;
		msg[i] = (uint8_t)(x >> 24);
	}
	for (len = 0; len <= sizeof(msg); len++) {
		sha256(msg, len, want);
		hash(blocks, msg, len, len % 17, got);
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void test_portable(void **state)
{
	(void)state;
	compare(sha256core_portable);
}

static void test_instructions(void **state)
{
	(void)state;
	if (!sha256core_shani())
		skip();
	compare(sha256core_shani());
}

static void test_best(void **state)
{
	(void)state;
	assert_non_null(sha256core_best());
	compare(sha256core_best());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portable),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
