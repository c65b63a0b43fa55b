// SPDX-License-Identifier: Apache-2.0
/* Vectors: tests/data/pe/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"
#include "io.h"
#include "pe.h"

enum { FILE_MAX = 8192 };

/* Offsets in tiny.efi. */
enum {
	PE = 64,
	OPTIONAL = PE + 24,
	N_DIRECTORIES = OPTIONAL + 108,
	CERT_ENTRY = OPTIONAL + 112 + 4 * 8,
	SECTIONS = OPTIONAL + 112 + 16 * 8,
};

static uint8_t file[FILE_MAX];

static size_t load(const char *path)
{
	size_t len;

	assert_int_equal(io_read_file(path, file, sizeof(file), &len), 0);
	return len;
}

static void assert_hash(size_t len, size_t pad, const char *expected)
{
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	struct pe pe;

	assert_int_equal(pe_parse(file, len, &pe, NULL), 0);
	pe_hash(file, len, &pe, pad, digest);
	hex_encode(digest, sizeof(digest), text);
	assert_string_equal(text, expected);
}

static const struct {
	const char *plain, *with_signature, *hash;
} vectors[] = {
	{ "tests/data/pe/tiny.efi", "tests/data/pe/tiny.signed.efi",
	  "ac2ad9ae5b6e56efa143d484ec31f28dcc45d6be37de5008a81286ea9096c7b8" },
	{ "tests/data/pe/tiny32-odd.efi", "tests/data/pe/tiny32-odd.signed.efi",
	  "64d0d0fd434b0f3b347eb771d98d81e8edc40e2251a47cc7421e4e09dc9eb2f9" },
};

static void test_vectors(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		len = load(vectors[i].plain);
		assert_hash(len, pe_pad(len), vectors[i].hash);
		len = load(vectors[i].with_signature);
		assert_hash(len, 0, vectors[i].hash);
	}
}

/* A byte counts for the hash, except in the checksum, the table's entry and the table. */
static void test_every_byte_counts(void **state)
{
	size_t len = load(vectors[0].with_signature), i;
	uint8_t before[SHA256_SIZE], after[SHA256_SIZE];
	struct pe pe;

	(void)state;
	assert_int_equal(pe_parse(file, len, &pe, NULL), 0);
	pe_hash(file, len, &pe, 0, before);
	for (i = 0; i < len; i++) {
		bool hashed = !(i >= OPTIONAL + 64 && i < OPTIONAL + 68) &&
			      !(i >= CERT_ENTRY && i < CERT_ENTRY + 8) && i < pe.cert_offset;

		file[i] ^= 1;
		pe_hash(file, len, &pe, 0, after);
		assert_int_equal(memcmp(before, after, sizeof(before)) != 0, hashed);
		file[i] ^= 1;
	}
}

static void test_attach(void **state)
{
	uint8_t pkcs7[13] = "not a PKCS 7", digest[SHA256_SIZE], again[SHA256_SIZE];
	size_t v;

	(void)state;
	for (v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		size_t len = load(vectors[v].plain), at = len + pe_pad(len), total;
		struct pe pe;

		assert_int_equal(pe_parse(file, len, &pe, NULL), 0);
		pe_hash(file, len, &pe, pe_pad(len), digest);
		total = pe_signed_bytes(len, sizeof(pkcs7));
		assert_int_equal(total, at + 24);
		assert_int_equal(pe_attach(file, len, &pe, pkcs7, sizeof(pkcs7)), 0);
		assert_int_equal(pe_parse(file, total, &pe, NULL), 0);
		assert_int_equal(pe.cert_offset, at);
		assert_int_equal(le32_load(file + at), 24);
		assert_int_equal(le16_load(file + at + 4), 0x0200);
		assert_int_equal(le16_load(file + at + 6), 2);
		assert_memory_equal(file + at + 8, pkcs7, sizeof(pkcs7));
		pe_hash(file, total, &pe, 0, again);
		assert_memory_equal(digest, again, sizeof(digest));
		assert_int_equal(pe_attach(file, total, &pe, pkcs7, sizeof(pkcs7)), -EEXIST);
	}
}

static void test_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value; /* 32 bits, little-endian */
	} cases[] = {
		{ 0, 0 },		       /* no MZ */
		{ 60, 2040 },		       /* the header after the file */
		{ 60, 0xfffffff0 },	       /* far after it */
		{ PE, 0 },		       /* no PE */
		{ PE + 6, 97 },		       /* sections */
		{ PE + 20, 0x02060000 | 40 },  /* an optional header without directories */
		{ OPTIONAL, 0x107 },	       /* a ROM image */
		{ OPTIONAL + 60, 100 },	       /* headers end within the headers */
		{ OPTIONAL + 60, 0x7fffffff }, /* headers after the file */
		{ OPTIONAL + 60, 1024 },       /* headers over the first section */
		{ N_DIRECTORIES, 4 },	       /* no entry */
		{ N_DIRECTORIES, 17 },	       /* more than there is room for */
		{ N_DIRECTORIES, 0xffffffff }, /* far more */
		{ CERT_ENTRY, 1024 },	       /* a table without bytes */
		{ CERT_ENTRY + 4, 8 },	       /* a table over the headers */
		{ SECTIONS + 16, 0xffffffff }, /* a section after the file */
		{ SECTIONS + 20, 0xffffff00 }, /* and far after it */
		{ SECTIONS + 40 + 20, 600 },   /* sections overlap */
		{ SECTIONS + 40 + 20, 100 },   /* over the headers */
	};
	struct pe pe;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = load(vectors[0].plain);
		le32_store(file + cases[i].at, cases[i].value);
		assert_int_equal(pe_parse(file, len, &pe, NULL), -EINVAL);
	}
	/* Every shorter file, in a buffer of its own for the sanitizer. */
	len = load(vectors[0].with_signature);
	for (i = 0; i < len; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		assert_non_null(cut);
		memcpy(cut, file, i);
		assert_int_equal(pe_parse(cut, i, &pe, NULL), -EINVAL);
		free(cut);
	}
	assert_int_equal(pe_parse(file, (size_t)PE_MAX + 1, &pe, NULL), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
