// SPDX-License-Identifier: Apache-2.0
/* What the FAT writer decides; that others can read it is shown by fsck.vfat, mtools and GRUB's
 * own driver in tests/e2e/03-formats.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "fat.h"

#define MIB (UINT64_C(1) << 20)

static struct fat_plan plan;

static struct fat_spec spec(uint64_t size, unsigned int bits, uint32_t cluster, uint32_t align)
{
	return (struct fat_spec){ .size_bytes = size,
				  .bits = bits,
				  .cluster_bytes = cluster,
				  .align_bytes = align,
				  .volume_id = 0x12345678,
				  .label = "CAIRN" };
}

/* Offsets follow from the arguments alone: small files, each in a block of 4 KiB of its own. */
static void test_offsets(void **state)
{
	struct fat_spec s = spec(4 * MIB, 12, 4096, 4096);
	struct fat_file files[] = { { .path = "S0.ENV", .size_bytes = 1024 },
				    { .path = "S1.ENV", .size_bytes = 1024 } };
	uint8_t *buf;

	(void)state;
	assert_int_equal(fat_plan_make(&s, files, 2, &plan, NULL), 0);
	assert_int_equal(files[0].ret_offset_bytes, 20480);
	assert_int_equal(files[1].ret_offset_bytes, 24576);
	assert_int_equal(plan.metadata_bytes, 20480);
	buf = malloc(plan.metadata_bytes);
	assert_non_null(buf);
	fat_format(&plan, buf);
	/* Two chains of one cluster each: end marks in entries 2 and 3 of 12 bits. */
	assert_memory_equal(buf + 2 * 512, "\xf8\xff\xff\xff\xff\xff\x00", 7);
	assert_int_equal(le16_load(buf + 510), 0xaa55);
	free(buf);
}

static void test_alignment(void **state)
{
	static const uint32_t aligns[] = { 512, 4096, 65536, 1 << 20 };
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		struct fat_spec s = spec(64 * MIB, 32, 512, aligns[i]);
		struct fat_file files[] = { { .path = "a/b/c", .size_bytes = 513 },
					    { .path = "a/empty", .size_bytes = 0 },
					    { .path = "a/d", .size_bytes = 70000 },
					    { .path = "e", .size_bytes = 1 } };

		assert_int_equal(fat_plan_make(&s, files, 4, &plan, NULL), 0);
		for (k = 0; k < 4; k++) {
			uint64_t end = k ? files[k - 1].ret_offset_bytes + files[k - 1].size_bytes
					 : plan.metadata_bytes;

			assert_int_equal(files[k].ret_offset_bytes % aligns[i], 0);
			if (!files[k].size_bytes)
				assert_int_equal(files[k].ret_offset_bytes, 0);
			else
				assert_true(files[k].ret_offset_bytes >= end);
		}
	}
}

static void test_same_bytes(void **state)
{
	struct fat_spec s = spec(64 * MIB, 16, 4096, 4096);
	struct fat_file files[] = { { .path = "vmlinuz", .size_bytes = 5000000 },
				    { .path = "slot.cfg.sig", .size_bytes = 287 } };
	uint8_t *a, *b;

	(void)state;
	assert_int_equal(fat_plan_make(&s, files, 2, &plan, NULL), 0);
	a = malloc(plan.metadata_bytes);
	b = malloc(plan.metadata_bytes);
	assert_true(a && b);
	memset(a, 0x55, plan.metadata_bytes);
	memset(b, 0xaa, plan.metadata_bytes);
	fat_format(&plan, a);
	fat_format(&plan, b);
	assert_memory_equal(a, b, plan.metadata_bytes);
	free(a);
	free(b);
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t size;
		unsigned int bits;
		uint32_t cluster, align;
		int rc;
		const char *label;
	} cases[] = {
		{ 64 * MIB, 32, 512, 512, 0, "A" },
		{ 64 * MIB, 32, 1024, 512, -EINVAL, "A" }, /* too few clusters for FAT32 */
		{ 64 * MIB, 16, 512, 512, -EINVAL, "A" },  /* too many for FAT16 */
		{ 64 * MIB, 16, 1024, 512, 0, "A" },
		{ 64 * MIB, 12, 16384, 512, -EINVAL, "A" },
		{ 64 * MIB, 12, 32768, 512, 0, "A" },
		{ 64 * MIB, 16, 65536, 512, -EINVAL, "A" },
		{ 64 * MIB, 16, 3000, 512, -EINVAL, "A" },
		{ 64 * MIB, 16, 4096, 100, -EINVAL, "A" },
		{ 64 * MIB, 16, 4096, 2 << 20, -EINVAL, "A" },
		{ 64 * MIB, 8, 4096, 512, -EINVAL, "A" },
		{ 64 * MIB + 1, 16, 4096, 512, -EINVAL, "A" },
		{ 2048 * 1024 * MIB, 32, 4096, 512, -EINVAL, "A" },
		{ 4096, 12, 512, 512, -EINVAL, "A" },
		{ 0, 12, 512, 512, -EINVAL, "A" },
		{ 1 * MIB, 12, 512, 512, 0, "ABCDEFGHIJK" },
		{ 1 * MIB, 12, 512, 512, -EINVAL, "ABCDEFGHIJKL" },
		{ 1 * MIB, 12, 512, 512, -EINVAL, "lower" },
		{ 1 * MIB, 12, 512, 512, -EINVAL, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fat_spec s =
			spec(cases[i].size, cases[i].bits, cases[i].cluster, cases[i].align);
		struct fat_file f = { .path = "f", .size_bytes = 1 };

		s.label = cases[i].label;
		assert_int_equal(fat_plan_make(&s, &f, 1, &plan, NULL), cases[i].rc);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *a, *b;
		int rc;
	} cases[] = {
		{ "a", "b", 0 },
		{ "a", "A", -EINVAL },
		{ "a", "a/b", -EINVAL },
		{ "a/b", "a", -EINVAL },
		{ "a/b", "A/c", 0 },
		{ "a/b", "a/B", -EINVAL },
		{ "", "b", -EINVAL },
		{ "/a", "b", -EINVAL },
		{ "a/", "b", -EINVAL },
		{ "a//c", "b", -EINVAL },
		{ "..", "b", -EINVAL },
		{ "a.", "b", -EINVAL },
		{ " a", "b", -EINVAL },
		{ "a:b", "b", -EINVAL },
		{ "a\nb", "b", -EINVAL },
		{ "\xc3\xa4", "b", -EINVAL },
		{ "long name number one.text", "long name number two.text", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fat_spec s = spec(1 * MIB, 12, 512, 512);
		struct fat_file files[] = { { .path = cases[i].a, .size_bytes = 1 },
					    { .path = cases[i].b, .size_bytes = 1 } };

		assert_int_equal(fat_plan_make(&s, files, 2, &plan, NULL), cases[i].rc);
	}
}

static void test_short_names(void **state)
{
	static const struct {
		const char *path, *short_name;
	} cases[] = {
		{ "vmlinuz", "VMLINUZ    " },	   { "vmlinuz.sig", "VMLINUZ SIG" },
		{ "slot.cfg.sig", "SLOTCF~1SIG" }, { "slot.cfx.sig", "SLOTCF~2SIG" },
		{ ".hidden", "HIDDEN~1   " },	   { "a b", "AB~1       " },
		{ "S0.ENV", "S0      ENV" },	   { "longextension.text", "LONGEX~1TEX" },
	};
	enum { N = sizeof(cases) / sizeof(cases[0]) };
	struct fat_spec s = spec(1 * MIB, 12, 512, 512);
	struct fat_file files[N] = { { 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < N; i++)
		files[i].path = cases[i].path;
	assert_int_equal(fat_plan_make(&s, files, N, &plan, NULL), 0);
	for (i = 0; i < N; i++)
		assert_memory_equal(plan.nodes[i + 1].short_name, cases[i].short_name, 11);
	assert_false(plan.nodes[7].long_name);
	assert_true(plan.nodes[1].long_name);
}

static void test_full(void **state)
{
	struct fat_spec s = spec(1 * MIB, 12, 512, 512);
	struct fat_file f = { .path = "f", .size_bytes = 1 * MIB - 40 * 512 };
	static struct fat_file many[FAT_FILES_MAX + 1];

	(void)state;
	assert_int_equal(fat_plan_make(&s, &f, 1, &plan, NULL), -ENOSPC);
	f.size_bytes = (uint64_t)plan.clusters * 512;
	assert_int_equal(fat_plan_make(&s, &f, 1, &plan, NULL), 0);
	f.size_bytes++;
	assert_int_equal(fat_plan_make(&s, &f, 1, &plan, NULL), -ENOSPC);
	f.size_bytes = UINT64_MAX;
	assert_int_equal(fat_plan_make(&s, &f, 1, &plan, NULL), -EINVAL);
	assert_int_equal(fat_plan_make(&s, many, FAT_FILES_MAX + 1, &plan, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),	   cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_short_names),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
