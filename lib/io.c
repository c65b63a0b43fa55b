// SPDX-License-Identifier: Apache-2.0
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int io_pread(int fd, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	uint8_t *p = ret_buf;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		p += n;
		len -= (size_t)n;
		offset_bytes += (uint64_t)n;
	}
	return 0;
}

int io_pwrite(int fd, const void *buf, size_t len, uint64_t offset_bytes)
{
	const uint8_t *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		offset_bytes += (uint64_t)n;
	}
	return 0;
}

int io_write(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_read_file(const char *path, void *ret_buf, size_t max, size_t *ret_len)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	char *p = ret_buf;
	size_t used = 0;

	if (fd < 0)
		return -errno;
	while (used < max) {
		ssize_t n = read(fd, p + used, max - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			p[used] = '\0';
			if (ret_len)
				*ret_len = used;
			return 0;
		}
		used += (size_t)n;
	}
	return -EFBIG;
}

static int fsync_folder_of(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd _cleanup_close_ = -1;

	if (len >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = open(slash ? (len ? dir : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}

int io_replace_file(const char *path, const void *buf, size_t len, unsigned int mode)
{
	char tmp[PATH_MAX];
	int fd _cleanup_close_ = -1;
	int rc;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
	if (fd < 0)
		return -errno;
	rc = io_write(fd, buf, len);
	if (!rc && fsync(fd))
		rc = -errno;
	if (!rc && rename(tmp, path))
		rc = -errno;
	if (rc) {
		(void)unlink(tmp);
		return rc;
	}
	return fsync_folder_of(path);
}

void io_close_p(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

void io_free_p(void *p)
{
	free(*(void **)p);
}
