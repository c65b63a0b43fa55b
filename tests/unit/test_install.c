// SPDX-License-Identifier: Apache-2.0
/* lib/installpick.c and lib/installwrite.c on disks in memory, cut at every single write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootstate.h"
#include "installpick.h"
#include "installwrite.h"
#include "verity.h"

#define MIB (1u << 20)
#define DISK_MIB 26
#define TARGET_MIB 28
#define DATA_SECTORS (1u * MIB / 512)
#define ROOT_BLOCKS 40

static const uint8_t salt[4] = { 1, 2, 3, 4 };

/* A disk in memory whose nth write and all after it fail; 0: none do. */
struct disk {
	uint8_t *mem;
	size_t size;
	unsigned int writes, cut_at;
	uint8_t flip; /* what the medium changes in the last byte of each write */
	struct blockio io;
};

static int mem_read(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	const struct disk *d = ctx;

	if (offset + len > d->size)
		return -EINVAL;
	memcpy(ret_buf, d->mem + offset, len);
	return 0;
}

static int mem_write(void *ctx, const void *buf, size_t len, uint64_t offset)
{
	struct disk *d = ctx;

	if (offset + len > d->size)
		return -EINVAL;
	if (d->cut_at && ++d->writes >= d->cut_at) {
		/* The write that is cut comes down half. */
		if (d->writes == d->cut_at)
			memcpy(d->mem + offset, buf, len / 1024 * 512);
		return -EIO;
	}
	memcpy(d->mem + offset, buf, len);
	d->mem[offset + len - 1] ^= d->flip;
	return 0;
}

static int mem_flush(void *ctx)
{
	const struct disk *d = ctx;

	return d->cut_at && d->writes >= d->cut_at ? -EIO : 0;
}

static void disk_init(struct disk *d, size_t mib)
{
	memset(d, 0, sizeof(*d));
	d->size = mib * MIB;
	d->mem = calloc(1, d->size);
	assert_non_null(d->mem);
	d->io = (struct blockio){ .ctx = d,
				  .size_bytes = d->size,
				  .sector_bytes = 512,
				  .read = mem_read,
				  .write = mem_write,
				  .flush = mem_flush };
}

/* In MiB: start and size of partitions 1 to 8. */
#define PARTS 8
static const unsigned int layout[PARTS][2] = {
	{ 2, 2 }, { 4, 4 }, { 8, 2 }, { 10, 1 }, { 12, 2 }, { 14, 1 }, { 18, 1 }, { 16, 2 },
};

static void make_table(struct gpt *g, size_t mib, unsigned int shift_last)
{
	static const char *const types[PARTS] = {
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "63616972-6e00-4000-8000-000000000002",
		"63616972-6e00-4000-8000-000000000003", "63616972-6e00-4000-8000-000000000004",
		"63616972-6e00-4000-8000-000000000003", "63616972-6e00-4000-8000-000000000004",
		"63616972-6e00-4000-8000-000000000007", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
	};
	uint8_t guid[GPT_GUID_BYTES] = { 7 };
	unsigned int i;

	assert_int_equal(gpt_init(g, mib * 2048, guid), 0);
	for (i = 0; i < PARTS; i++) {
		unsigned int start = layout[i][0] + (i == 6 ? shift_last : 0);
		struct gpt_part p = { .first_lba = start * 2048,
				      .last_lba = (start + layout[i][1]) * 2048 - 1 };

		assert_int_equal(gpt_guid_parse(types[i], p.type), 0);
		guid[1] = (uint8_t)(i + 1);
		memcpy(p.guid, guid, sizeof(guid));
		assert_int_equal(gpt_set(g, i + 1, &p), 0);
	}
}

static int emit_tree(void *ctx, uint64_t block, const uint8_t data[static VERITY_BLOCK_BYTES])
{
	memcpy((uint8_t *)ctx + block * VERITY_BLOCK_BYTES, data, VERITY_BLOCK_BYTES);
	return 0;
}

/* A stick: every partition has content, ROOT is a root with its tree. */
static void make_stick(struct disk *d, struct gpt *g, uint8_t *ret_root)
{
	struct verity v;
	unsigned int i;
	uint8_t *root;

	disk_init(d, DISK_MIB);
	make_table(g, DISK_MIB, 0);
	for (i = 0; i < PARTS; i++)
		memset(d->mem + layout[i][0] * MIB, (int)(0x10 + i), layout[i][1] * MIB);
	root = d->mem + layout[3][0] * MIB;
	assert_int_equal(verity_init(&v, ROOT_BLOCKS, salt, sizeof(salt), emit_tree,
				     root + ROOT_BLOCKS * VERITY_BLOCK_BYTES),
			 0);
	assert_int_equal(verity_feed(&v, root, ROOT_BLOCKS * VERITY_BLOCK_BYTES), 0);
	assert_int_equal(verity_finish(&v, ret_root), 0);
	assert_int_equal(gpt_write(&d->io, g, true, NULL), 0);
}

static void no_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	(void)ctx;
	(void)phase;
	assert_true(done <= total);
}

static int install(struct disk *stick, const struct gpt *stick_table, struct disk *target,
		   const uint8_t *root, const struct gpt *old, struct err *err)
{
	static uint8_t buf[2 * BLOCKIO_CHUNK_BYTES];
	struct gpt table;
	struct install_job job = {
		.source = &stick->io,
		.source_table = stick_table,
		.target = &target->io,
		.table = &table,
		.root_part = 4,
		.data_blocks = ROOT_BLOCKS,
		.salt = salt,
		.salt_size = sizeof(salt),
		.root = root,
		.keep_data = old != NULL,
		.progress = no_progress,
	};
	int rc = install_table(stick_table, target->size / 512, DATA_SECTORS, old, &table, err);

	return rc ? rc : install_write(&job, buf, err);
}

/* Firmware starts a disk that has a table and a file system in one of its ESPs. */
static bool would_start(const struct disk *d)
{
	struct gpt g;
	size_t i;

	if (gpt_read(&d->io, &g, NULL))
		return false;
	for (i = 0; i < 512; i++)
		if (d->mem[layout[0][0] * MIB + i] || d->mem[layout[7][0] * MIB + i])
			return true;
	return false;
}

static void assert_installed(const struct disk *d, const struct disk *stick, bool both_esps)
{
	const unsigned int root_bytes =
		(unsigned int)(ROOT_BLOCKS + verity_tree_blocks(ROOT_BLOCKS)) * VERITY_BLOCK_BYTES;
	struct bootstate_copy s;
	struct gpt g;

	assert_int_equal(gpt_read(&d->io, &g, NULL), 0);
	assert_true(g.primary_ok && g.backup_ok);
	if (both_esps)
		assert_memory_equal(d->mem + 2 * MIB, stick->mem + 2 * MIB, 2 * MIB);
	assert_memory_equal(d->mem + 16 * MIB, stick->mem + 2 * MIB, 2 * MIB);
	/* Both slots have the stick's BOOT-B, never its BOOT-A. */
	assert_memory_equal(d->mem + 8 * MIB, stick->mem + 12 * MIB, 2 * MIB);
	assert_memory_equal(d->mem + 12 * MIB, stick->mem + 12 * MIB, 2 * MIB);
	assert_memory_equal(d->mem + 10 * MIB, stick->mem + 10 * MIB, root_bytes);
	assert_memory_equal(d->mem + 14 * MIB, stick->mem + 10 * MIB, root_bytes);
	assert_true(bootstate_check_fs(d->mem + 4 * MIB, BOOTSTATE_HEAD_BYTES));
	assert_int_equal(
		bootstate_parse(d->mem + 4 * MIB + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &s), 0);
	assert_int_equal(s.state.primary, BOOTSTATE_A);
}

enum before { BEFORE_EMPTY, BEFORE_OTHER_SYSTEM, BEFORE_CAIRN };

static void make_target(struct disk *d, enum before before, struct gpt *ret_old)
{
	disk_init(d, TARGET_MIB);
	if (before == BEFORE_EMPTY)
		return;
	memset(d->mem + MIB, 0x77, d->size - 2 * MIB);
	make_table(ret_old, TARGET_MIB, 0);
	assert_int_equal(gpt_grow_last(ret_old, 7), 0);
	assert_int_equal(gpt_write(&d->io, ret_old, true, NULL), 0);
}

/* Cut at each write in turn: the disk does not start until all but an ESP's first sector is
 * down, the installer accepts it again, and a second run ends well. DATA that is kept is never
 * touched. */
static void check_cuts(enum before before)
{
	struct disk stick, target;
	struct gpt stick_table, old = { 0 };
	uint8_t root[SHA256_SIZE];
	unsigned int cut;
	int rc;

	make_stick(&stick, &stick_table, root);
	for (cut = 1;; cut++) {
		static uint8_t buf[INSTALLPICK_PROBE_BYTES];
		const struct gpt *keep = before == BEFORE_CAIRN ? &old : NULL;
		enum install_content content;
		const char *what;
		struct err err = { "" };

		make_target(&target, before, &old);
		target.cut_at = cut;
		rc = install(&stick, &stick_table, &target, root, keep, &err);
		target.cut_at = 0;
		if (!rc)
			break;
		/* Two writes clear the old table; until then what was there before is whole. */
		if (cut > 2 && would_start(&target))
			assert_installed(&target, &stick, false);
		assert_int_equal(
			install_probe(&target.io, &stick_table, buf, &content, &what, &old, NULL),
			0);
		if (cut > 2)
			assert_int_not_equal(content, INSTALL_DATA);
		if (before == BEFORE_CAIRN) {
			assert_int_equal(content, INSTALL_CAIRN);
			assert_int_equal(target.mem[18 * MIB], 0x77);
		}
		assert_int_equal(install(&stick, &stick_table, &target, root, keep, &err), 0);
		assert_installed(&target, &stick, true);
		free(target.mem);
	}
	assert_true(cut > 15);
	assert_installed(&target, &stick, true);
	assert_int_equal(target.mem[18 * MIB], before == BEFORE_CAIRN ? 0x77 : 0);
	free(target.mem);
	free(stick.mem);
}

static void test_cuts(void **state)
{
	(void)state;
	check_cuts(BEFORE_EMPTY);
	check_cuts(BEFORE_OTHER_SYSTEM);
	check_cuts(BEFORE_CAIRN);
}

static void test_bad_media(void **state)
{
	struct disk stick, target;
	struct gpt stick_table;
	uint8_t root[SHA256_SIZE];
	struct err err;

	(void)state;
	make_stick(&stick, &stick_table, root);
	disk_init(&target, TARGET_MIB);
	target.flip = 1;
	assert_int_equal(install(&stick, &stick_table, &target, root, NULL, &err), -EILSEQ);
	assert_false(would_start(&target));
	free(target.mem);
	/* The stick itself has a changed block in a root that copies without complaint. */
	disk_init(&target, TARGET_MIB);
	stick.mem[10 * MIB + 5000] ^= 1;
	assert_int_equal(install(&stick, &stick_table, &target, root, NULL, &err), -EBADMSG);
	assert_false(would_start(&target));
	free(target.mem);
	free(stick.mem);
}

/* Both slots of the stick start the installer: not a byte is written. */
static void test_installer_in_boot_b(void **state)
{
	struct disk stick, target;
	struct gpt stick_table;
	uint8_t root[SHA256_SIZE];
	struct err err;
	size_t i;

	(void)state;
	make_stick(&stick, &stick_table, root);
	memcpy(stick.mem + 13 * MIB + 4096, "chainloader x cairn.install=nvme", 32);
	disk_init(&target, TARGET_MIB);
	assert_int_equal(install(&stick, &stick_table, &target, root, NULL, &err), -EINVAL);
	for (i = 0; i < target.size; i += 512)
		assert_int_equal(target.mem[i], 0);
	free(target.mem);
	free(stick.mem);
}

static void test_probe(void **state)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t len;
		const char *what;
	} rows[] = {
		{ 1080, "\x53\xef", 2, "ext4" },
		{ 510, "\x55\xaa", 2, "a partition table" },
		{ 0, "XFSB", 4, "XFS" },
		{ 65600, "_BHRfS_M", 8, "btrfs" },
		{ 4086, "SWAPSPACE2", 10, "swap" },
		{ 700000, "x", 1, "unknown data" },
		{ TARGET_MIB * MIB - 1, "x", 1, "unknown data" },
	};
	static uint8_t buf[INSTALLPICK_PROBE_BYTES];
	enum install_content content;
	const char *what;
	struct gpt g, ours;
	struct disk d;
	size_t i;

	(void)state;
	make_table(&ours, DISK_MIB, 0);
	disk_init(&d, TARGET_MIB);
	assert_int_equal(install_probe(&d.io, &ours, buf, &content, &what, &g, NULL), 0);
	assert_int_equal(content, INSTALL_EMPTY);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(d.mem + rows[i].offset, rows[i].bytes, rows[i].len);
		assert_int_equal(install_probe(&d.io, &ours, buf, &content, &what, &g, NULL), 0);
		assert_int_equal(content, INSTALL_DATA);
		assert_string_equal(what, rows[i].what);
		memset(d.mem + rows[i].offset, 0, rows[i].len);
	}
	free(d.mem);
	make_target(&d, BEFORE_CAIRN, &g);
	assert_int_equal(install_probe(&d.io, &ours, buf, &content, &what, &g, NULL), 0);
	assert_int_equal(content, INSTALL_CAIRN);
	/* The primary table is gone: the backup still says whose it is. */
	memset(d.mem, 0, 34 * 512);
	assert_int_equal(install_probe(&d.io, &ours, buf, &content, &what, &g, NULL), 0);
	assert_int_equal(content, INSTALL_CAIRN);
	free(d.mem);
}

static void test_allowed(void **state)
{
	int over, content;

	(void)state;
	for (over = 0; over < 3; over++)
		for (content = 0; content < 3; content++) {
			struct installspec spec = { .over = (enum install_over)over };
			int rc = install_allowed(&spec, (enum install_content)content, "x", NULL);

			/* Both enums are ordered: what is lost, and what may be. */
			assert_int_equal(rc, over >= content ? 0 : -EEXIST);
		}
}

static void test_table(void **state)
{
	struct gpt source, old, got;
	struct gpt_part data;

	(void)state;
	make_table(&source, DISK_MIB, 0);
	/* The stick's DATA was grown by a boot; a smaller disk still takes the table. */
	assert_int_equal(gpt_grow_last(&source, 7), 0);
	assert_int_equal(install_table(&source, 22 * 2048, DATA_SECTORS, NULL, &got, NULL), 0);
	assert_int_equal(gpt_get(&got, 7, &data), 0);
	assert_int_equal(data.last_lba - data.first_lba + 1, DATA_SECTORS);
	assert_int_equal(install_table(&source, 18 * 2048, DATA_SECTORS, NULL, &got, NULL),
			 -ENOSPC);
	/* DATA is kept at the size it has. */
	make_table(&old, TARGET_MIB, 0);
	assert_int_equal(gpt_grow_last(&old, 7), 0);
	assert_int_equal(install_table(&source, TARGET_MIB * 2048, DATA_SECTORS, &old, &got, NULL),
			 0);
	assert_int_equal(gpt_get(&got, 7, &data), 0);
	assert_int_equal(data.last_lba, (TARGET_MIB - 1) * 2048 - 1);
	make_table(&old, TARGET_MIB, 1);
	assert_int_equal(install_table(&source, TARGET_MIB * 2048, DATA_SECTORS, &old, &got, NULL),
			 -EXDEV);
}

static void test_pick(void **state)
{
	static const struct installpick_disk disks[] = {
		{ "nvme0n1", "Fast 1", UINT64_C(64) << 30, INSTALL_NVME, false },
		{ "nvme1n1", "Fast 2", UINT64_C(16) << 30, INSTALL_NVME, false },
		{ "sda", "Slow", UINT64_C(64) << 30, INSTALL_SATA, false },
		{ "sdb", "Stick", UINT64_C(64) << 30, INSTALL_OTHER, true },
		{ "sdc", "Stick", UINT64_C(64) << 30, INSTALL_OTHER, false },
		{ "vda", "", UINT64_C(1) << 30, INSTALL_VIRTIO, true },
	};
	static const struct {
		const char *spec;
		int want;
		const char *says;
	} rows[] = {
		{ "nvme", -EEXIST, "nvme0n1" },
		{ "nvme", -EEXIST, "nvme1n1" },
		{ "nvme,min=32G", 0, NULL },
		{ "nvme,model=%2", 1, NULL },
		{ "sata", 2, NULL },
		{ "any-internal,model=Stick", -ENOENT, "sdc: usb or unknown" },
		{ "virtio", -ENOENT, "vda: this system runs from it" },
		{ "mmc", -ENOENT, "sda: sata" },
		{ "sata,min=65G", -ENOENT, "sda: too small" },
		{ "sata,model=slow", -ENOENT, "sda: another model" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct installspec spec;
		struct err err = { "" };

		assert_int_equal(installspec_parse(rows[i].spec, strlen(rows[i].spec), &spec, NULL),
				 0);
		assert_int_equal(installpick(&spec, disks, 6, &err), rows[i].want);
		if (rows[i].says && !strstr(err.msg, rows[i].says))
			fail_msg("%s: %s", rows[i].spec, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_bad_media),
		cmocka_unit_test(test_installer_in_boot_b),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
