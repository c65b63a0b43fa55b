// SPDX-License-Identifier: Apache-2.0
/* Vectors: FIPS 180-4 examples (NIST CSRC, SHA256.pdf) and the empty string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "crypto.h"
#include "hex.h"
#include "tests/unit/cryptovectors.h"

static const struct {
	const char *text, *digest;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void test_vectors(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t d[SHA256_SIZE];
		char text[2 * SHA256_SIZE + 1];

		sha256(vectors[i].text, strlen(vectors[i].text), d);
		hex_encode(d, sizeof(d), text);
		assert_string_equal(text, vectors[i].digest);
	}
}

static void test_pieces_equal_whole(void **state)
{
	uint8_t buf[300], whole[SHA256_SIZE], pieces[SHA256_SIZE];
	size_t i, cut;

	(void)state;
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7);
	sha256(buf, sizeof(buf), whole);
	for (cut = 0; cut <= sizeof(buf); cut++) {
		struct sha256 h, copy;

		sha256_init(&h);
		sha256_update(&h, buf, cut);
		copy = h;
		sha256_update(&copy, buf + cut, sizeof(buf) - cut);
		sha256_final(&copy, pieces);
		assert_memory_equal(whole, pieces, sizeof(whole));
	}
}

static void test_hex(void **state)
{
	uint8_t out[2];

	(void)state;
	assert_int_equal(hex_decode("0aFf", out, 2), 0);
	assert_int_equal(out[0], 0x0a);
	assert_int_equal(out[1], 0xff);
	assert_true(hex_decode("0aF", out, 2) < 0);
	assert_true(hex_decode("0aFf0", out, 2) < 0);
	assert_true(hex_decode("0aFg", out, 2) < 0);
}

/* The same for mbedTLS: tests/e2e/guest/crypto.c. */
static void test_published(void **state)
{
	(void)state;
	assert_int_equal(vectors_all(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_pieces_equal_whole),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
