// SPDX-License-Identifier: Apache-2.0
/* Against lib/fat.c; against mtools in tests/e2e/37-rewrite.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "fat.h"
#include "fatread.h"

#define MIB (UINT64_C(1) << 20)

static uint8_t *disk, out[1 << 16];
static struct fat_plan plan;
static struct fat_file files[] = {
	{ .path = "EFI/BOOT/BOOTX64.EFI", .size_bytes = 20001 },
	{ .path = "slot.cfg.sig", .size_bytes = 512 },
	{ .path = "slot.cfg", .size_bytes = 1 },
	{ .path = "a-name-of-more-than-26-letters.txt", .size_bytes = 1025 },
	{ .path = "empty", .size_bytes = 0 },
};

enum { FILES = sizeof(files) / sizeof(files[0]) };

static int disk_read(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	const struct blockio *io = ctx;

	assert_int_equal(offset % 512 + len % 512, 0);
	if (offset > io->size_bytes || len > io->size_bytes - offset)
		return -EIO;
	memcpy(ret_buf, disk + offset, len);
	return 0;
}

static struct blockio io = { .ctx = &io, .sector_bytes = 512, .read = disk_read };

static void make(unsigned int bits, uint64_t size, uint32_t cluster)
{
	struct fat_spec s = { .size_bytes = size,
			      .bits = bits,
			      .cluster_bytes = cluster,
			      .align_bytes = 512,
			      .volume_id = 1,
			      .label = "CAIRN" };
	size_t i, k;

	free(disk);
	disk = calloc(1, size);
	assert_non_null(disk);
	io.size_bytes = size;
	assert_int_equal(fat_plan_make(&s, files, FILES, &plan, NULL), 0);
	fat_format(&plan, disk);
	for (i = 0; i < FILES; i++)
		for (k = 0; k < files[i].size_bytes; k++)
			disk[files[i].ret_offset_bytes + k] = (uint8_t)(k * 7 + i);
}

static const struct {
	unsigned int bits;
	uint64_t size;
	uint32_t cluster;
} kinds[] = { { 12, 4 * MIB, 4096 }, { 16, 64 * MIB, 4096 }, { 32, 64 * MIB, 512 } };

static void test_files(void **state)
{
	size_t kind, i, k, len;

	(void)state;
	for (kind = 0; kind < 3; kind++) {
		make(kinds[kind].bits, kinds[kind].size, kinds[kind].cluster);
		for (i = 0; i < FILES; i++) {
			assert_int_equal(
				fatread_file(&io, files[i].path, out, sizeof(out), &len, NULL), 0);
			assert_int_equal(len, files[i].size_bytes);
			for (k = 0; k < len; k++)
				assert_int_equal(out[k], (uint8_t)(k * 7 + i));
		}
		assert_int_equal(fatread_file(&io, "efi/boot/bootx64.efi", out, 20001, &len, NULL),
				 0);
		assert_int_equal(fatread_file(&io, "EFI/BOOT/BOOTX64.EFI", out, 20000, &len, NULL),
				 -EFBIG);
		assert_int_equal(fatread_file(&io, "EFI", out, 9999, &len, NULL), -ENOENT);
		assert_int_equal(fatread_file(&io, "EFI/slot.cfg", out, 9999, &len, NULL), -ENOENT);
		assert_int_equal(fatread_file(&io, "slot.cfg/EFI", out, 9999, &len, NULL), -ENOENT);
		assert_int_equal(fatread_file(&io, "slot", out, 9999, &len, NULL), -ENOENT);
		assert_int_equal(fatread_file(&io, "", out, 9999, &len, NULL), -ENOENT);
	}
}

/* Entry of the first table for a cluster of FAT16. */
static uint8_t *entry16(uint32_t cluster)
{
	return disk + plan.reserved_sectors * 512 + (size_t)cluster * 2;
}

static uint32_t cluster_of(const struct fat_file *f)
{
	return (uint32_t)((f->ret_offset_bytes - plan.data_bytes) / plan.spec.cluster_bytes) + 2;
}

/* In pieces, out of order. */
static void test_fragments(void **state)
{
	uint32_t first, last;
	size_t len, k;

	(void)state;
	make(16, 64 * MIB, 4096);
	first = cluster_of(&files[0]);
	last = plan.clusters + 1;
	/* The second cluster of the file moves to the end of the volume. */
	memcpy(disk + plan.data_bytes + (uint64_t)(last - 2) * 4096,
	       disk + files[0].ret_offset_bytes + 4096, 4096);
	memset(disk + files[0].ret_offset_bytes + 4096, 0xee, 4096);
	le16_store(entry16(first), (uint16_t)last);
	le16_store(entry16(last), (uint16_t)(first + 2));
	assert_int_equal(fatread_file(&io, files[0].path, out, sizeof(out), &len, NULL), 0);
	for (k = 0; k < len; k++)
		assert_int_equal(out[k], (uint8_t)(k * 7));
}

static void test_damaged(void **state)
{
	size_t len, i;
	static const struct {
		size_t at;
		uint32_t value; /* 16 bits */
	} boot[] = { { 510, 0 },     { 11, 1024 }, { 13, 0x0300 }, { 14, 0 },
		     { 19, 0xffff }, { 22, 1 },	   { 16, 0 },	   { 17, 0 } };

	(void)state;
	for (i = 0; i < sizeof(boot) / sizeof(boot[0]); i++) {
		make(16, 64 * MIB, 4096);
		le16_store(disk + boot[i].at, (uint16_t)boot[i].value);
		if (boot[i].at == 19)
			le32_store(disk + 32, 0xffffffff), le16_store(disk + 19, 0);
		assert_int_equal(fatread_file(&io, "slot.cfg", out, 9999, &len, NULL), -EINVAL);
	}
	make(16, 64 * MIB, 4096);
	/* A chain that ends early, leaves the volume, is free. */
	le16_store(entry16(cluster_of(&files[0]) + 1), 0xffff);
	assert_int_equal(fatread_file(&io, files[0].path, out, sizeof(out), &len, NULL), -EINVAL);
	le16_store(entry16(cluster_of(&files[0]) + 1), (uint16_t)(plan.clusters + 2));
	assert_int_equal(fatread_file(&io, files[0].path, out, sizeof(out), &len, NULL), -EINVAL);
	le16_store(entry16(cluster_of(&files[0]) + 1), 0);
	assert_int_equal(fatread_file(&io, files[0].path, out, sizeof(out), &len, NULL), -EINVAL);
	/* A folder that is its own next cluster. */
	make(32, 64 * MIB, 512);
	memset(disk + plan.data_bytes, 0xe5, 512);
	le32_store(disk + plan.reserved_sectors * 512 + 4 * 2, 2);
	assert_int_equal(fatread_file(&io, "slot.cfg", out, 9999, &len, NULL), -EINVAL);
	/* No partition at all. */
	io.size_bytes = 0;
	assert_int_equal(fatread_file(&io, "slot.cfg", out, 9999, &len, NULL), -EINVAL);
	free(disk);
	disk = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
