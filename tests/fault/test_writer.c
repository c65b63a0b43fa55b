// SPDX-License-Identifier: Apache-2.0
/*
 * The writer part of service update as a process: updates and orders. Whatever it is told, the
 * running slot's files stay as they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/parts.h"
#include "writer_rig.h"

static void test_update(void **state)
{
	static const enum bundle_encoding encodings[] = { BUNDLE_RAW, BUNDLE_ZSTD, BUNDLE_DELTA };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct rig_file f =
			rig_file(encodings[i], encodings[i] == BUNDLE_DELTA ? &rig_old : NULL,
				 RIG_RELEASE_KEYS, NULL);
		struct rig r = rig_make();

		rig_start(&r, &f, (struct rig_plan){ 0 });
		assert_int_equal(rig_ask(&r, WRITER_STATE, NULL), 0);
		assert_int_equal(r.last.boot.known, 1);
		assert_int_equal(r.last.boot.booted, WRITER_SLOT_A);
		rig_check_descriptors(&r);
		assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), 0);
		assert_int_equal(r.last.cause, WRITER_CAUSE_NONE);
		assert_int_equal(r.last.release, 7);
		assert_string_equal(r.last.release_version, "1.2.3");
		assert_memory_equal(r.last.root_hash, rig_new.roothash, SHA256_SIZE);
		assert_true(r.last.fetched > 0 && r.last.fetched <= f.len);
		assert_true(r.reports > 3);
		assert_true(rig_slot_is(&r, "boot-b", "root-b", &rig_new));
		/* Written, and not to be started yet. */
		assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
		assert_int_equal(r.last.boot.good[1], 0);
		assert_int_equal(r.last.boot.tries[1], 0);
		assert_int_equal(rig_ask(&r, WRITER_ACTIVATE, &f), 0);
		assert_int_equal(r.last.boot.primary, WRITER_SLOT_B);
		assert_int_equal(r.last.boot.tries[1], 3);
		assert_int_equal(rig_stop(&r), 0);
		assert_true(rig_slot_is(&r, "boot-a", "root-a", &rig_old));
		rig_remove(&r);
		free(f.bytes);
	}
}

/* Activated by another life than the one that wrote it: it is looked at again first. */
static void test_activate_later(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, NULL);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), 0);
	assert_int_equal(rig_stop(&r), 0);
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_ACTIVATE, &f), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_B);
	assert_int_equal(r.last.resumed, KIT_BOOT_BYTES + KIT_ROOT_BYTES);
	/* Of nothing that is known: refused. */
	assert_int_equal(rig_stop(&r), 0);
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_true(rig_ask(&r, WRITER_ACTIVATE, NULL) < 0);
	assert_int_equal(r.last.cause, WRITER_CAUSE_SOURCE);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

static void test_lost_link(void **state)
{
	struct rig_file f = rig_file(BUNDLE_RAW, NULL, RIG_RELEASE_KEYS, NULL);
	struct rig r = rig_make();
	uint64_t first;

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ .lost_after = 1400000 });
	assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), -ETIMEDOUT);
	assert_int_equal(r.last.cause, WRITER_CAUSE_SOURCE);
	assert_string_equal(r.last.why + strlen(r.last.why) - 25, "no answer from the server");
	first = r.last.fetched;
	assert_true(first >= 1000000);
	assert_int_equal(rig_stop(&r), 0);
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), 0);
	assert_true(r.last.resumed >= 3 * KIT_FRAME_BYTES);
	assert_true(first + r.last.fetched <= f.len + KIT_FRAME_BYTES + 3 * BUNDLE_PIECE_BYTES);
	assert_true(rig_slot_is(&r, "boot-b", "root-b", &rig_new));
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

static void test_abort(void **state)
{
	struct rig_file f = rig_file(BUNDLE_RAW, NULL, RIG_RELEASE_KEYS, NULL);
	struct writer_order o = rig_order(WRITER_ABORT, NULL),
			    install = rig_order(WRITER_INSTALL, &f);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ .silent_after = 900000 });
	assert_int_equal(part_send(r.main_fd, &install, sizeof(install)), 0);
	/* Once it says that it writes, fetch has nothing more to give soon. */
	do {
		assert_int_equal(part_receive(r.main_fd, &r.last, sizeof(r.last)), 1);
	} while (r.last.phase != WRITER_WRITING);
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(rig_answer(&r), -ECANCELED);
	assert_int_equal(r.last.cause, WRITER_CAUSE_ABORTED);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	/* One that comes too late is no answer, and the next order has its own. */
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(rig_ask(&r, WRITER_STATE, NULL), 0);
	assert_int_equal(r.last.op, WRITER_STATE);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

static void test_marks(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, NULL);
	struct writer_order o = rig_order(WRITER_MARK_BAD, NULL);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_MARK_GOOD, NULL), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	assert_int_equal(rig_ask(&r, WRITER_ROLLBACK, NULL), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_B);
	assert_int_equal(rig_ask(&r, WRITER_PRIMARY, NULL), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	o.slot = WRITER_SLOT_B;
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(rig_answer(&r), 0);
	assert_int_equal(r.last.boot.good[1], 0);
	assert_int_equal(r.last.boot.tries[1], 0);
	assert_true(rig_ask(&r, WRITER_ROLLBACK, NULL) < 0);
	assert_int_equal(r.last.cause, WRITER_CAUSE_STATE);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

/* Every order, in every order of two, with every slot: the running slot stays as it is. */
static void test_running_slot(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, NULL);
	uint32_t first, second, slot;

	(void)state;
	for (first = WRITER_STATE; first < WRITER_OPS; first++) {
		struct rig r = rig_make();

		rig_start(&r, &f, (struct rig_plan){ 0 });
		for (second = WRITER_STATE; second < WRITER_OPS; second++) {
			for (slot = WRITER_SLOT_A; slot <= WRITER_SLOT_B; slot++) {
				struct writer_order a = rig_order(first, &f),
						    b = rig_order(second, &f);

				a.slot = b.slot = slot;
				assert_int_equal(part_send(r.main_fd, &a, sizeof(a)), 0);
				if (first != WRITER_ABORT)
					(void)rig_answer(&r);
				assert_int_equal(part_send(r.main_fd, &b, sizeof(b)), 0);
				if (second != WRITER_ABORT)
					(void)rig_answer(&r);
			}
		}
		rig_check_descriptors(&r);
		assert_int_equal(rig_stop(&r), 0);
		assert_true(rig_slot_is(&r, "boot-a", "root-a", &rig_old));
		rig_remove(&r);
	}
	free(f.bytes);
}

/* Another size, version, order or flag, or a flag without its descriptor, ends the part. */
static void test_malformed(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, NULL);
	int i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct writer_order o[2] = { rig_order(WRITER_STATE, NULL) };
		struct rig r = rig_make();
		size_t len = sizeof(o[0]);

		o[0].version += i == 0;
		o[0].op = i == 1 ? 0 : i == 2 ? WRITER_OPS : i == 6 ? WRITER_MARK_BAD : o[0].op;
		o[0].flags = i == 3 ? 1u << 7 : i == 4 ? WRITER_WITH_TRUST : 0;
		len -= i == 5;
		rig_start(&r, &f, (struct rig_plan){ 0 });
		assert_int_equal(part_send(r.main_fd, o, len), 0);
		assert_int_equal(part_receive(r.main_fd, &r.last, sizeof(r.last)), -EPIPE);
		assert_int_equal(rig_stop(&r), 111);
		assert_true(rig_untouched(&r));
		rig_remove(&r);
	}
	free(f.bytes);
}

/* Nothing but ABORT may come while an order is carried out. */
static void test_out_of_turn(void **state)
{
	struct rig_file f = rig_file(BUNDLE_RAW, NULL, RIG_RELEASE_KEYS, NULL);
	struct writer_order install = rig_order(WRITER_INSTALL, &f);
	struct writer_order o = rig_order(WRITER_ACTIVATE, &f);
	struct rig r = rig_make();
	int rc;

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ .silent_after = 900000 });
	assert_int_equal(part_send(r.main_fd, &install, sizeof(install)), 0);
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	do {
		rc = part_receive(r.main_fd, &r.last, sizeof(r.last));
		assert_false(rc == 1 && r.last.final);
	} while (rc == 1);
	assert_int_equal(rig_stop(&r), 111);
	rig_remove(&r);
	free(f.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_update),	  cmocka_unit_test(test_activate_later),
		cmocka_unit_test(test_lost_link), cmocka_unit_test(test_abort),
		cmocka_unit_test(test_marks),	  cmocka_unit_test(test_running_slot),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_out_of_turn),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
