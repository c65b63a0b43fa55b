// SPDX-License-Identifier: Apache-2.0
/* slotwrite_run into a disk in memory: what it fetches and writes, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockrange.h"
#include "bundlekit.h"
#include "bytes.h"
#include "memdisk.h"
#include "slotverify.h"
#include "slotwrite.h"

#define ROOT_AT (256u << 10)
#define ROOT_ROOM (KIT_ROOT_BYTES + (64u << 10))

struct bench {
	struct kit_release old, new;
	struct memdisk disk, old_disk;
	struct blockio disk_io, old_io;
	struct blockrange boot, root, old_root;
	struct slotwrite *w;
	struct kit_bundle bundle;
	struct kit_source kit;
	struct piecefeed_source source;
	struct slotwrite_result result;
	struct err err;
	unsigned int unaligned, small;
	uint64_t progress[3];
	int stop_after; /* calls of progress; 0 never */
};

static void watch(void *ctx, const struct memdisk *d, uint64_t offset, size_t len)
{
	struct bench *b = ctx;

	(void)d;
	b->unaligned += offset % 4096 || len % 4096;
	b->small += len < SLOTWRITE_CHUNK_BYTES;
}

static int progress(void *ctx, enum slotwrite_phase phase, uint64_t done, uint64_t total)
{
	struct bench *b = ctx;

	assert_true(done <= total && done > b->progress[phase]);
	b->progress[phase] = done;
	return b->stop_after && --b->stop_after == 0 ? -ECANCELED : 0;
}

static struct bench *bench_new(enum bundle_encoding encoding)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	kit_release_make(&b->old, 1);
	kit_release_make(&b->new, 2);
	memdisk_init(&b->disk, ROOT_AT + ROOT_ROOM);
	memdisk_init(&b->old_disk, KIT_ROOT_BYTES);
	memset(b->disk.medium, 0xa5, b->disk.size);
	memset(b->disk.cache, 0xa5, b->disk.size);
	memcpy(b->old_disk.cache, b->old.root, KIT_ROOT_BYTES);
	b->disk.watch = watch;
	b->disk.watch_ctx = b;
	b->disk_io = memdisk_io(&b->disk);
	b->old_io = memdisk_io(&b->old_disk);
	blockrange_init(&b->boot, &b->disk_io, 0, ROOT_AT);
	blockrange_init(&b->root, &b->disk_io, ROOT_AT, ROOT_ROOM);
	blockrange_init(&b->old_root, &b->old_io, 0, KIT_ROOT_BYTES);
	b->w = slotwrite_new();
	assert_non_null(b->w);
	kit_bundle_make(&b->bundle, &b->new, encoding, encoding == BUNDLE_DELTA ? &b->old : NULL);
	kit_source(&b->kit, &b->bundle, &b->source);
	return b;
}

static void bench_free(struct bench *b)
{
	kit_bundle_free(&b->bundle);
	free(b->w);
	memdisk_release(&b->disk);
	memdisk_release(&b->old_disk);
	kit_release_free(&b->old);
	kit_release_free(&b->new);
	free(b);
}

static int run(struct bench *b, bool base_only)
{
	const struct slotwrite_target targets[] = {
		{ BUNDLE_BOOT, &b->boot.io, "boot-b", NULL, NULL },
		{ BUNDLE_ROOT, &b->root.io, "root-b", &b->old_root.io, "root-a" },
	};
	const struct slotwrite_job job = {
		.bundle = &b->bundle.bundle,
		.tables = b->bundle.tables,
		.head_bytes = KIT_HEAD_BYTES,
		.targets = targets,
		.count = 2,
		.source = &b->source,
		.progress = progress,
		.progress_ctx = b,
	};

	memset(b->progress, 0, sizeof(b->progress));
	b->err.msg[0] = '\0';
	return base_only ? slotwrite_check_base(b->w, &job, &b->err)
			 : slotwrite_run(b->w, &job, &b->result, &b->err);
}

static bool right(const struct bench *b)
{
	const uint8_t *root = b->disk.medium + ROOT_AT;

	return memcmp(b->disk.medium, b->new.boot, KIT_BOOT_BYTES) == 0 &&
	       memcmp(root, b->new.root, KIT_ROOT_BYTES) == 0 &&
	       memcmp(root + KIT_ROOT_BYTES, b->new.tree, b->new.tree_bytes) == 0;
}

static uint64_t payload(const struct bench *b)
{
	return b->bundle.bundle.image[BUNDLE_BOOT].payload_bytes +
	       b->bundle.bundle.image[BUNDLE_ROOT].payload_bytes;
}

static void test_whole(void **state)
{
	static const enum bundle_encoding encodings[] = { BUNDLE_RAW, BUNDLE_ZSTD, BUNDLE_X86_ZSTD,
							  BUNDLE_DELTA };
	const uint64_t images = KIT_BOOT_BYTES + KIT_ROOT_BYTES;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		struct bench *b = bench_new(encodings[i]);

		if (encodings[i] == BUNDLE_DELTA)
			assert_int_equal(run(b, true), 0);
		assert_int_equal(run(b, false), 0);
		assert_true(right(b));
		assert_int_equal(b->result.fetched_bytes, payload(b));
		assert_int_equal(b->result.written_bytes, images + b->new.tree_bytes);
		assert_true(b->result.written_bytes * 100 <= images * 103);
		assert_int_equal(b->result.skipped_bytes, 0);
		assert_int_equal(b->unaligned, 0);
		assert_int_equal(b->progress[SLOTWRITE_CHECK], images);
		assert_int_equal(b->progress[SLOTWRITE_WRITE], images);
		assert_int_equal(b->progress[SLOTWRITE_VERIFY], images);
		/* What lies behind the images is left alone. */
		assert_int_equal(b->disk.medium[KIT_BOOT_BYTES], 0xa5);
		assert_int_equal(b->disk.medium[b->disk.size - 1], 0xa5);
		bench_free(b);
	}
}

static void test_again_costs_nothing(void **state)
{
	struct bench *b = bench_new(BUNDLE_ZSTD);

	(void)state;
	assert_int_equal(run(b, false), 0);
	kit_source(&b->kit, &b->bundle, &b->source);
	assert_int_equal(run(b, false), 0);
	assert_true(right(b));
	assert_int_equal(b->kit.begins, 0);
	assert_int_equal(b->result.fetched_bytes, 0);
	assert_int_equal(b->result.written_bytes, b->new.tree_bytes);
	assert_int_equal(b->result.skipped_bytes, KIT_BOOT_BYTES + KIT_ROOT_BYTES);
	bench_free(b);
}

/* One frame in the middle is damaged: one request, and no more pieces than hold its payload. */
static void test_one_frame(void **state)
{
	struct bench *b = bench_new(BUNDLE_RAW);

	(void)state;
	assert_int_equal(run(b, false), 0);
	b->disk.cache[ROOT_AT + 2 * KIT_FRAME_BYTES + 5000] ^= 1;
	kit_source(&b->kit, &b->bundle, &b->source);
	assert_int_equal(run(b, false), 0);
	assert_true(right(b));
	assert_int_equal(b->kit.begins, 1);
	assert_int_equal(b->result.frames_written, 1);
	assert_true(b->result.fetched_bytes >= KIT_FRAME_BYTES);
	assert_true(b->result.fetched_bytes <= KIT_FRAME_BYTES + 2 * BUNDLE_PIECE_BYTES);
	bench_free(b);
}

/* Lost at every pull: what was flushed is not fetched again. */
static void test_resume(void **state)
{
	unsigned int at, pulls;
	struct bench *b = bench_new(BUNDLE_RAW);

	(void)state;
	assert_int_equal(run(b, false), 0);
	pulls = b->kit.pulls;
	bench_free(b);
	for (at = 1; at <= pulls; at++) {
		uint64_t first, written;

		b = bench_new(BUNDLE_RAW);
		b->kit.fail_at = at;
		assert_int_equal(run(b, false), -ETIMEDOUT);
		assert_non_null(strstr(b->err.msg, "the link is lost"));
		first = b->result.fetched_bytes;
		written = b->result.frames_written;
		memdisk_power_on(&b->disk, MEMDISK_LOSE_ALL, at);
		kit_source(&b->kit, &b->bundle, &b->source);
		assert_int_equal(run(b, false), 0);
		assert_true(right(b));
		/* At most a frame and the pieces at its edges come twice. */
		assert_true(first + b->result.fetched_bytes <=
			    payload(b) + KIT_FRAME_BYTES + 2 * BUNDLE_PIECE_BYTES);
		assert_int_equal(written + b->result.frames_written,
				 bundle_frames(&b->bundle.bundle.image[BUNDLE_BOOT]) +
					 bundle_frames(&b->bundle.bundle.image[BUNDLE_ROOT]));
		bench_free(b);
	}
}

static void test_damaged_pieces(void **state)
{
	struct bench *b = bench_new(BUNDLE_ZSTD);

	(void)state;
	b->kit.damage_at = 3;
	assert_int_equal(run(b, false), 0);
	assert_true(right(b));
	assert_true(b->result.fetched_bytes > payload(b));
	bench_free(b);

	b = bench_new(BUNDLE_ZSTD);
	b->kit.damage_at = 1;
	b->kit.damages = 1000;
	assert_int_equal(run(b, false), -EPROTO);
	assert_non_null(strstr(b->err.msg, "piece 0 of boot"));
	/* Not a byte of it was written. */
	assert_int_equal(b->disk.writes, 0);
	bench_free(b);
}

/* Frames that take or give another number of bytes than the tables say. */
static void test_frames_out_of_step(void **state)
{
	static const enum bundle_encoding encodings[] = { BUNDLE_RAW, BUNDLE_ZSTD, BUNDLE_X86_ZSTD,
							  BUNDLE_DELTA };
	int shift;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		for (shift = -1; shift <= 1; shift += 2) {
			struct bench *b = bench_new(encodings[i]);
			struct bundle *m = &b->bundle.bundle;
			size_t boot = 8 +
				      bundle_frames(&m->image[BUNDLE_BOOT]) * (4 + SHA256_SIZE) +
				      bundle_pieces(&m->image[BUNDLE_BOOT]) * SHA256_SIZE;
			uint8_t *frame = b->bundle.file + KIT_HEAD_BYTES + boot + 8;
			uint8_t *next = frame + 4 + SHA256_SIZE;

			le32_store(frame, le32_load(frame) + (uint32_t)shift);
			le32_store(next, le32_load(next) - (uint32_t)shift);
			assert_int_equal(run(b, false), -EBADMSG);
			assert_non_null(strstr(b->err.msg, "root-b, frame 0 at byte 0"));
			bench_free(b);
		}
	}
}

static void test_large_window(void **state)
{
	struct bench *b;

	(void)state;
	kit_window_log = BUNDLE_WINDOW_LOG + 1;
	b = bench_new(BUNDLE_ZSTD);
	kit_window_log = 0;
	assert_int_equal(run(b, false), -EBADMSG);
	bench_free(b);
}

static void test_wrong_hashes(void **state)
{
	struct bench *b = bench_new(BUNDLE_ZSTD);

	(void)state;
	/* Of a frame: told at its end. */
	b->bundle.file[KIT_HEAD_BYTES + 8 + 4] ^= 1;
	assert_int_equal(run(b, false), -EBADMSG);
	assert_non_null(strstr(b->err.msg, "boot-b, frame 0"));
	bench_free(b);
	/* Of the root: told before anything is read back. */
	b = bench_new(BUNDLE_ZSTD);
	b->bundle.bundle.image[BUNDLE_ROOT].roothash[3] ^= 1;
	assert_int_equal(run(b, false), -EBADMSG);
	assert_non_null(strstr(b->err.msg, "root hash"));
	assert_int_equal(b->progress[SLOTWRITE_VERIFY], 0);
	bench_free(b);
	/* Of boot: only seen when it is read back. */
	b = bench_new(BUNDLE_ZSTD);
	b->bundle.bundle.image[BUNDLE_BOOT].sha256[0] ^= 1;
	assert_int_equal(run(b, false), -EILSEQ);
	bench_free(b);
}

static void test_no_room(void **state)
{
	struct bench *b = bench_new(BUNDLE_ZSTD);

	(void)state;
	b->root.io.size_bytes = KIT_ROOT_BYTES + b->new.tree_bytes - 512;
	assert_int_equal(run(b, false), -ENOSPC);
	assert_non_null(strstr(b->err.msg, "root-b has "));
	assert_int_equal(b->disk.writes, 0);
	b->root.io.size_bytes += 512;
	assert_int_equal(run(b, false), 0);
	assert_true(right(b));
	bench_free(b);
}

/* A medium that keeps something else than was written, at every read of the reading back. */
static void test_reads_back_wrong(void **state)
{
	unsigned int at, reads, total, spared = 0;
	struct bench *b = bench_new(BUNDLE_ZSTD);
	int rc;

	(void)state;
	assert_int_equal(run(b, false), 0);
	total = b->disk.reads;
	bench_free(b);
	/* The first reads only look for what is there: boot, and of root until it is clear. */
	reads = (KIT_BOOT_BYTES + SLOTWRITE_CHUNK_BYTES - 1) / SLOTWRITE_CHUNK_BYTES +
		SLOTWRITE_WRONG_FRAMES * ((KIT_FRAME_BYTES - 1) / SLOTWRITE_CHUNK_BYTES + 1);
	for (at = reads + 1; at <= total; at++) {
		b = bench_new(BUNDLE_ZSTD);
		memdisk_arm(&b->disk, MEMDISK_READ_ROTS, at);
		rc = run(b, false);
		/* The top of the tree is read twice; the second time only its digests count. */
		spared += !rc;
		if (rc) {
			assert_int_equal(rc, -EILSEQ);
			assert_non_null(strstr(b->err.msg, "gives back"));
		}
		bench_free(b);
		b = bench_new(BUNDLE_ZSTD);
		memdisk_arm(&b->disk, MEMDISK_READ_FAILS, at);
		assert_int_equal(run(b, false), -EIO);
		assert_non_null(strstr(b->err.msg, "at byte "));
		bench_free(b);
	}
	assert_true(spared <= 1);
}

/* A byte of the medium is another one after it was written: found wherever it is. */
static void test_medium_rots(void **state)
{
	struct bench *b = bench_new(BUNDLE_RAW);
	const struct slotwrite_target target = { BUNDLE_ROOT, &b->root.io, "root-b", NULL, NULL };
	const struct slotwrite_job job = {
		.bundle = &b->bundle.bundle,
		.tables = b->bundle.tables,
		.targets = &target,
		.count = 1,
	};
	struct slotverify *v = aligned_alloc(4096, (sizeof(*v) + 4095) / 4096 * 4096);
	size_t end = ROOT_AT + KIT_ROOT_BYTES + b->new.tree_bytes, at;

	(void)state;
	assert_non_null(v);
	assert_int_equal(run(b, false), 0);
	assert_int_equal(slotverify_run(v, &job, NULL, NULL, &b->err), 0);
	for (at = ROOT_AT + 7; at < end; at += 50021) {
		char place[64];

		b->disk.cache[at] ^= 4;
		assert_int_equal(slotverify_run(v, &job, NULL, NULL, &b->err), -EILSEQ);
		b->disk.cache[at] ^= 4;
		/* The sentence leads to it: its frame, or its block of the tree. */
		at -= ROOT_AT;
		(void)snprintf(place, sizeof(place), "at byte %zu",
			       at < KIT_ROOT_BYTES ? at / KIT_FRAME_BYTES * KIT_FRAME_BYTES
						   : at / 4096 * 4096);
		at += ROOT_AT;
		assert_non_null(strstr(b->err.msg, place));
	}
	for (at = end - b->new.tree_bytes; at < end; at += 511) {
		b->disk.cache[at] ^= 4;
		assert_int_equal(slotverify_run(v, &job, NULL, NULL, &b->err), -EILSEQ);
		b->disk.cache[at] ^= 4;
	}
	assert_int_equal(slotverify_run(v, &job, NULL, NULL, &b->err), 0);
	free(v);
	bench_free(b);
}

static void test_stop(void **state)
{
	struct bench *b = bench_new(BUNDLE_RAW);
	int after = 0, rc;

	(void)state;
	do {
		b->stop_after = ++after;
		memset(b->disk.cache, 0, b->disk.size);
		kit_source(&b->kit, &b->bundle, &b->source);
		rc = run(b, false);
	} while (rc == -ECANCELED);
	assert_int_equal(rc, 0);
	assert_true(after > 20);
	bench_free(b);
}

static void test_wrong_base(void **state)
{
	struct bench *b = bench_new(BUNDLE_DELTA);

	(void)state;
	b->old_disk.cache[KIT_ROOT_BYTES - 1] ^= 1;
	assert_int_equal(run(b, true), -ESTALE);
	assert_non_null(strstr(b->err.msg, "root-a"));
	b->old_root.io.size_bytes -= 4096;
	assert_int_equal(run(b, true), -ESTALE);
	assert_int_equal(b->disk.writes, 0);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	       cmocka_unit_test(test_again_costs_nothing),
		cmocka_unit_test(test_one_frame),      cmocka_unit_test(test_resume),
		cmocka_unit_test(test_damaged_pieces), cmocka_unit_test(test_frames_out_of_step),
		cmocka_unit_test(test_large_window),   cmocka_unit_test(test_wrong_hashes),
		cmocka_unit_test(test_no_room),	       cmocka_unit_test(test_reads_back_wrong),
		cmocka_unit_test(test_medium_rots),    cmocka_unit_test(test_stop),
		cmocka_unit_test(test_wrong_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
