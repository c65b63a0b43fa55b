// SPDX-License-Identifier: Apache-2.0
/*
 * The checker must find what it is there for: the same update is played once as it should be and
 * once with each of the mistakes that would cost a machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blockrange.h"
#include "bootstateio.h"
#include "bytes.h"
#include "copy.h"
#include "dmlog.h"
#include "logio.h"
#include "walk.h"

#define MIB (1u << 20)
#define DISK_BYTES (16 * MIB)
#define BOOT_BYTES (64u << 10)
#define ROOT_BYTES (300u << 10)
#define CHUNK_BYTES (4u << 10)

static const char conf_text[] = "disk_guid=63616972-6e00-4000-8000-0000000000ff\nimage_mib=16\n"
#define PART(n, name, start, size)                                                                 \
	"p" n "_name=" name "\np" n "_type=63616972-6e00-4000-8000-00000000000" n "\np" n          \
	"_guid=63616972-6e00-4000-8001-00000000000" n "\np" n "_start_mib=" start "\np" n          \
	"_size_mib=" size "\n"
	PART("1", "cairn-esp", "1", "1") PART("2", "cairn-state", "2", "4")
		PART("3", "cairn-boot-a", "6", "1") PART("4", "cairn-root-a", "7", "1")
			PART("5", "cairn-boot-b", "8", "1") PART("6", "cairn-root-b", "9", "1")
				PART("7", "cairn-data", "10", "2");

enum mistake {
	RIGHT,
	STATE_BEFORE_DATA, /* nothing flushes the slot before the state names it */
	NOT_BEGUN,	   /* the slot still counts as good while it is written */
	BOTH_COPIES,	   /* of the state, without a flush between them */
	ONE_COPY_TWICE,	   /* the newest copy is written in place */
	RUNNING_SLOT,	   /* a byte of it is written, the same as before */
	TABLE,		   /* the partition table is written */
	LOADER,		   /* an ESP is written */
	WRONG_BYTE,	   /* what was written is not the release */
	ROOT_ONLY,	   /* the boot partition is forgotten */
	MISTAKES
};

struct world {
	uint8_t *disk, *base;
	uint8_t *old_boot, *old_root, *new_boot, *new_root;
	struct diskconf conf;
	struct logio log;
	struct blockrange state;
	struct bootstateio bs;
};

static uint8_t *noise(size_t len, uint32_t seed)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
	return p;
}

static uint32_t start_of(const struct world *w, const char *name)
{
	return w->conf.parts[diskconf_find(&w->conf, name) - 1].start_mib * MIB;
}

static void setup(struct world *w)
{
	uint8_t guid[GPT_GUID_BYTES] = { 1 };
	struct bootstate fresh = bootstate_factory(BOOTSTATE_A);
	struct gpt g;
	unsigned int n;

	memset(w, 0, sizeof(*w));
	w->disk = calloc(1, DISK_BYTES);
	w->base = malloc(DISK_BYTES);
	assert_non_null(w->disk);
	assert_non_null(w->base);
	assert_int_equal(
		diskconf_parse((const uint8_t *)conf_text, sizeof(conf_text) - 1, &w->conf, NULL),
		0);
	logio_init(&w->log, w->disk, DISK_BYTES);
	assert_int_equal(gpt_init(&g, DISK_BYTES / 512, guid), 0);
	for (n = 1; n <= 7; n++) {
		const struct diskconf_part *c = &w->conf.parts[n - 1];
		struct gpt_part p = { .first_lba = c->start_mib * UINT64_C(2048) };

		p.last_lba = p.first_lba + c->size_mib * UINT64_C(2048) - 1;
		memcpy(p.type, c->type, sizeof(p.type));
		memcpy(p.guid, c->guid, sizeof(p.guid));
		assert_int_equal(gpt_set(&g, n, &p), 0);
	}
	assert_int_equal(gpt_write(&w->log.io, &g, true, NULL), 0);
	w->old_boot = noise(BOOT_BYTES, 1);
	w->old_root = noise(ROOT_BYTES, 2);
	w->new_boot = noise(BOOT_BYTES, 3);
	w->new_root = noise(ROOT_BYTES, 4);
	for (n = 0; n < 2; n++) {
		memcpy(w->disk + start_of(w, n ? "cairn-boot-b" : "cairn-boot-a"), w->old_boot,
		       BOOT_BYTES);
		memcpy(w->disk + start_of(w, n ? "cairn-root-b" : "cairn-root-a"), w->old_root,
		       ROOT_BYTES);
	}
	bootstate_mkfs(&fresh, w->disk + start_of(w, "cairn-state"));
	blockrange_init(&w->state, &w->log.io, start_of(w, "cairn-state"), BOOTSTATE_PART_BYTES);
	memcpy(w->base, w->disk, DISK_BYTES);
	logio_release(&w->log);
	logio_init(&w->log, w->disk, DISK_BYTES);
}

static void teardown(struct world *w)
{
	logio_release(&w->log);
	free(w->disk);
	free(w->base);
	free(w->old_boot);
	free(w->old_root);
	free(w->new_boot);
	free(w->new_root);
}

static void put(struct world *w, const void *buf, size_t len, uint64_t at)
{
	assert_int_equal(w->log.io.write(w->log.io.ctx, buf, len, at), 0);
}

static void flush(struct world *w)
{
	assert_int_equal(w->log.io.flush(w->log.io.ctx), 0);
}

/* GRUB starts the machine: the copy it writes is one write and a flush. */
static void grub(struct world *w)
{
	static const uint32_t at[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	struct bootstate_machine m = {
		.takes = { true, true }, .loads_a = true, .loads_b = true, .esp = 1
	};
	struct bootstate_boot b;
	uint8_t buf[BOOTSTATE_SIZE];

	for (unsigned int c = 0; c < 2; c++)
		assert_int_equal(bootstate_parse(w->disk + start_of(w, "cairn-state") + at[c],
						 BOOTSTATE_SIZE, &m.copy[c]),
				 0);
	b = bootstate_next(&m);
	for (unsigned int c = 0; c < 2; c++)
		if (!copy_equal(&b.copy[c], &m.copy[c])) {
			bootstate_format(&b.copy[c].state, b.copy[c].sequence, buf);
			put(w, buf, sizeof(buf), start_of(w, "cairn-state") + at[c]);
			flush(w);
		}
}

static void load(struct world *w)
{
	assert_int_equal(bootstateio_load(&w->state.io, BOOTSTATE_A, &w->bs, NULL), 0);
}

static void store(struct world *w)
{
	assert_int_equal(bootstateio_store(&w->state.io, &w->bs, NULL), 0);
}

static void image(struct world *w, const char *part, const uint8_t *bytes, size_t len, bool hold)
{
	for (size_t at = 0; at < len; at += CHUNK_BYTES) {
		size_t n = len - at < CHUNK_BYTES ? len - at : CHUNK_BYTES;

		put(w, bytes + at, n, start_of(w, part) + at);
		if (!hold && at / CHUNK_BYTES % 8 == 7)
			flush(w);
	}
}

/* An update of slot b, its trial boot and its end, with a mistake. */
static void update(struct world *w, enum mistake mistake)
{
	grub(w);
	load(w);
	if (mistake == ONE_COPY_TWICE)
		store(w);
	assert_int_equal(bootstate_begin(&w->bs.state, BOOTSTATE_B), 0);
	if (mistake != NOT_BEGUN)
		store(w);
	if (mistake == RUNNING_SLOT)
		put(w, w->old_root, 512, start_of(w, "cairn-root-a"));
	if (mistake == TABLE)
		put(w, w->base + 512, 512, 512);
	if (mistake == LOADER)
		put(w, w->base + MIB, 512, MIB);
	if (mistake == WRONG_BYTE)
		w->new_root[ROOT_BYTES / 2] ^= 1;
	if (mistake != ROOT_ONLY)
		image(w, "cairn-boot-b", w->new_boot, BOOT_BYTES, false);
	image(w, "cairn-root-b", w->new_root, ROOT_BYTES, mistake == STATE_BEFORE_DATA);
	if (mistake == WRONG_BYTE)
		w->new_root[ROOT_BYTES / 2] ^= 1;
	if (mistake != STATE_BEFORE_DATA)
		flush(w);
	assert_int_equal(bootstate_activate(&w->bs.state, BOOTSTATE_B), 0);
	if (mistake == BOTH_COPIES) {
		w->log.deaf = true;
		store(w);
		w->log.deaf = false;
	}
	if (mistake == ONE_COPY_TWICE) {
		uint8_t buf[2 * BOOTSTATE_SIZE], *now = w->disk + start_of(w, "cairn-state");
		struct bootstate_copy c[2];
		uint32_t at[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
		int newest;

		/* The older one was lost before; the newest is all there is. */
		assert_int_equal(bootstate_parse(now + at[0], BOOTSTATE_SIZE, &c[0]), 0);
		assert_int_equal(bootstate_parse(now + at[1], BOOTSTATE_SIZE, &c[1]), 0);
		newest = bootstate_newest(c);
		memset(buf, 0, sizeof(buf));
		put(w, buf, BOOTSTATE_SIZE, start_of(w, "cairn-state") + at[!newest]);
		flush(w);
		bootstate_format(&w->bs.state, c[newest].sequence + 1u, buf);
		put(w, buf, BOOTSTATE_SIZE, start_of(w, "cairn-state") + at[newest]);
		flush(w);
		bootstate_format(&w->bs.state, c[newest].sequence, buf);
		put(w, buf, BOOTSTATE_SIZE, start_of(w, "cairn-state") + at[!newest]);
		flush(w);
		load(w);
	} else {
		store(w);
	}
	grub(w);
	load(w);
	assert_int_equal(bootstate_mark_good(&w->bs.state, w->bs.state.booted), 0);
	store(w);
}

/* What was wrong first, after judge(). */
static char first[200];

static struct walk_stats judge(struct world *w, uint64_t stop_at, uint8_t *ret_disk)
{
	struct cut_release releases[2] = {
		{ "old", { w->old_boot, BOOT_BYTES }, { w->old_root, ROOT_BYTES }, { 0 } },
		{ "new", { w->new_boot, BOOT_BYTES }, { w->new_root, ROOT_BYTES }, { 0 } },
	};
	struct walk_options o = { .samples = 3, .seed = 1, .stop_at = stop_at };
	struct walk_stats stats;
	struct cut_model m;
	struct walk walk;
	struct dmlog log;
	struct err err = { "" };

	assert_int_equal(dmlog_open(w->log.log, w->log.len, &log, &err), 0);
	assert_int_equal(cut_model_init(&m, w->base, DISK_BYTES, &w->conf, releases, 2, &err), 0);
	assert_int_equal(walk_init(&walk, &m, &o, &err), 0);
	walk.silent = true;
	assert_int_equal(walk_log(&walk, &log, &err), 0);
	if (ret_disk) {
		assert_true(walk.stopped);
		cut_state_read(walk.looked, &m, 0, DISK_BYTES / 512, ret_disk);
	}
	stats = walk.stats;
	memcpy(first, walk.first, sizeof(first));
	walk_release(&walk);
	cut_model_release(&m);
	return stats;
}

static void test_right(void **state)
{
	struct walk_stats s;
	struct world w;

	(void)state;
	setup(&w);
	update(&w, RIGHT);
	s = judge(&w, 0, NULL);
	assert_true(s.states > 1000);
	assert_int_equal(s.good, s.states);
	assert_int_equal(s.rules_broken, 0);
	assert_true(s.in_release[0] > 0);
	assert_true(s.in_release[1] > 0);
	assert_int_equal(s.in_release[0] + s.in_release[1], s.states);
	/* 5 writes of the state: 4 contents (durable, new, zeros, nonsense) of each of 2 sectors.
	 */
	assert_int_equal(s.state_exhaustive, 5 * 16);
	teardown(&w);
}

static void test_mistakes(void **state)
{
	static const char *const wanted[MISTAKES] = {
		[STATE_BEFORE_DATA] = "start 1 is of slot b, which holds no release whole",
		[NOT_BEGUN] = "of slot b, which holds no release whole",
		[BOTH_COPIES] = "both copies of the boot state without a flush",
		[ONE_COPY_TWICE] = "no copy of the boot state is valid",
		[RUNNING_SLOT] = "the running slot is written",
		[TABLE] = "the partition table is written",
		[LOADER] = "an ESP is written",
		[WRONG_BYTE] = "start 1 is of slot b, which holds no release whole",
		[ROOT_ONLY] = "start 1 is of slot b, which holds no release whole",
	};

	(void)state;
	for (int mistake = RIGHT + 1; mistake < MISTAKES; mistake++) {
		struct walk_stats s;
		struct world w;

		setup(&w);
		update(&w, (enum mistake)mistake);
		s = judge(&w, 0, NULL);
		if (s.good == s.states && !s.rules_broken)
			fail_msg("mistake %d was not found", mistake);
		if (!strstr(first, wanted[mistake]))
			fail_msg("mistake %d was found as: %s", mistake, first);
		teardown(&w);
	}
}

/* Counting must agree with comparing: some states are built and compared byte by byte. */
static void test_counts(void **state)
{
	uint8_t *disk = malloc(DISK_BYTES);
	struct world w;

	(void)state;
	assert_non_null(disk);
	setup(&w);
	update(&w, RIGHT);
	for (uint64_t at = 1; at < 2000; at += 131) {
		uint8_t *base = malloc(DISK_BYTES);
		struct bootstate_copy c[2];
		const uint8_t *now;
		int newest;

		assert_non_null(base);
		memcpy(base, w.base, DISK_BYTES);
		(void)judge(&w, at, disk);
		memcpy(w.base, base, DISK_BYTES);
		free(base);
		now = disk + start_of(&w, "cairn-state");
		if (bootstate_parse(now + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &c[0]))
			memset(&c[0], 0, sizeof(c[0]));
		if (bootstate_parse(now + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE, &c[1]))
			memset(&c[1], 0, sizeof(c[1]));
		newest = bootstate_newest(c);
		assert_true(newest >= 0);
		if (c[newest].state.primary == BOOTSTATE_A) {
			assert_memory_equal(disk + start_of(&w, "cairn-root-a"), w.old_root,
					    ROOT_BYTES);
			continue;
		}
		assert_memory_equal(disk + start_of(&w, "cairn-boot-b"), w.new_boot, BOOT_BYTES);
		assert_memory_equal(disk + start_of(&w, "cairn-root-b"), w.new_root, ROOT_BYTES);
	}
	teardown(&w);
	free(disk);
}

static void test_log(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int rc;
	} rows[] = {
		{ 0, 1, -EINVAL },	   /* magic */
		{ 8, 2, -EINVAL },	   /* version */
		{ 25, 4, -EINVAL },	   /* bytes of a sector: 1536 */
		{ 19, 2, -EFBIG },	   /* entries */
		{ 512 + 7, 1, -EBADMSG },  /* place */
		{ 512 + 8, 9, -EBADMSG },  /* longer than the log */
		{ 512 + 16, 8, -EBADMSG }, /* flags: a mark */
		{ 512 + 16, 1, -EBADMSG }, /* a flush with data */
		{ 16, 3, -EBADMSG },	   /* one entry more than there is */
	};
	struct dmlog_entry e;
	uint8_t buf[4 * 512] = { 0 };
	struct dmlog l;
	int rc;

	(void)state;
	assert_int_equal(dmlog_open(buf, 0, &l, NULL), -ENODATA);
	for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		memset(buf, 0, sizeof(buf));
		le64_store(buf, DMLOG_MAGIC);
		le64_store(buf + 8, DMLOG_VERSION);
		le64_store(buf + 16, 2);
		le32_store(buf + 24, 512);
		le64_store(buf + 512, 77);
		le64_store(buf + 512 + 8, 1);
		le64_store(buf + 1536 + 16, 1);
		if (i == sizeof(rows) / sizeof(rows[0])) {
			assert_int_equal(dmlog_open(buf, sizeof(buf), &l, NULL), 0);
			assert_int_equal(dmlog_next(&l, &e, NULL), 1);
			assert_int_equal(e.kind, DMLOG_WRITE);
			assert_int_equal(e.offset_bytes, 77 * 512);
			assert_int_equal(e.len_bytes, 512);
			assert_ptr_equal(e.data, buf + 1024);
			assert_int_equal(dmlog_next(&l, &e, NULL), 1);
			assert_int_equal(e.kind, DMLOG_FLUSH);
			assert_int_equal(dmlog_next(&l, &e, NULL), 0);
			continue;
		}
		buf[rows[i].at] = rows[i].value;
		rc = dmlog_open(buf, sizeof(buf), &l, NULL);
		while (!rc)
			rc = dmlog_next(&l, &e, NULL) < 0 ? -EBADMSG : l.next == l.entries ? 1 : 0;
		assert_int_equal(rc, rows[i].rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
