// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

int cmd_usage(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return CMD_USAGE;
}

int cmd_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		uint64_t d = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || v > (UINT64_MAX - d) / 10)
			return -EINVAL;
		v = v * 10 + d;
	}
	if (v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int cmd_time(const char *text, uint64_t *ret)
{
	struct tm tm = { 0 };
	const char *end;
	time_t t;

	if (cmd_number(text, INT64_MAX, ret) == 0)
		return 0;
	end = strptime(text, "%Y-%m-%d", &tm);
	if (!end || *end)
		return -EINVAL;
	t = timegm(&tm);
	if (t < 0)
		return -EINVAL;
	*ret = (uint64_t)t;
	return 0;
}

int cmd_bytes(const char *text, uint64_t *ret)
{
	char digits[24];
	size_t len = strlen(text);
	uint64_t unit = 1, v;

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len + 1);
	switch (text[len - 1]) {
	case 'K':
		unit = UINT64_C(1) << 10;
		break;
	case 'M':
		unit = UINT64_C(1) << 20;
		break;
	case 'G':
		unit = UINT64_C(1) << 30;
		break;
	default:
		break;
	}
	if (unit > 1)
		digits[len - 1] = '\0';
	if (cmd_number(digits, UINT64_MAX / unit, &v))
		return -EINVAL;
	*ret = v * unit;
	return 0;
}

int cmd_file_size(const char *path, uint64_t *ret, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	off_t end;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", path);
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return err_sys(err, -errno, "find the size of %s", path);
	*ret = (uint64_t)end;
	return 0;
}

int cmd_load(const char *path, size_t max, size_t room, uint8_t **ret_buf, size_t *ret_len,
	     struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *buf;
	off_t end;
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", path);
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return err_sys(err, -errno, "find the size of %s", path);
	if ((uint64_t)end > max)
		return err_set(err, -EFBIG, "%s has %lld bytes, more than the %zu allowed", path,
			       (long long)end, max);
	buf = calloc(1, (size_t)end + room + 1);
	if (!buf)
		return err_set(err, -ENOMEM, "read %s: no memory", path);
	rc = io_pread(fd, buf, (size_t)end, 0);
	if (rc) {
		free(buf);
		return err_sys(err, rc, "read %s", path);
	}
	*ret_buf = buf;
	*ret_len = (size_t)end;
	return 0;
}

int cmd_save(const char *path, const void *buf, size_t len, struct err *err)
{
	int rc = io_replace_file(path, buf, len, 0644);

	return rc ? err_sys(err, rc, "write %s", path) : 0;
}

static int all_zero(const uint8_t *p, size_t len)
{
	return !len || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

int cmd_copy_into(int fd, uint64_t offset_bytes, const char *path, uint64_t len, struct err *err)
{
	enum { CHUNK = 65536, HOLE = 4096 };
	uint8_t *buf _cleanup_free_ = malloc(CHUNK);
	int in _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t at = 0;

	if (in < 0)
		return err_sys(err, -errno, "open %s", path);
	if (!buf)
		return err_set(err, -ENOMEM, "copy %s: no memory", path);
	while (at < len) {
		size_t n = len - at < CHUNK ? (size_t)(len - at) : CHUNK, i, run;
		int rc = io_pread(in, buf, n, at);

		if (rc)
			return err_sys(err, rc, "read %s at byte %llu", path,
				       (unsigned long long)at);
		for (i = 0; i < n; i += run) {
			run = n - i < HOLE ? n - i : HOLE;
			if (all_zero(buf + i, run))
				continue;
			rc = io_pwrite(fd, buf + i, run, offset_bytes + at + i);
			if (rc)
				return err_sys(err, rc,
					       "write byte %" PRIu64 " of %s into the image",
					       at + i, path);
		}
		at += n;
	}
	return 0;
}
