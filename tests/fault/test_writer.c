// SPDX-License-Identifier: Apache-2.0
/*
 * The writer part of service update as a process, with files for partitions, this test for main,
 * and a small fetch. Whatever it is told, the running slot's files stay as they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "agent/update/writer.h"
#include "bootstateio.h"
#include "bundlekit.h"
#include "io.h"
#include "tests/unit/testkeys.h"

#define ROOT_KEYS 0x1u
#define RELEASE_KEYS 0x2u
#define NOW UINT64_C(1800000000)

static struct kit_release older, old, new;

/* A signed bundle file in memory. */
struct file {
	uint8_t *bytes;
	size_t len;
	uint8_t digest[SHA256_SIZE];
};

struct rig {
	char dir[64];
	pid_t writer, fetch;
	int main_fd;
	struct writer_report last; /* the last answer */
	unsigned int reports;
};

/* --- bundles --- */

/* Lets the test change the manifest before it is signed. */
typedef void change_fn(struct bundle *b);

static struct file make_file(enum bundle_encoding encoding, const struct kit_release *from,
			     unsigned int keys, change_fn *change)
{
	uint8_t document[SIGNED_DOCUMENT_MAX];
	struct kit_bundle kit;
	struct file f;
	size_t len, head;

	kit_bundle_make(&kit, &new, encoding, from);
	(void)strcpy(kit.bundle.compatible, "cairn-test");
	(void)strcpy(kit.bundle.architecture, "test");
	(void)strcpy(kit.bundle.version, "1.2.3");
	kit.bundle.release = 7;
	if (change)
		change(&kit.bundle);
	assert_int_equal(bundle_format(&kit.bundle, document, &len), 0);
	sha256(document, len, f.digest);
	f.bytes = malloc(SIGNED_MAX + kit.file_bytes);
	assert_non_null(f.bytes);
	head = testkeys_sign(document, len, keys, f.bytes);
	memcpy(f.bytes + head, kit.file + KIT_HEAD_BYTES, kit.file_bytes - KIT_HEAD_BYTES);
	f.len = head + kit.file_bytes - KIT_HEAD_BYTES;
	kit_bundle_free(&kit);
	return f;
}

/* --- a fetch --- */

struct fetch_plan {
	size_t lost_after;   /* bytes given in all, then -ETIMEDOUT; 0 never */
	size_t silent_after; /* then nothing more comes */
	size_t wrong_at;     /* this byte of the file comes wrong; 0 none */
};

static void send_slice(int fd, const struct source_request *r, int rc, const uint8_t *bytes,
		       size_t len, uint64_t offset, bool last, size_t fetched)
{
	static struct source_data d;

	memset(&d, 0, sizeof(d));
	d.version = UPDATE_PROTO_VERSION;
	d.op = SOURCE_READ;
	d.id = r->id;
	d.rc = rc;
	d.last = last;
	d.len = (uint32_t)len;
	d.offset = offset;
	d.fetched = fetched;
	if (rc)
		(void)snprintf(d.why, sizeof(d.why), "no answer from the server");
	if (len)
		memcpy(d.bytes, bytes, len);
	if (part_send(fd, &d, sizeof(d)))
		_exit(0);
}

static _Noreturn void run_fetch(int fd, const struct file *f, struct fetch_plan plan)
{
	struct source_request r;
	size_t given = 0;

	if (plan.wrong_at)
		f->bytes[plan.wrong_at] ^= 1;
	while (part_receive(fd, &r, sizeof(r)) == 1) {
		uint64_t at = r.offset, end = r.offset + r.len;

		if (r.op == SOURCE_CANCEL)
			continue;
		if (memcmp(r.digest, f->digest, SHA256_SIZE) != 0 || end > f->len) {
			send_slice(fd, &r, -ENOENT, NULL, 0, at, true, 0);
			continue;
		}
		while (at < end) {
			size_t n = end - at < SOURCE_SLICE_BYTES ? (size_t)(end - at)
								 : SOURCE_SLICE_BYTES;

			if (plan.silent_after && given >= plan.silent_after)
				break;
			if (plan.lost_after && given >= plan.lost_after) {
				send_slice(fd, &r, -ETIMEDOUT, NULL, 0, at, true, given);
				break;
			}
			send_slice(fd, &r, 0, f->bytes + at, n, at, at + n == end,
				   (size_t)(at + n - r.offset));
			at += n;
			given += n;
		}
	}
	_exit(0);
}

/* --- the machine --- */

static char *path(const struct rig *r, const char *name)
{
	static char paths[8][96];
	static unsigned int next;
	char *p = paths[next++ % 8];

	(void)snprintf(p, 96, "%s/%s", r->dir, name);
	return p;
}

static void put(const struct rig *r, const char *name, const void *bytes, size_t len, size_t room)
{
	int fd = open(path(r, name), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)room), 0);
	assert_int_equal(io_pwrite(fd, bytes, len, 0), 0);
	(void)close(fd);
}

static void put_root(const struct rig *r, const char *name, const struct kit_release *k)
{
	uint8_t *bytes = malloc(KIT_ROOT_BYTES + k->tree_bytes);

	assert_non_null(bytes);
	memcpy(bytes, k->root, KIT_ROOT_BYTES);
	memcpy(bytes + KIT_ROOT_BYTES, k->tree, k->tree_bytes);
	put(r, name, bytes, KIT_ROOT_BYTES + k->tree_bytes, KIT_ROOT_BYTES + (64u << 10));
	free(bytes);
}

static void put_trust(const struct rig *r, const char *name, uint64_t number,
		      unsigned int release_keys, unsigned int signers)
{
	uint8_t doc[TRUST_DOCUMENT_MAX], buf[SIGNED_MAX];
	struct trust t;
	size_t len;

	testkeys_trust(&t, number, NOW + 1000, ROOT_KEYS | release_keys);
	testkeys_role(&t, TRUST_ROOT, 1, ROOT_KEYS);
	testkeys_role(&t, TRUST_RELEASE, 1, release_keys);
	testkeys_role(&t, TRUST_CHANNEL, 1, release_keys);
	assert_int_equal(trust_format(&t, doc, &len), 0);
	len = testkeys_sign(doc, len, signers, buf);
	put(r, name, buf, len, len);
}

static struct rig rig_make(void)
{
	static const char release[] = "version=1.0.0\nrelease=5\nfloor=2\ncompatible=cairn-test\n"
				      "architecture=test\nbuild_time=1700000000\n";
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	uint8_t *state = calloc(1, BOOTSTATE_HEAD_BYTES);
	struct rig r = { .dir = "/tmp/cairn-writer.XXXXXX" };

	assert_non_null(state);
	assert_non_null(mkdtemp(r.dir));
	bootstate_mkfs(&s, state);
	put(&r, "state", state, BOOTSTATE_HEAD_BYTES, 64u << 10);
	free(state);
	put(&r, "boot-a", old.boot, KIT_BOOT_BYTES, 256u << 10);
	put(&r, "boot-b", older.boot, KIT_BOOT_BYTES, 256u << 10);
	put_root(&r, "root-a", &old);
	put_root(&r, "root-b", &older);
	put(&r, "release", release, strlen(release), strlen(release));
	put_trust(&r, "trust", 1, RELEASE_KEYS, ROOT_KEYS);
	return r;
}

static void rig_start(struct rig *r, const struct file *f, struct fetch_plan plan)
{
	int order[2], source[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, order), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, source), 0);
	r->fetch = fork();
	if (r->fetch == 0) {
		(void)close(order[0]);
		(void)close(order[1]);
		(void)close(source[0]);
		run_fetch(source[1], f, plan);
	}
	r->writer = fork();
	if (r->writer == 0) {
		const struct writer_paths paths = {
			.state = path(r, "state"),
			.boot = path(r, "boot-b"),
			.root = path(r, "root-b"),
			.old_boot = path(r, "boot-a"),
			.old_root = path(r, "root-a"),
			.trust = path(r, "trust"),
			.release = path(r, "release"),
		};
		static struct writer w;
		struct err err = { "" };

		(void)close(order[0]);
		(void)close(source[1]);
		w.main_fd = w.source.main_fd = order[1];
		w.source.fd = source[0];
		if (writer_open(&w, &paths, BOOTSTATE_A, &err)) {
			(void)fprintf(stderr, "%s\n", err.msg);
			_exit(99);
		}
#ifndef __SANITIZE_ADDRESS__
		if (sandbox_user(NULL, NULL, (struct sandbox_caps){ 0 }, &err) ||
		    sandbox_calls(privileges_of("update-writer")->calls, &err))
			_exit(98);
#endif
		_exit(writer_serve(&w));
	}
	(void)close(order[1]);
	(void)close(source[0]);
	(void)close(source[1]);
	r->main_fd = order[0];
	r->reports = 0;
}

/* Returns the writer's exit status. */
static int rig_stop(struct rig *r)
{
	int status;

	(void)close(r->main_fd);
	assert_int_equal(waitpid(r->writer, &status, 0), r->writer);
	(void)kill(r->fetch, SIGKILL);
	assert_int_equal(waitpid(r->fetch, NULL, 0), r->fetch);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void rig_remove(struct rig *r)
{
	static const char *const names[] = { "state",  "boot-a",  "boot-b", "root-a",
					     "root-b", "release", "trust",  "chain" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(path(r, names[i]));
	assert_int_equal(rmdir(r->dir), 0);
}

static int answer(struct rig *r)
{
	int rc;

	do {
		rc = part_receive(r->main_fd, &r->last, sizeof(r->last));
		r->reports++;
	} while (rc == 1 && !r->last.final);
	assert_int_equal(rc, 1);
	return r->last.rc;
}

static struct writer_order order_of(uint32_t op, const struct file *f)
{
	struct writer_order o = { .version = UPDATE_PROTO_VERSION, .op = op, .now = NOW };

	if (f)
		memcpy(o.digest, f->digest, sizeof(o.digest));
	return o;
}

static int ask(struct rig *r, uint32_t op, const struct file *f)
{
	struct writer_order o = order_of(op, f);

	assert_int_equal(part_send(r->main_fd, &o, sizeof(o)), 0);
	return answer(r);
}

static bool file_is(const struct rig *r, const char *name, const void *bytes, size_t len,
		    uint64_t offset)
{
	uint8_t *there = malloc(len);
	int fd = open(path(r, name), O_RDONLY);
	bool same;

	assert_non_null(there);
	assert_true(fd >= 0);
	assert_int_equal(io_pread(fd, there, len, offset), 0);
	same = memcmp(there, bytes, len) == 0;
	(void)close(fd);
	free(there);
	return same;
}

static bool slot_is(const struct rig *r, const char *boot, const char *root,
		    const struct kit_release *k)
{
	return file_is(r, boot, k->boot, KIT_BOOT_BYTES, 0) &&
	       file_is(r, root, k->root, KIT_ROOT_BYTES, 0) &&
	       file_is(r, root, k->tree, k->tree_bytes, KIT_ROOT_BYTES);
}

static bool untouched(const struct rig *r)
{
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	uint8_t head[BOOTSTATE_HEAD_BYTES];

	bootstate_mkfs(&s, head);
	return slot_is(r, "boot-b", "root-b", &older) && file_is(r, "state", head, sizeof(head), 0);
}

/* The running slot is open in the writer for reading only. */
static void check_descriptors(const struct rig *r)
{
	unsigned int seen = 0;
	int fd;

	for (fd = 0; fd < 64; fd++) {
		char link[64], target[128], info[64], text[512];
		const char *flags;
		ssize_t n;

		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)r->writer, fd);
		n = readlink(link, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, path(r, "boot-a")) != 0 &&
		    strcmp(target, path(r, "root-a")) != 0)
			continue;
		(void)snprintf(info, sizeof(info), "/proc/%d/fdinfo/%d", (int)r->writer, fd);
		assert_int_equal(io_read_file(info, text, sizeof(text), NULL), 0);
		flags = strstr(text, "flags:\t");
		assert_non_null(flags);
		assert_int_equal(strtoul(flags + 7, NULL, 8) & O_ACCMODE, O_RDONLY);
		seen++;
	}
	assert_int_equal(seen, 2);
}

/* --- tests --- */

static void test_update(void **state)
{
	static const enum bundle_encoding encodings[] = { BUNDLE_RAW, BUNDLE_ZSTD, BUNDLE_DELTA };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct file f = make_file(encodings[i], encodings[i] == BUNDLE_DELTA ? &old : NULL,
					  RELEASE_KEYS, NULL);
		struct rig r = rig_make();

		rig_start(&r, &f, (struct fetch_plan){ 0 });
		assert_int_equal(ask(&r, WRITER_STATE, NULL), 0);
		assert_int_equal(r.last.boot.known, 1);
		assert_int_equal(r.last.boot.booted, WRITER_SLOT_A);
		check_descriptors(&r);
		assert_int_equal(ask(&r, WRITER_INSTALL, &f), 0);
		assert_int_equal(r.last.cause, WRITER_CAUSE_NONE);
		assert_int_equal(r.last.release, 7);
		assert_string_equal(r.last.release_version, "1.2.3");
		assert_memory_equal(r.last.root_hash, new.roothash, SHA256_SIZE);
		assert_true(r.last.fetched > 0 && r.last.fetched <= f.len);
		assert_true(r.reports > 3);
		assert_true(slot_is(&r, "boot-b", "root-b", &new));
		/* Written, and not to be started yet. */
		assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
		assert_int_equal(r.last.boot.good[1], 0);
		assert_int_equal(r.last.boot.tries[1], 0);
		assert_int_equal(ask(&r, WRITER_ACTIVATE, &f), 0);
		assert_int_equal(r.last.boot.primary, WRITER_SLOT_B);
		assert_int_equal(r.last.boot.tries[1], 3);
		assert_int_equal(rig_stop(&r), 0);
		assert_true(slot_is(&r, "boot-a", "root-a", &old));
		rig_remove(&r);
		free(f.bytes);
	}
}

/* Activated by another life than the one that wrote it: it is looked at again first. */
static void test_activate_later(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, NULL);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_INSTALL, &f), 0);
	assert_int_equal(rig_stop(&r), 0);
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_ACTIVATE, &f), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_B);
	assert_int_equal(r.last.resumed, KIT_BOOT_BYTES + KIT_ROOT_BYTES);
	/* Of nothing that is known: refused. */
	assert_int_equal(rig_stop(&r), 0);
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_true(ask(&r, WRITER_ACTIVATE, NULL) < 0);
	assert_int_equal(r.last.cause, WRITER_CAUSE_SOURCE);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

static void test_lost_link(void **state)
{
	struct file f = make_file(BUNDLE_RAW, NULL, RELEASE_KEYS, NULL);
	struct rig r = rig_make();
	uint64_t first;

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ .lost_after = 1400000 });
	assert_int_equal(ask(&r, WRITER_INSTALL, &f), -ETIMEDOUT);
	assert_int_equal(r.last.cause, WRITER_CAUSE_SOURCE);
	assert_string_equal(r.last.why + strlen(r.last.why) - 25, "no answer from the server");
	first = r.last.fetched;
	assert_true(first >= 1000000);
	assert_int_equal(rig_stop(&r), 0);
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_INSTALL, &f), 0);
	assert_true(r.last.resumed >= 3 * KIT_FRAME_BYTES);
	assert_true(first + r.last.fetched <= f.len + KIT_FRAME_BYTES + 3 * BUNDLE_PIECE_BYTES);
	assert_true(slot_is(&r, "boot-b", "root-b", &new));
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

static void test_abort(void **state)
{
	struct file f = make_file(BUNDLE_RAW, NULL, RELEASE_KEYS, NULL);
	struct writer_order o = order_of(WRITER_ABORT, NULL),
			    install = order_of(WRITER_INSTALL, &f);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ .silent_after = 900000 });
	assert_int_equal(part_send(r.main_fd, &install, sizeof(install)), 0);
	/* Once it says that it writes, fetch has nothing more to give soon. */
	do {
		assert_int_equal(part_receive(r.main_fd, &r.last, sizeof(r.last)), 1);
	} while (r.last.phase != WRITER_WRITING);
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(answer(&r), -ECANCELED);
	assert_int_equal(r.last.cause, WRITER_CAUSE_ABORTED);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	/* One that comes too late is no answer, and the next order has its own. */
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(ask(&r, WRITER_STATE, NULL), 0);
	assert_int_equal(r.last.op, WRITER_STATE);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

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
}

static void other_root(struct bundle *b)
{
	b->image[BUNDLE_ROOT].roothash[0] ^= 1;
}

/* Refused before anything is written; for good only what is signed. */
static void test_refused(void **state)
{
	static const struct {
		change_fn *change;
		unsigned int keys;
		const char *what;
		uint32_t flags;
		enum writer_cause cause;
	} cases[] = {
		{ NULL, 0, "signature", 0, WRITER_CAUSE_SOURCE },
		{ NULL, ROOT_KEYS, "signature", 0, WRITER_CAUSE_SOURCE },
		{ NULL, 0x80, "signature", 0, WRITER_CAUSE_SOURCE },
		{ other_machine, RELEASE_KEYS, "compatible", 0, WRITER_CAUSE_BUNDLE },
		{ same_release, RELEASE_KEYS, "release", 0, WRITER_CAUSE_BUNDLE },
		{ below_floor, RELEASE_KEYS, "release", WRITER_ANY_RELEASE, WRITER_CAUSE_BUNDLE },
		{ newer_stage1, RELEASE_KEYS, "stage1", 0, WRITER_CAUSE_BUNDLE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file f = make_file(BUNDLE_ZSTD, NULL, cases[i].keys, cases[i].change);
		struct writer_order o = order_of(WRITER_INSTALL, &f);
		struct rig r = rig_make();

		o.flags = cases[i].flags;
		rig_start(&r, &f, (struct fetch_plan){ 0 });
		assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
		assert_true(answer(&r) < 0);
		assert_int_equal(r.last.cause, cases[i].cause);
		assert_string_equal(r.last.what, cases[i].what);
		assert_true(r.last.why[0]);
		assert_true(untouched(&r));
		/* Nor is it activated without being there. */
		assert_true(ask(&r, WRITER_ACTIVATE, &f) < 0);
		assert_true(untouched(&r));
		assert_int_equal(rig_stop(&r), 0);
		rig_remove(&r);
		free(f.bytes);
	}
}

/* An operator's order takes the same release again; what main announced must be what comes. */
static void test_any_release(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, same_release);
	struct writer_order o = order_of(WRITER_INSTALL, &f);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	o.flags = WRITER_ANY_RELEASE;
	o.release = 6;
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_true(answer(&r) < 0);
	assert_string_equal(r.last.what, "release");
	o.release = 5;
	o.floor = 6; /* known to main, unknown to the release */
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_true(answer(&r) < 0);
	assert_true(untouched(&r));
	o.floor = 0;
	o.now = NOW + 2000; /* the trust has expired */
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(answer(&r), -EKEYEXPIRED);
	assert_string_equal(r.last.what, "trust");
	o.now = 0;
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(answer(&r), 0);
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
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, NULL);
	size_t at;

	(void)state;
	for (at = 1; at < f.len; at += f.len / 23) {
		struct rig r = rig_make();

		rig_start(&r, &f, (struct fetch_plan){ .wrong_at = at });
		assert_true(ask(&r, WRITER_INSTALL, &f) < 0);
		assert_int_equal(r.last.cause, WRITER_CAUSE_SOURCE);
		assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
		assert_int_equal(rig_stop(&r), 0);
		assert_true(slot_is(&r, "boot-a", "root-a", &old));
		rig_remove(&r);
	}
	free(f.bytes);
}

static void test_wrong_root_hash(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, other_root);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_INSTALL, &f), -EBADMSG);
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
	struct file f = make_file(BUNDLE_DELTA, &older, RELEASE_KEYS, NULL);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_INSTALL, &f), -ESTALE);
	assert_int_equal(r.last.cause, WRITER_CAUSE_DELTA);
	assert_true(untouched(&r));
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

/* Keys change: the new trust comes along with the order. */
static void test_trust_comes_along(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, 0x4, NULL);
	struct writer_order o = order_of(WRITER_INSTALL, &f);
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
	put_trust(&r, "chain", 2, 0x4, ROOT_KEYS);
	fd = open(path(&r, "chain"), O_RDONLY);
	assert_true(fd >= 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_INSTALL, &f), -EKEYREJECTED);
	o.flags = WRITER_WITH_TRUST;
	assert_int_equal(sendmsg(r.main_fd, &msg, 0), sizeof(o));
	assert_int_equal(answer(&r), 0);
	assert_int_equal(rig_stop(&r), 0);
	(void)close(fd);
	rig_remove(&r);
	free(f.bytes);
}

/* Every order, in every order of two, with every slot: the running slot stays as it is. */
static void test_running_slot(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, NULL);
	uint32_t first, second, slot;

	(void)state;
	for (first = WRITER_STATE; first < WRITER_OPS; first++) {
		struct rig r = rig_make();

		rig_start(&r, &f, (struct fetch_plan){ 0 });
		for (second = WRITER_STATE; second < WRITER_OPS; second++) {
			for (slot = WRITER_SLOT_A; slot <= WRITER_SLOT_B; slot++) {
				struct writer_order a = order_of(first, &f),
						    b = order_of(second, &f);

				a.slot = b.slot = slot;
				assert_int_equal(part_send(r.main_fd, &a, sizeof(a)), 0);
				if (first != WRITER_ABORT)
					(void)answer(&r);
				assert_int_equal(part_send(r.main_fd, &b, sizeof(b)), 0);
				if (second != WRITER_ABORT)
					(void)answer(&r);
			}
		}
		check_descriptors(&r);
		assert_int_equal(rig_stop(&r), 0);
		assert_true(slot_is(&r, "boot-a", "root-a", &old));
		rig_remove(&r);
	}
	free(f.bytes);
}

static void test_marks(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, NULL);
	struct writer_order o = order_of(WRITER_MARK_BAD, NULL);
	struct rig r = rig_make();

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ 0 });
	assert_int_equal(ask(&r, WRITER_MARK_GOOD, NULL), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	assert_int_equal(ask(&r, WRITER_ROLLBACK, NULL), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_B);
	assert_int_equal(ask(&r, WRITER_PRIMARY, NULL), 0);
	assert_int_equal(r.last.boot.primary, WRITER_SLOT_A);
	o.slot = WRITER_SLOT_B;
	assert_int_equal(part_send(r.main_fd, &o, sizeof(o)), 0);
	assert_int_equal(answer(&r), 0);
	assert_int_equal(r.last.boot.good[1], 0);
	assert_int_equal(r.last.boot.tries[1], 0);
	assert_true(ask(&r, WRITER_ROLLBACK, NULL) < 0);
	assert_int_equal(r.last.cause, WRITER_CAUSE_STATE);
	assert_int_equal(rig_stop(&r), 0);
	rig_remove(&r);
	free(f.bytes);
}

/* Another size, version, order or flag, or a flag without its descriptor, ends the part. */
static void test_malformed(void **state)
{
	struct file f = make_file(BUNDLE_ZSTD, NULL, RELEASE_KEYS, NULL);
	int i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct writer_order o[2] = { order_of(WRITER_STATE, NULL) };
		struct rig r = rig_make();
		size_t len = sizeof(o[0]);

		o[0].version += i == 0;
		o[0].op = i == 1 ? 0 : i == 2 ? WRITER_OPS : i == 6 ? WRITER_MARK_BAD : o[0].op;
		o[0].flags = i == 3 ? 1u << 7 : i == 4 ? WRITER_WITH_TRUST : 0;
		len -= i == 5;
		rig_start(&r, &f, (struct fetch_plan){ 0 });
		assert_int_equal(part_send(r.main_fd, o, len), 0);
		assert_int_equal(part_receive(r.main_fd, &r.last, sizeof(r.last)), -EPIPE);
		assert_int_equal(rig_stop(&r), 111);
		assert_true(untouched(&r));
		rig_remove(&r);
	}
	free(f.bytes);
}

/* Nothing but ABORT may come while an order is carried out. */
static void test_out_of_turn(void **state)
{
	struct file f = make_file(BUNDLE_RAW, NULL, RELEASE_KEYS, NULL);
	struct writer_order install = order_of(WRITER_INSTALL, &f);
	struct writer_order o = order_of(WRITER_ACTIVATE, &f);
	struct rig r = rig_make();
	int rc;

	(void)state;
	rig_start(&r, &f, (struct fetch_plan){ .silent_after = 900000 });
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
		cmocka_unit_test(test_update),	     cmocka_unit_test(test_activate_later),
		cmocka_unit_test(test_lost_link),    cmocka_unit_test(test_abort),
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_any_release),
		cmocka_unit_test(test_tampered),     cmocka_unit_test(test_wrong_root_hash),
		cmocka_unit_test(test_wrong_base),   cmocka_unit_test(test_trust_comes_along),
		cmocka_unit_test(test_running_slot), cmocka_unit_test(test_marks),
		cmocka_unit_test(test_malformed),    cmocka_unit_test(test_out_of_turn),
	};
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	kit_release_make(&older, 1);
	kit_release_make(&old, 2);
	kit_release_make(&new, 3);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_release_free(&older);
	kit_release_free(&old);
	kit_release_free(&new);
	return rc;
}
