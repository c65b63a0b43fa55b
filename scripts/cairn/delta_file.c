// SPDX-License-Identifier: Apache-2.0
#include "delta_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "cmd.h"
#include "crypto.h"
#include "delta.h"
#include "deltafile.h"
#include "io.h"
#include "lib/delta.h"

int mapped_fd(int fd, const char *name, struct mapped *ret, struct err *err)
{
	off_t end = lseek(fd, 0, SEEK_END);
	void *p;

	if (end < 0)
		return err_sys(err, -errno, "find the size of %s", name);
	ret->len = (uint64_t)end;
	ret->p = (const uint8_t *)"";
	if (end == 0)
		return 0;
	p = mmap(NULL, (size_t)end, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(err, -errno, "map %s", name);
	ret->p = p;
	return 0;
}

void mapped_release(struct mapped *m)
{
	if (m->len)
		(void)munmap((void *)(uintptr_t)m->p, (size_t)m->len);
	m->len = 0;
}

static int map_path(const char *path, struct mapped *ret, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, -errno, "open %s", path) : mapped_fd(fd, path, ret, err);
}

/* All frames: table and payloads into a file whose head is known. */
static int write_frames(struct delta_maker *m, const struct deltafile *f, int fd, struct err *err)
{
	size_t table_len = (size_t)f->frames * 4;
	uint8_t *table _cleanup_free_ = malloc(table_len + 1);
	uint8_t head[DELTAFILE_HEAD_BYTES];
	uint64_t at = DELTAFILE_HEAD_BYTES + table_len;
	uint32_t i;
	int rc;

	if (!table)
		return err_sys(err, -ENOMEM, "delta");
	for (i = 0; i < f->frames; i++) {
		uint8_t *payload;
		uint32_t len;

		rc = delta_maker_frame(m, i, &payload, &len, err);
		if (rc)
			return rc;
		rc = io_pwrite(fd, payload, len, at);
		free(payload);
		if (rc)
			return err_sys(err, rc, "write the delta");
		le32_store(table + (size_t)i * 4, len);
		at += len;
	}
	deltafile_format(f, head);
	rc = io_pwrite(fd, head, sizeof(head), 0);
	if (!rc)
		rc = io_pwrite(fd, table, table_len, sizeof(head));
	return rc ? err_sys(err, rc, "write the delta") : 0;
}

/* A file beside `path` that becomes it, or goes away. */
struct aside {
	const char *path;
	char *name;
	int fd;
};

static int aside_open(struct aside *a, const char *path, struct err *err)
{
	a->path = path;
	if (asprintf(&a->name, "%s.new", path) < 0) {
		a->name = NULL;
		return err_sys(err, -ENOMEM, "%s", path);
	}
	a->fd = open(a->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return a->fd < 0 ? err_sys(err, -errno, "create %s", a->name) : 0;
}

static int aside_close(struct aside *a, int rc, struct err *err)
{
	if (a->name && a->fd >= 0) {
		if (!rc && rename(a->name, a->path) != 0)
			rc = err_sys(err, -errno, "rename %s", a->name);
		if (rc)
			(void)unlink(a->name);
		(void)close(a->fd);
	}
	free(a->name);
	return rc;
}

static int make(const struct mapped *old_file, const struct mapped *new_file, const char *out,
		struct err *err)
{
	struct aside a = { NULL, NULL, -1 };
	struct delta_maker *m = NULL;
	struct deltafile f = { .old_bytes = old_file->len,
			       .new_bytes = new_file->len,
			       .frame_bytes = DELTA_MAKE_FRAME_BYTES };
	int rc;

	f.frames = (uint32_t)((new_file->len + f.frame_bytes - 1) / f.frame_bytes);
	sha256(old_file->p, (size_t)old_file->len, f.old_sha256);
	sha256(new_file->p, (size_t)new_file->len, f.new_sha256);
	rc = delta_maker_new(old_file->p, old_file->len, new_file->p, new_file->len, f.frame_bytes,
			     &m, err);
	if (!rc)
		rc = aside_open(&a, out, err);
	if (!rc)
		rc = write_frames(m, &f, a.fd, err);
	rc = aside_close(&a, rc, err);
	delta_maker_free(m);
	return rc;
}

int delta_file_make(const char *old_path, const char *new_path, const char *out, struct err *err)
{
	struct mapped old_file = { NULL, 0 }, new_file = { NULL, 0 };
	int rc = map_path(old_path, &old_file, err);

	if (!rc)
		rc = map_path(new_path, &new_file, err);
	if (!rc)
		rc = make(&old_file, &new_file, out, err);
	mapped_release(&old_file);
	mapped_release(&new_file);
	return rc;
}

enum { IN_BYTES = 64 << 10, OUT_BYTES = 256 << 10 };

struct applying {
	int old_fd, in_fd, out_fd;
	const char *delta;
	struct deltafile f;
	uint8_t *table, *in, *out;
	struct delta *d;
	struct sha256 hash;
};

static int read_old(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	struct applying *a = ctx;

	return io_pread(a->old_fd, ret_buf, len, offset);
}

/* The old file is what the delta was made from, or nothing is written. */
static int check_old(struct applying *a, const char *path, struct err *err)
{
	struct sha256 h;
	uint8_t digest[SHA256_SIZE];
	uint64_t at = 0, size;
	int rc = cmd_file_size(path, &size, err);

	if (rc)
		return rc;
	if (size != a->f.old_bytes)
		return err_set(err, CMD_REFUSED, "%s is not what %s goes on from", path, a->delta);
	sha256_init(&h);
	while (at < size) {
		size_t n = size - at < OUT_BYTES ? (size_t)(size - at) : OUT_BYTES;

		rc = io_pread(a->old_fd, a->out, n, at);
		if (rc)
			return err_sys(err, rc, "read %s", path);
		sha256_update(&h, a->out, n);
		at += n;
	}
	sha256_final(&h, digest);
	if (memcmp(digest, a->f.old_sha256, sizeof(digest)) != 0)
		return err_set(err, CMD_REFUSED, "%s is not what %s goes on from", path, a->delta);
	return 0;
}

static int apply_frame(struct applying *a, uint32_t i, uint64_t *in_at, uint64_t *out_at,
		       struct err *err)
{
	uint32_t payload = le32_load(a->table + (size_t)i * 4);
	size_t have = 0, used = 0, fed, made, waiting = 0;
	int rc = delta_begin(a->d, *out_at, payload, deltafile_frame_bytes(&a->f, i)), io = 0;

	while (rc == 0) {
		if (used == have) {
			have = payload < IN_BYTES ? payload : IN_BYTES;
			used = 0;
			io = io_pread(a->in_fd, a->in, have, *in_at);
			if (io)
				return err_sys(err, io, "read %s", a->delta);
			*in_at += have;
			payload -= (uint32_t)have;
		}
		rc = delta_run(a->d, a->in + used, have - used, &fed, a->out + waiting,
			       OUT_BYTES - waiting, &made);
		used += fed;
		waiting += made;
		if (waiting == OUT_BYTES || rc == 1) {
			io = io_pwrite(a->out_fd, a->out, waiting, *out_at);
			if (io)
				return err_sys(err, io, "write byte %llu",
					       (unsigned long long)*out_at);
			sha256_update(&a->hash, a->out, waiting);
			*out_at += waiting;
			waiting = 0;
		}
	}
	if (rc == -EBADMSG || rc == -EINVAL)
		return err_set(err, CMD_REFUSED, "%s: frame %u is malformed", a->delta,
			       (unsigned int)i);
	return rc < 0 ? err_sys(err, rc, "frame %u of %s", (unsigned int)i, a->delta) : 0;
}

static int read_head(struct applying *a, struct err *err)
{
	uint8_t head[DELTAFILE_HEAD_BYTES];
	uint64_t size, all = DELTAFILE_HEAD_BYTES;
	uint32_t i;
	int rc = cmd_file_size(a->delta, &size, err);

	if (rc)
		return rc;
	if (size < sizeof(head) || io_pread(a->in_fd, head, sizeof(head), 0) ||
	    deltafile_parse(head, sizeof(head), &a->f))
		return err_set(err, CMD_REFUSED, "%s is no delta of files", a->delta);
	a->table = malloc((size_t)a->f.frames * 4 + 1);
	if (!a->table)
		return err_sys(err, -ENOMEM, "%s", a->delta);
	if (io_pread(a->in_fd, a->table, (size_t)a->f.frames * 4, all))
		return err_set(err, CMD_REFUSED, "%s is cut", a->delta);
	all += (uint64_t)a->f.frames * 4;
	for (i = 0; i < a->f.frames; i++)
		all += le32_load(a->table + (size_t)i * 4);
	return all == size ? 0 : err_set(err, CMD_REFUSED, "%s is cut, or too long", a->delta);
}

static int apply(struct applying *a, const char *old_path, struct err *err)
{
	struct delta_old old = { a, 0, read_old };
	void *memory _cleanup_free_ = malloc(delta_memory());
	uint8_t *in _cleanup_free_ = malloc(IN_BYTES), *out _cleanup_free_ = malloc(OUT_BYTES);
	uint8_t digest[SHA256_SIZE];
	uint64_t in_at, out_at = 0;
	uint32_t i;
	int rc;

	if (!memory || !in || !out)
		return err_sys(err, -ENOMEM, "%s", a->delta);
	a->in = in;
	a->out = out;
	rc = check_old(a, old_path, err);
	if (rc)
		return rc;
	old.size_bytes = a->f.old_bytes;
	rc = delta_init(memory, delta_memory(), &old, &a->d);
	if (rc)
		return err_sys(err, rc, "%s", a->delta);
	in_at = DELTAFILE_HEAD_BYTES + (uint64_t)a->f.frames * 4;
	sha256_init(&a->hash);
	for (i = 0; i < a->f.frames; i++) {
		rc = apply_frame(a, i, &in_at, &out_at, err);
		if (rc)
			return rc;
	}
	sha256_final(&a->hash, digest);
	if (memcmp(digest, a->f.new_sha256, sizeof(digest)) != 0)
		return err_set(err, CMD_REFUSED, "%s makes another file than it says", a->delta);
	return 0;
}

int delta_file_apply(const char *old_path, const char *delta, const char *out, struct err *err)
{
	struct applying a = { .old_fd = -1, .in_fd = -1, .out_fd = -1, .delta = delta };
	struct aside to = { NULL, NULL, -1 };
	int rc = 0;

	a.old_fd = open(old_path, O_RDONLY | O_CLOEXEC);
	if (a.old_fd < 0)
		rc = err_sys(err, -errno, "open %s", old_path);
	else if ((a.in_fd = open(delta, O_RDONLY | O_CLOEXEC)) < 0)
		rc = err_sys(err, -errno, "open %s", delta);
	if (!rc)
		rc = read_head(&a, err);
	if (!rc)
		rc = aside_open(&to, out, err);
	a.out_fd = to.fd;
	if (!rc)
		rc = apply(&a, old_path, err);
	rc = aside_close(&to, rc, err);
	free(a.table);
	io_close_p(&a.in_fd);
	io_close_p(&a.old_fd);
	return rc;
}
