// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data.h"
#include "lib/io.h"

#define DEPTH_MAX 64	/* one descriptor a level */
#define PASSES_MAX 4096 /* each takes DEPTH_MAX levels off the deepest tree */
#define KEPT 2

enum data_reset data_reset_wanted(const char *mount_point)
{
	char path[PATH_MAX], text[32];

	(void)snprintf(path, sizeof(path), "%s/%s", mount_point, DATA_RESET_FILE);
	if (io_read_file(path, text, sizeof(text), NULL))
		return DATA_RESET_NOT;
	if (strcmp(text, DATA_RESET_ALL) == 0)
		return DATA_RESET_WHOLE;
	/* A marker that says something unknown was still an order to wipe: the milder way. */
	return DATA_RESET_KEEPING;
}

/* What the names in `keep` mean below the entry `name`: kept itself, or the rest of a path. */
static bool is_kept(const char *const keep[KEPT], const char *name, const char *ret_below[KEPT])
{
	size_t len = strlen(name), i;

	for (i = 0; i < KEPT; i++) {
		ret_below[i] = NULL;
		if (!keep[i] || strncmp(keep[i], name, len) != 0)
			continue;
		if (keep[i][len] == '\0')
			return true;
		if (keep[i][len] == '/')
			ret_below[i] = keep[i] + len + 1;
	}
	return false;
}

static bool any(const char *const keep[KEPT])
{
	return keep[0] || keep[1];
}

/*
 * wipe - all below a folder but what is kept. A tree too deep for our descriptors is moved to the
 * top, where the next pass finds it. Takes fd over. Returns 0 or -errno; *ret_moved: pass again.
 */
static int wipe(int top, int fd, const char *const keep[KEPT], unsigned int depth, bool *ret_moved)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!dir) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	while (!rc && (e = readdir(dir))) {
		const char *below[KEPT];
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    is_kept(keep, e->d_name, below))
			continue;
		data_feed();
		if (!any(below) && unlinkat(dirfd(dir), e->d_name, 0) == 0)
			continue;
		sub = openat(dirfd(dir), e->d_name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0 && any(below) && errno == ENOTDIR)
			rc = unlinkat(dirfd(dir), e->d_name, 0) ? -errno : 0;
		else if (sub < 0)
			rc = -errno;
		else if (depth == DEPTH_MAX) {
			char name[32];

			(void)close(sub);
			(void)snprintf(name, sizeof(name), ".wipe-%llx",
				       (unsigned long long)e->d_ino);
			rc = renameat(dirfd(dir), e->d_name, top, name) ? -errno : 0;
			*ret_moved = true;
		} else {
			rc = wipe(top, sub, below, depth + 1, ret_moved);
			if (!rc && !any(below) && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR))
				rc = errno == ENOTEMPTY ? 0 : -errno;
		}
	}
	(void)closedir(dir);
	return rc;
}

int data_reset_keep(const char *mount_point, struct err *err)
{
	static const char *const keep[KEPT] = { DATA_IDENTITY, DATA_RESET_FILE };
	int top _cleanup_close_ = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned int pass;
	bool moved = true;
	int rc = 0;

	if (top < 0)
		return err_sys(err, -errno, "cannot open %s", mount_point);
	for (pass = 0; pass < PASSES_MAX && moved && !rc; pass++) {
		int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		moved = false;
		rc = fd < 0 ? -errno : wipe(top, fd, keep, 0, &moved);
	}
	/* The marker goes last, when all else is gone for certain: a cut begins again. */
	if (!rc && syncfs(top))
		rc = -errno;
	if (!rc && unlinkat(top, DATA_RESET_FILE, 0))
		rc = -errno;
	if (!rc && syncfs(top))
		rc = -errno;
	return rc ? err_sys(err, rc, "cannot wipe %s", mount_point) : 0;
}
