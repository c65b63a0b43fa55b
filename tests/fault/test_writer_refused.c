// SPDX-License-Identifier: Apache-2.0
/* What the writer part of service update refuses, and what it says was to blame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "writer_rig.h"

static void other_machine(struct bundle *b)
{
	(void)strcpy(b->compatible, "cairn-other");
}

static void same_release(struct bundle *b)
{
	b->release = 5;
}

static void below_floor(struct bundle *b)
{
	b->release = 1;
}

static void newer_stage1(struct bundle *b)
{
	b->stage1 = 99;
	b->pcrs.loader[0].generation = 99;
}

static void other_root(struct bundle *b)
{
	b->image[BUNDLE_ROOT].roothash[0] ^= 1;
}

/* Refused before anything is written; for good only what is signed. */
static void test_refused(void **state)
{
	static const struct {
		rig_change_fn *change;
		unsigned int keys;
		const char *what;
		uint32_t flags;
		enum writer_cause cause;
	} cases[] = {
		{ NULL, 0, "signature", 0, WRITER_CAUSE_SOURCE },
		{ NULL, RIG_ROOT_KEYS, "signature", 0, WRITER_CAUSE_SOURCE },
		{ NULL, 0x80, "signature", 0, WRITER_CAUSE_SOURCE },
		{ other_machine, RIG_RELEASE_KEYS, "compatible", 0, WRITER_CAUSE_BUNDLE },
		{ same_release, RIG_RELEASE_KEYS, "release", 0, WRITER_CAUSE_BUNDLE },
		{ below_floor, RIG_RELEASE_KEYS, "release", WRITER_ANY_RELEASE,
		  WRITER_CAUSE_BUNDLE },
		{ newer_stage1, RIG_RELEASE_KEYS, "stage1", 0, WRITER_CAUSE_BUNDLE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, cases[i].keys, cases[i].change);
		struct writer_order o = rig_order(WRITER_INSTALL, &f);
		struct rig r = rig_make();

		o.flags = cases[i].flags;
		rig_start(&r, &f, (struct rig_plan){ 0 });
		assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
		assert_true(rig_answer(&r) < 0);
		assert_int_equal(r.last.cause, cases[i].cause);
		assert_string_equal(r.last.what, cases[i].what);
		assert_true(r.last.why[0]);
		assert_true(rig_untouched(&r));
		/* Nor is it activated without being there. */
		assert_true(rig_ask(&r, WRITER_ACTIVATE, &f) < 0);
		assert_true(rig_untouched(&r));
		assert_int_equal(rig_stop(&r), 0);
		rig_remove(&r);
		free(f.bytes);
	}
}

/* An operator's order takes the same release again; what main announced must be what comes. */
static void test_any_release(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, same_release);
	struct writer_order o = rig_order(WRITER_INSTALL, &f);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ 0 });
	o.flags = WRITER_ANY_RELEASE;
	o.release = 6;
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_true(rig_answer(&r) < 0);
	assert_string_equal(r.last.what, "release");
	o.release = 5;
	o.floor = 6; /* known to main, unknown to the release */
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_true(rig_answer(&r) < 0);
	assert_true(rig_untouched(&r));
	o.floor = 0;
	o.now = RIG_NOW + 2000; /* the trust has expired */
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(rig_answer(&r), -EKEYEXPIRED);
	assert_string_equal(r.last.what, "trust");
	o.now = 0;
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(rig_answer(&r), 0);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

/*
 * A byte of the file is another one, at many places: never activated, and it is the source that is
 * blamed, or whoever changes bytes on the way could have the release itself refused for good.
 */
static void test_tampered(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, NULL);
	size_t at;

	(void)state;
	for (at = 1; at < f.len; at += f.len / 23) {
		struct rig r = rig_make();

		rig_start(&r, &f, (struct rig_plan){ .wrong_at = at });
		assert_true(rig_ask(&r, WRITER_INSTALL, &f) < 0);
		assert_int_equal(r.last.cause, WRITER_CAUSE_SOURCE);
		assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
		assert_int_equal(rig_stop(&r), 0);
		assert_true(rig_slot_is(&r, "boot-a", "root-a", &rig_old));
		rig_remove(&r);
	}
	free(f.bytes);
}

static void test_wrong_root_hash(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, RIG_RELEASE_KEYS, other_root);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), -EBADMSG);
	assert_int_equal(r.last.cause, WRITER_CAUSE_BUNDLE);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	assert_int_equal(r.last.boot.tries[1], 0);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

/* A delta from what slot A does not hold is given up before slot B is. */
static void test_wrong_base(void **state)
{
	struct rig_file f = rig_file(BUNDLE_DELTA, &rig_older, RIG_RELEASE_KEYS, NULL);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), -ESTALE);
	assert_int_equal(r.last.cause, WRITER_CAUSE_DELTA);
	assert_true(rig_untouched(&r));
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

/* Keys change: the new trust comes along with the order. */
static void test_trust_comes_along(void **state)
{
	struct rig_file f = rig_file(BUNDLE_ZSTD, NULL, 0x4, NULL);
	struct writer_order o = rig_order(WRITER_INSTALL, &f);
	struct rig r = rig_make();
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &o, sizeof(o) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd;

	(void)state;
	rig_put_trust(&r, "chain", 2, 0x4, RIG_ROOT_KEYS);
	fd = open(rig_path(&r, "chain"), O_RDONLY);
	assert_true(fd >= 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	rig_start(&r, &f, (struct rig_plan){ 0 });
	assert_int_equal(rig_ask(&r, WRITER_INSTALL, &f), -EKEYREJECTED);
	o.flags = WRITER_WITH_TRUST;
	assert_int_equal(sendmsg(r.main_fd, &msg, 0), sizeof(o));
	assert_int_equal(rig_answer(&r), 0);
	assert_int_equal(rig_stop(&r), 0);
	(void)close(fd);
	rig_remove(&r);
	free(f.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_any_release),
		cmocka_unit_test(test_tampered),   cmocka_unit_test(test_wrong_root_hash),
		cmocka_unit_test(test_wrong_base), cmocka_unit_test(test_trust_comes_along),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
