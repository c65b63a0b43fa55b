// SPDX-License-Identifier: Apache-2.0
/*
 * Vectors: veritysetup 2.6.1 `format DATA TREE --no-superblock --salt=SALT` over N blocks, block i
 * being 1024 times the little-endian 32-bit number i. The last column is the SHA-256 of TREE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"
#include "verity.h"

static const struct {
	uint64_t blocks;
	const char *salt, *root, *tree;
} vectors[] = {
	{ 2, "636169726e2d726f6f742d73616c742d7631000000000000000000000000c0de",
	  "d6c72100f831447ba6172afd202f956e903d78fa6cd7cd3d9af7d2e986b691ef",
	  "addcd8a53d2ab830f90c88b38440452f7175b5d4da401021734fa00e2d959325" },
	{ 127, "636169726e2d726f6f742d73616c742d7631000000000000000000000000c0de",
	  "e5d317825d3d8dca6c8ad678d0edda2cb65a42f7f8bae608364b31e9ba960023",
	  "0f4154016493f5e398e3992399a95cbffbec8fa7186441d31daa5da3d75d3b58" },
	{ 128, "636169726e2d726f6f742d73616c742d7631000000000000000000000000c0de",
	  "79c0aab0a7e0782ff23388966b80df4b79fb8be768ada2958b2ee588345e676c",
	  "8c50514f88efacd2708c85faf311021d1c9920c73a971541616829be5b88c3b8" },
	{ 129, "636169726e2d726f6f742d73616c742d7631000000000000000000000000c0de",
	  "92d6a80e5bfc80df094648a0c367e4acd2f842b7f8c2203f567cde1aa3602e68",
	  "80710eb46e9c8458ac96b37948a4828bd5e164894d96e9cb8e6a2afaa8310b72" },
	{ 16384, "636169726e2d726f6f742d73616c742d7631000000000000000000000000c0de",
	  "010fcdd3e7c85cfc001964f286dbfc5c7cb7ae1daa51fea4d81cd24ca56157ac",
	  "329195113177969e476ca8231de70d701e28d649f1630b98671f85d2493167bb" },
	{ 16385, "636169726e2d726f6f742d73616c742d7631000000000000000000000000c0de",
	  "9d9ff1620f85c73bb61b552096f89d7b7bfcf84c01aeda57cda104b0303de78b",
	  "63f0d57f9745a6f71d3e1b4341acfdb0264e50af3479e1983f9e82287430f238" },
	{ 300, "", "b12d642d5f8c8d56adb16c1c107116a40d15de70a97661268c5fb84d66180c57",
	  "6c6e724eeaf43fe3b8ee761c430b2cb4c64bd09ac0ecbac056d665264954cff7" },
};

struct tree {
	uint8_t *buf;
	uint64_t blocks, emitted;
	int fail_at; /* emit call that fails; 0 none */
};

static int keep(void *ctx, uint64_t tree_block, const uint8_t block[static VERITY_BLOCK_BYTES])
{
	struct tree *t = ctx;

	assert_true(tree_block < t->blocks);
	memcpy(t->buf + tree_block * VERITY_BLOCK_BYTES, block, VERITY_BLOCK_BYTES);
	return ++t->emitted == (uint64_t)t->fail_at ? -EIO : 0;
}

static int feed(struct verity *v, uint64_t blocks)
{
	uint8_t block[VERITY_BLOCK_BYTES];
	uint64_t i;
	size_t k;

	for (i = 0; i < blocks; i++) {
		int rc;

		for (k = 0; k < sizeof(block); k += 4)
			le32_store(block + k, (uint32_t)i);
		rc = verity_feed(v, block, sizeof(block));
		if (rc)
			return rc;
	}
	return 0;
}

static void test_vectors(void **state)
{
	static struct verity v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t salt[VERITY_SALT_MAX], root[SHA256_SIZE], d[SHA256_SIZE];
		size_t salt_size = strlen(vectors[i].salt) / 2, bytes;
		struct tree t = { .blocks = verity_tree_blocks(vectors[i].blocks) };
		char text[2 * SHA256_SIZE + 1];

		bytes = t.blocks * VERITY_BLOCK_BYTES;
		t.buf = malloc(bytes);
		assert_non_null(t.buf);
		assert_int_equal(hex_decode(vectors[i].salt, salt, salt_size), 0);
		assert_int_equal(verity_init(&v, vectors[i].blocks, salt, salt_size, keep, &t), 0);
		assert_int_equal(feed(&v, vectors[i].blocks), 0);
		assert_int_equal(verity_finish(&v, root), 0);
		hex_encode(root, sizeof(root), text);
		assert_string_equal(text, vectors[i].root);
		assert_int_equal(t.emitted, t.blocks);
		sha256(t.buf, bytes, d);
		hex_encode(d, sizeof(d), text);
		assert_string_equal(text, vectors[i].tree);
		assert_true(verity_top_check(t.buf, salt, salt_size, root));
		root[31] ^= 1;
		assert_false(verity_top_check(t.buf, salt, salt_size, root));
		root[31] ^= 1;
		t.buf[VERITY_BLOCK_BYTES - 1] ^= 1;
		assert_false(verity_top_check(t.buf, salt, salt_size, root));
		free(t.buf);
	}
}

static void test_counts(void **state)
{
	static struct verity v;
	uint8_t root[SHA256_SIZE], salt[VERITY_SALT_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(verity_tree_blocks(0), 0);
	assert_int_equal(verity_tree_blocks(1), 0);
	assert_int_equal(verity_tree_blocks(65536), 1 + 4 + 512);
	assert_true(verity_tree_blocks(VERITY_DATA_BLOCKS_MAX) > 0);
	assert_int_equal(verity_tree_blocks(VERITY_DATA_BLOCKS_MAX + 1), 0);
	assert_int_equal(verity_init(&v, 1, salt, 32, NULL, NULL), -EINVAL);
	assert_int_equal(verity_init(&v, 2, salt, sizeof(salt), NULL, NULL), -EINVAL);
	assert_int_equal(verity_init(&v, 2, salt, 32, NULL, NULL), 0);
	assert_int_equal(feed(&v, 1), 0);
	assert_int_equal(verity_finish(&v, root), -ENODATA);
	assert_int_equal(feed(&v, 2), -EINVAL);
	assert_int_equal(verity_feed(&v, root, 5), -EINVAL);
}

/* An error of the receiver ends the building, whichever call it is. */
static void test_emit_fails(void **state)
{
	static struct verity v;
	struct tree t = { .blocks = verity_tree_blocks(300) };
	uint8_t root[SHA256_SIZE];
	int n;

	(void)state;
	t.buf = malloc(t.blocks * VERITY_BLOCK_BYTES);
	assert_non_null(t.buf);
	for (n = 1; n <= (int)t.blocks; n++) {
		int rc;

		t.emitted = 0;
		t.fail_at = n;
		assert_int_equal(verity_init(&v, 300, NULL, 0, keep, &t), 0);
		rc = feed(&v, 300);
		assert_int_equal(rc ? rc : verity_finish(&v, root), -EIO);
	}
	free(t.buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_emit_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
