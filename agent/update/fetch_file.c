// SPDX-License-Identifier: Apache-2.0
/* A READ from a stick: a folder like a server's, or one bundle. */
#include "agent/update/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "agent/update/parts.h"
#include "io.h"

#define SLICES_A_TURN 16
#define PART_BYTES 16384
/* A FIFO of that name must not hold us. */
#define FILE_FLAGS (O_RDONLY | O_NONBLOCK)

/* open_beneath - a path below dir_fd that no symbolic link and no .. leads out of. */
static int open_beneath(int dir_fd, const char *path, uint64_t flags)
{
	const struct open_how how = { .flags = flags | O_CLOEXEC | O_NOFOLLOW,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
						 RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* regular - its size, where it is a plain file. */
static int regular(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int fetch_file_config(struct fetch *f, int fd, struct err *err)
{
	static const char below[] = "file://" UPDATE_MEDIA_DIR "/";
	const char *path = f->config.url;
	uint64_t size;
	int rc;

	if (f->config.kind != SOURCE_FD) {
		if (strncmp(path, below, sizeof(below) - 1) != 0)
			return err_set(err, -EINVAL, "%s: not below " UPDATE_MEDIA_DIR, path);
		path += sizeof(below) - 1;
		path += strspn(path, "/");
		fd = open_beneath(f->media_fd, *path ? path : ".",
				  f->config.kind == SOURCE_FOLDER ? O_PATH | O_DIRECTORY
								  : O_RDONLY);
		if (fd < 0)
			return err_sys(err, fd, "cannot open %s", f->config.url);
	}
	rc = f->config.kind == SOURCE_FOLDER ? 0 : regular(fd, &size);
	if (rc) {
		(void)close(fd);
		return err_sys(err, rc, "%s: not a plain file", f->config.url);
	}
	f->source_fd = fd;
	f->kind = FETCH_FILE;
	return 0;
}

static int open_object(struct fetch_read *r, struct err *err)
{
	char path[128];
	int fd;

	if (r->f->config.kind != SOURCE_FOLDER) {
		if (r->queue[0].object != SOURCE_BUNDLE)
			return err_set(err, -ENOENT, "the source is one bundle");
		fd = fcntl(r->f->source_fd, F_DUPFD_CLOEXEC, 0);
		fd = fd < 0 ? -errno : fd;
	} else {
		fetch_object(&r->queue[0], path, sizeof(path));
		fd = open_beneath(r->f->source_fd, path, FILE_FLAGS);
	}
	return fd < 0 ? err_sys(err, fd, "cannot open it") : fd;
}

void fetch_file_begin(struct fetch_read *r)
{
	struct err err = { "" };
	uint64_t size = 0;
	int rc;

	r->file_fd = open_object(r, &err);
	rc = r->file_fd < 0 ? r->file_fd : regular(r->file_fd, &size);
	if (rc == 0 && r->next >= size && !(r->next == 0 && r->end == UINT64_MAX))
		rc = err_set(&err, -ENODATA, "it ends before byte %llu",
			     (unsigned long long)r->next);
	else if (rc == 0 && r->end == UINT64_MAX && size > FETCH_WHOLE_MAX)
		rc = err_set(&err, -EFBIG, "it has %llu bytes", (unsigned long long)size);
	if (rc) {
		if (!err.msg[0])
			(void)err_sys(&err, rc, "cannot read it");
		fetch_end(r, rc, &err);
		return;
	}
	r->slice.total = size;
	if (r->end > size)
		r->end = size;
}

void fetch_file_on(struct fetch_read *r)
{
	unsigned char buf[PART_BYTES];
	struct err err = { "" };
	int turn, rc = 0;

	for (turn = 0; turn < SLICES_A_TURN && r->next < r->end; turn++) {
		uint64_t left = r->end - r->next;
		size_t n = left < sizeof(buf) ? (size_t)left : sizeof(buf);

		if (!fetch_room(r, n))
			return;
		rc = io_pread(r->file_fd, buf, n, r->next);
		if (rc == -ENODATA)
			rc = err_set(&err, -ESTALE, "it became shorter while it was read");
		if (rc)
			break;
		fetch_put(r, buf, n);
	}
	if (rc == 0 && r->next < r->end)
		return;
	if (rc && !err.msg[0])
		(void)err_sys(&err, rc, "cannot read it");
	fetch_end(r, rc, &err);
}

void fetch_file_stop(struct fetch_read *r)
{
	io_close_p(&r->file_fd);
	r->file_fd = -1;
}
