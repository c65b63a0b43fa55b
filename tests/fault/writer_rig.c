// SPDX-License-Identifier: Apache-2.0
#include "writer_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "bootstateio.h"
#include "io.h"
#include "tests/unit/testkeys.h"

struct kit_release rig_older, rig_old, rig_new;

int rig_setup(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	kit_release_make(&rig_older, 1);
	kit_release_make(&rig_old, 2);
	kit_release_make(&rig_new, 3);
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	kit_release_free(&rig_older);
	kit_release_free(&rig_old);
	kit_release_free(&rig_new);
	return 0;
}

struct rig_file rig_file(enum bundle_encoding encoding, const struct kit_release *from,
			 unsigned int keys, rig_change_fn *change)
{
	uint8_t document[SIGNED_DOCUMENT_MAX];
	struct kit_bundle kit;
	struct rig_file f;
	size_t len, head;

	kit_bundle_make(&kit, &rig_new, encoding, from);
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

/* A fetch. */

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

static _Noreturn void run_fetch(int fd, const struct rig_file *f, struct rig_plan plan)
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

/* The machine. */

char *rig_path(const struct rig *r, const char *name)
{
	static char paths[8][96];
	static unsigned int next;
	char *p = paths[next++ % 8];

	(void)snprintf(p, 96, "%s/%s", r->dir, name);
	return p;
}

static void put(const struct rig *r, const char *name, const void *bytes, size_t len, size_t room)
{
	int fd = open(rig_path(r, name), O_RDWR | O_CREAT | O_TRUNC, 0600);

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

void rig_put_trust(const struct rig *r, const char *name, uint64_t number,
		   unsigned int release_keys, unsigned int signers)
{
	uint8_t doc[TRUST_DOCUMENT_MAX], buf[SIGNED_MAX];
	struct trust t;
	size_t len;

	testkeys_trust(&t, number, RIG_NOW + 1000, RIG_ROOT_KEYS | release_keys);
	testkeys_role(&t, TRUST_ROOT, 1, RIG_ROOT_KEYS);
	testkeys_role(&t, TRUST_RELEASE, 1, release_keys);
	testkeys_role(&t, TRUST_CHANNEL, 1, release_keys);
	assert_int_equal(trust_format(&t, doc, &len), 0);
	len = testkeys_sign(doc, len, signers, buf);
	put(r, name, buf, len, len);
}

struct rig rig_make(void)
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
	put(&r, "boot-a", rig_old.boot, KIT_BOOT_BYTES, 256u << 10);
	put(&r, "boot-b", rig_older.boot, KIT_BOOT_BYTES, 256u << 10);
	put_root(&r, "root-a", &rig_old);
	put_root(&r, "root-b", &rig_older);
	put(&r, "release", release, strlen(release), strlen(release));
	rig_put_trust(&r, "trust", 1, RIG_RELEASE_KEYS, RIG_ROOT_KEYS);
	return r;
}

void rig_start(struct rig *r, const struct rig_file *f, struct rig_plan plan)
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
			.state = rig_path(r, "state"),
			.boot = rig_path(r, "boot-b"),
			.root = rig_path(r, "root-b"),
			.old_boot = rig_path(r, "boot-a"),
			.old_root = rig_path(r, "root-a"),
			.trust = rig_path(r, "trust"),
			.release = rig_path(r, "release"),
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

int rig_stop(struct rig *r)
{
	int status;

	(void)close(r->main_fd);
	assert_int_equal(waitpid(r->writer, &status, 0), r->writer);
	(void)kill(r->fetch, SIGKILL);
	assert_int_equal(waitpid(r->fetch, NULL, 0), r->fetch);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void rig_remove(struct rig *r)
{
	static const char *const names[] = { "state",  "boot-a",  "boot-b", "root-a",
					     "root-b", "release", "trust",  "chain" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(rig_path(r, names[i]));
	assert_int_equal(rmdir(r->dir), 0);
}

int rig_answer(struct rig *r)
{
	int rc;

	do {
		rc = part_receive(r->main_fd, &r->last, sizeof(r->last));
		r->reports++;
	} while (rc == 1 && !r->last.final);
	assert_int_equal(rc, 1);
	return r->last.rc;
}

struct writer_order rig_order(uint32_t op, const struct rig_file *f)
{
	struct writer_order o = { .version = UPDATE_PROTO_VERSION, .op = op, .now = RIG_NOW };

	if (f)
		memcpy(o.digest, f->digest, sizeof(o.digest));
	return o;
}

int rig_ask(struct rig *r, uint32_t op, const struct rig_file *f)
{
	struct writer_order o = rig_order(op, f);

	assert_int_equal(part_send(r->main_fd, &o, sizeof(o)), 0);
	return rig_answer(r);
}

static bool file_is(const struct rig *r, const char *name, const void *bytes, size_t len,
		    uint64_t offset)
{
	uint8_t *there = malloc(len);
	int fd = open(rig_path(r, name), O_RDONLY);
	bool same;

	assert_non_null(there);
	assert_true(fd >= 0);
	assert_int_equal(io_pread(fd, there, len, offset), 0);
	same = memcmp(there, bytes, len) == 0;
	(void)close(fd);
	free(there);
	return same;
}

bool rig_slot_is(const struct rig *r, const char *boot, const char *root,
		 const struct kit_release *k)
{
	return file_is(r, boot, k->boot, KIT_BOOT_BYTES, 0) &&
	       file_is(r, root, k->root, KIT_ROOT_BYTES, 0) &&
	       file_is(r, root, k->tree, k->tree_bytes, KIT_ROOT_BYTES);
}

bool rig_untouched(const struct rig *r)
{
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	uint8_t head[BOOTSTATE_HEAD_BYTES];

	bootstate_mkfs(&s, head);
	return rig_slot_is(r, "boot-b", "root-b", &rig_older) &&
	       file_is(r, "state", head, sizeof(head), 0);
}

void rig_check_descriptors(const struct rig *r)
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
		if (strcmp(target, rig_path(r, "boot-a")) != 0 &&
		    strcmp(target, rig_path(r, "root-a")) != 0)
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
