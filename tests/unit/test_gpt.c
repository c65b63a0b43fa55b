// SPDX-License-Identifier: Apache-2.0
/* The GPT on a disk in memory whose writes can be cut or torn at any sector. The form itself is
 * refereed by sgdisk in tests/e2e/03-formats.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "gpt.h"

enum { SMALL = 8192, LARGE = 20000, SECTOR = GPT_SECTOR_BYTES };

/* Sectors of a disk; the write that makes `budget` run out is cut, in one of three ways. */
enum tear { TEAR_NONE, TEAR_HALF, TEAR_GARBAGE, N_TEARS };

struct disk {
	uint8_t *data;
	uint64_t sectors;
	long budget; /* sectors that may still be written; negative: no limit */
	enum tear tear;
	unsigned int mbr_writes;
	unsigned int flushes;
};

static int disk_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	struct disk *d = ctx;

	assert_true(offset_bytes + len <= d->sectors * SECTOR);
	memcpy(ret_buf, d->data + offset_bytes, len);
	return 0;
}

static int disk_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	struct disk *d = ctx;
	const uint8_t *p = buf;
	size_t at;

	assert_true(offset_bytes + len <= d->sectors * SECTOR);
	assert_int_equal(len % SECTOR + offset_bytes % SECTOR, 0);
	if (offset_bytes == 0)
		d->mbr_writes++;
	for (at = 0; at < len; at += SECTOR) {
		uint8_t *to = d->data + offset_bytes + at;

		if (d->budget == 0) {
			if (d->tear == TEAR_HALF)
				memcpy(to, p + at, SECTOR / 2);
			else if (d->tear == TEAR_GARBAGE)
				memset(to, 0xa5, SECTOR);
			return -EIO;
		}
		if (d->budget > 0)
			d->budget--;
		memcpy(to, p + at, SECTOR);
	}
	return 0;
}

static int disk_flush(void *ctx)
{
	struct disk *d = ctx;

	d->flushes++;
	return 0;
}

static struct blockio disk_io(struct disk *d)
{
	return (struct blockio){
		.ctx = d,
		.size_bytes = d->sectors * SECTOR,
		.sector_bytes = SECTOR,
		.read = disk_read,
		.write = disk_write,
		.flush = disk_flush,
	};
}

static void disk_new(struct disk *d, uint64_t sectors)
{
	memset(d, 0, sizeof(*d));
	d->data = calloc(sectors, SECTOR);
	assert_non_null(d->data);
	d->sectors = sectors;
	d->budget = -1;
}

static struct gpt_part part(uint64_t first, uint64_t last, const char *name)
{
	struct gpt_part p = { .first_lba = first, .last_lba = last };

	assert_int_equal(gpt_guid_parse("63616972-6e00-4000-8000-000000000007", p.type), 0);
	assert_int_equal(gpt_guid_parse("63616972-6e00-4000-8001-000000000001", p.guid), 0);
	(void)strncpy(p.name, name, GPT_NAME_MAX);
	return p;
}

/* A table like the image's: partition 7 is the last one. */
static void make_table(struct gpt *g, uint64_t sectors)
{
	static const uint8_t guid[GPT_GUID_BYTES] = { 1, 2, 3 };
	struct gpt_part a = part(2048, 4095, "cairn-esp"), b = part(4096, 6143, "cairn-data");

	assert_int_equal(gpt_init(g, sectors, guid), 0);
	assert_int_equal(gpt_set(g, 1, &a), 0);
	assert_int_equal(gpt_set(g, 7, &b), 0);
}

static void write_table(struct disk *d, struct gpt *g)
{
	struct blockio io = disk_io(d);

	make_table(g, d->sectors);
	assert_int_equal(gpt_write(&io, g, true, NULL), 0);
}

static uint64_t data_end(const struct gpt *g)
{
	struct gpt_part p;

	assert_int_equal(gpt_get(g, 7, &p), 0);
	assert_int_equal(p.first_lba, 4096);
	assert_string_equal(p.name, "cairn-data");
	return p.last_lba;
}

static void test_guid(void **state)
{
	uint8_t guid[GPT_GUID_BYTES];
	char text[GPT_GUID_TEXT + 1];

	(void)state;
	assert_int_equal(gpt_guid_parse("C12A7328-f81f-11d2-ba4b-00a0c93ec93b", guid), 0);
	assert_int_equal(guid[0], 0x28);
	assert_int_equal(guid[4], 0x1f);
	assert_int_equal(guid[8], 0xba);
	gpt_guid_format(guid, text);
	assert_string_equal(text, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_int_equal(gpt_guid_parse("c12a7328-f81f-11d2-ba4b-00a0c93ec93", guid), -EINVAL);
	assert_int_equal(gpt_guid_parse("c12a7328-f81f-11d2-ba4b-00a0c93ec93bb", guid), -EINVAL);
	assert_int_equal(gpt_guid_parse("c12a7328-f81f-11d2-ba4b000a0c93ec93b-", guid), -EINVAL);
	assert_int_equal(gpt_guid_parse("c12a7328-f81f-11d2-ba4b-00a0c93ec93x", guid), -EINVAL);
}

static void test_set(void **state)
{
	static const struct {
		uint64_t number, first, last;
		int rc;
	} cases[] = {
		{ 2, 6144, 7000, 0 },
		{ 2, 6143, 7000, -EEXIST },
		{ 2, 1000, 2048, -EEXIST },
		{ 2, 1000, 8000, -EEXIST },
		{ 2, 33, 1000, -ERANGE },
		{ 2, 34, 1000, 0 },
		{ 2, 7000, SMALL - 34, 0 },
		{ 2, 7000, SMALL - 33, -ERANGE },
		{ 2, 7000, 6999, -ERANGE },
		{ 0, 6144, 7000, -EINVAL },
		{ 129, 6144, 7000, -EINVAL },
		{ 128, 6144, 7000, 0 },
		{ 2, 7000, UINT64_MAX, -ERANGE },
		{ 1, 100, 200, 0 },
	};
	static struct gpt g;
	struct gpt_part p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_table(&g, SMALL);
		p = part(cases[i].first, cases[i].last, "x");
		assert_int_equal(gpt_set(&g, (unsigned int)cases[i].number, &p), cases[i].rc);
		if (!cases[i].rc)
			assert_int_equal(gpt_get(&g, (unsigned int)cases[i].number, &p), 0);
		else if (cases[i].number == 2)
			assert_int_equal(gpt_get(&g, 2, &p), -ENOENT);
	}
	assert_int_equal(gpt_get(&g, 0, &p), -ENOENT);
	assert_int_equal(gpt_get(&g, 129, &p), -ENOENT);
	p = part(6144, 7000, "umlaut \xc3\xa4");
	assert_int_equal(gpt_set(&g, 2, &p), -EINVAL);
}

static void test_round_trip(void **state)
{
	static struct gpt g, back;
	struct disk d;
	struct blockio io;

	(void)state;
	disk_new(&d, SMALL);
	io = disk_io(&d);
	write_table(&d, &g);
	assert_int_equal(d.mbr_writes, 1);
	assert_int_equal(gpt_read(&io, &back, NULL), 0);
	assert_true(back.primary_ok && back.backup_ok);
	assert_int_equal(back.backup_lba, SMALL - 1);
	assert_memory_equal(back.entries, g.entries, sizeof(g.entries));
	assert_memory_equal(back.disk_guid, g.disk_guid, sizeof(g.disk_guid));
	/* UEFI 2.10, table 5.4: one partition of type 0xee from LBA 1. */
	assert_int_equal(d.data[446 + 4], 0xee);
	assert_int_equal(le32_load(d.data + 446 + 8), 1);
	assert_int_equal(le16_load(d.data + 510), 0xaa55);
	free(d.data);
}

/* Every byte of either copy may change: the table is found, from the other copy. */
static void test_one_copy_damaged(void **state)
{
	static struct gpt g, back;
	struct disk d;
	struct blockio io;
	size_t i;
	int copy;

	(void)state;
	disk_new(&d, SMALL);
	io = disk_io(&d);
	write_table(&d, &g);
	for (copy = 0; copy < 2; copy++) {
		uint8_t *header = d.data + (copy ? (SMALL - 1) : 1) * SECTOR;
		uint8_t *entries = d.data + (copy ? (SMALL - 33) : 2) * SECTOR;

		for (i = 0; i < 92 + 1000; i++) {
			uint8_t *p = i < 92 ? header + i : entries + (i - 92);

			*p ^= 0x10;
			assert_int_equal(gpt_read(&io, &back, NULL), 0);
			assert_int_equal(back.primary_ok, copy == 1);
			assert_int_equal(back.backup_ok, copy == 0);
			assert_memory_equal(back.entries, g.entries, sizeof(g.entries));
			*p ^= 0x10;
		}
	}
	/* Both: told apart from a disk that never had a table. */
	d.data[SECTOR + 20] ^= 1;
	d.data[(SMALL - 1) * SECTOR + 50] ^= 1;
	assert_int_equal(gpt_read(&io, &back, NULL), -EBADMSG);
	memset(d.data, 0, SMALL * SECTOR);
	assert_int_equal(gpt_read(&io, &back, NULL), -ENODATA);
	free(d.data);
}

static void test_sectors_of_4096(void **state)
{
	static struct gpt g;
	struct disk d;
	struct blockio io;
	struct err err = { "" };

	(void)state;
	disk_new(&d, SMALL);
	io = disk_io(&d);
	io.sector_bytes = 4096;
	make_table(&g, SMALL);
	assert_int_equal(gpt_read(&io, &g, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "4096"));
	assert_int_equal(gpt_write(&io, &g, true, &err), -ENOTSUP);
	io.sector_bytes = 512;
	io.size_bytes = 5 * SECTOR;
	assert_int_equal(gpt_read(&io, &g, &err), -ENODATA);
	free(d.data);
}

/* An image of SMALL sectors on a disk of LARGE ones. */
static void put_image(struct disk *d, struct disk *image, struct gpt *g)
{
	disk_new(image, SMALL);
	write_table(image, g);
	disk_new(d, LARGE);
	memcpy(d->data, image->data, SMALL * SECTOR);
}

static void test_grow(void **state)
{
	static struct gpt g;
	struct disk d, image;
	struct blockio io;
	uint64_t end = (LARGE - 33) - (LARGE - 33) % GPT_ALIGN_SECTORS - 1;

	(void)state;
	put_image(&d, &image, &g);
	io = disk_io(&d);
	assert_int_equal(gpt_read(&io, &g, NULL), 0);
	assert_int_equal(g.backup_lba, SMALL - 1);
	assert_int_equal(gpt_write(&io, &g, false, NULL), -EINVAL);
	assert_int_equal(gpt_resize(&g, LARGE), 0);
	assert_int_equal(gpt_grow_last(&g, 1), -EBUSY);
	assert_int_equal(gpt_grow_last(&g, 3), -ENOENT);
	assert_int_equal(gpt_grow_last(&g, 7), 0);
	assert_int_equal(gpt_write(&io, &g, false, NULL), 0);
	assert_int_equal(d.mbr_writes, 0);
	assert_int_equal(gpt_read(&io, &g, NULL), 0);
	assert_true(g.primary_ok && g.backup_ok);
	assert_int_equal(g.backup_lba, LARGE - 1);
	assert_int_equal(data_end(&g), end);
	/* Again: nothing changes, and it never shrinks. */
	assert_int_equal(gpt_grow_last(&g, 7), 0);
	assert_int_equal(data_end(&g), end);
	assert_int_equal(gpt_resize(&g, SMALL), -ENOSPC);
	assert_int_equal(g.disk_sectors, LARGE);
	free(d.data);
	free(image.data);
}

static void test_fix_backup(void **state)
{
	static struct gpt g;
	struct disk d, image;
	struct blockio io;

	(void)state;
	put_image(&d, &image, &g);
	io = disk_io(&d);
	assert_int_equal(gpt_fix_backup(&io, NULL), 0);
	assert_int_equal(gpt_read(&io, &g, NULL), 0);
	assert_true(g.primary_ok && g.backup_ok);
	assert_int_equal(g.backup_lba, LARGE - 1);
	assert_int_equal(data_end(&g), 6143);
	d.budget = 0;
	assert_int_equal(gpt_fix_backup(&io, NULL), 0);
	free(d.data);
	free(image.data);
}

/*
 * Power goes after each number of sectors written, the next one untouched, half written, or
 * garbage. Whatever is on the disk then, a table is found, it is the old or the new one, and
 * doing the same again ends in the new one.
 */
static void cut_everywhere(int damage_primary, int damage_backup)
{
	static struct gpt g;
	uint8_t *before;
	struct disk d, image;
	struct blockio io;
	uint64_t old_end, new_end;
	enum tear tear;
	long cut;
	bool done;

	put_image(&d, &image, &g);
	io = disk_io(&d);
	if (damage_primary || damage_backup) {
		/* In place: a table that is laid out for this disk already, one copy broken. */
		make_table(&g, LARGE);
		assert_int_equal(gpt_write(&io, &g, false, NULL), 0);
		if (damage_primary)
			memset(d.data + 2 * SECTOR, 0xee, 100);
		if (damage_backup)
			memset(d.data + (LARGE - 1) * SECTOR, 0xee, 100);
	}
	before = malloc(LARGE * SECTOR);
	assert_non_null(before);
	memcpy(before, d.data, LARGE * SECTOR);
	assert_int_equal(gpt_read(&io, &g, NULL), 0);
	old_end = data_end(&g);
	assert_int_equal(gpt_resize(&g, LARGE), 0);
	assert_int_equal(gpt_grow_last(&g, 7), 0);
	new_end = data_end(&g);
	for (tear = TEAR_NONE; tear < N_TEARS; tear++) {
		for (cut = 0, done = false; !done; cut++) {
			uint64_t end;

			memcpy(d.data, before, LARGE * SECTOR);
			d.budget = -1;
			assert_int_equal(gpt_read(&io, &g, NULL), 0);
			assert_int_equal(gpt_resize(&g, LARGE), 0);
			assert_int_equal(gpt_grow_last(&g, 7), 0);
			d.budget = cut;
			d.tear = tear;
			done = gpt_write(&io, &g, false, NULL) == 0;
			d.budget = -1;
			assert_int_equal(gpt_read(&io, &g, NULL), 0);
			end = data_end(&g);
			assert_true(end == old_end || end == new_end);
			assert_true(!done || end == new_end);
			assert_int_equal(gpt_resize(&g, LARGE), 0);
			assert_int_equal(gpt_grow_last(&g, 7), 0);
			assert_int_equal(gpt_write(&io, &g, false, NULL), 0);
			assert_int_equal(gpt_read(&io, &g, NULL), 0);
			assert_true(g.primary_ok && g.backup_ok);
			assert_int_equal(data_end(&g), new_end);
		}
		/* Two headers and twice 32 sectors of entries. */
		assert_int_equal(cut, 2 * 33 + 1);
	}
	free(before);
	free(d.data);
	free(image.data);
}

static void test_cut_growing(void **state)
{
	(void)state;
	cut_everywhere(0, 0);
}

static void test_cut_with_damaged_copy(void **state)
{
	(void)state;
	cut_everywhere(1, 0);
	cut_everywhere(0, 1);
}

/* The disk was written with a larger table before; its old backup at the end is not ours. */
static void test_old_backup_at_end(void **state)
{
	static struct gpt g, old;
	struct disk d, image;
	struct blockio io;
	struct gpt_part p = part(100, 200, "old");

	(void)state;
	put_image(&d, &image, &g);
	io = disk_io(&d);
	assert_int_equal(gpt_init(&old, LARGE, g.disk_guid), 0);
	assert_int_equal(gpt_set(&old, 1, &p), 0);
	assert_int_equal(gpt_write(&io, &old, false, NULL), 0);
	memcpy(d.data, image.data, SMALL * SECTOR);
	assert_int_equal(gpt_read(&io, &g, NULL), 0);
	assert_int_equal(data_end(&g), 6143);
	assert_int_equal(gpt_fix_backup(&io, NULL), 0);
	memset(d.data + SECTOR, 0, SECTOR);
	assert_int_equal(gpt_read(&io, &g, NULL), 0);
	assert_false(g.primary_ok);
	assert_int_equal(data_end(&g), 6143);
	free(d.data);
	free(image.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guid),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_one_copy_damaged),
		cmocka_unit_test(test_sectors_of_4096),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_fix_backup),
		cmocka_unit_test(test_cut_growing),
		cmocka_unit_test(test_cut_with_damaged_copy),
		cmocka_unit_test(test_old_backup_at_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
