// SPDX-License-Identifier: Apache-2.0
#include "vars.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bytes.h"
#include "io.h"

#define EFIVARFS "/sys/firmware/efi/efivars/"

enum { HEAD_BYTES = 4, PATH_BYTES = 96 }; /* before the data of each file: the attributes */

static void path_of(enum efiauth_var var, char ret[static PATH_BYTES])
{
	(void)snprintf(ret, PATH_BYTES, EFIVARFS "%s-%s", efiauth_name(var),
		       efiauth_guid_text(var));
}

int vars_get(enum efiauth_var var, uint8_t *ret_buf, size_t *ret_len)
{
	static uint8_t buf[HEAD_BYTES + EFIAUTH_MAX + 1];
	char path[PATH_BYTES];
	size_t len;
	int rc;

	path_of(var, path);
	rc = io_read_file(path, buf, sizeof(buf), &len);
	if (rc && rc != -ENOENT)
		return rc;
	if (rc || len < HEAD_BYTES)
		len = HEAD_BYTES;
	memcpy(ret_buf, buf + HEAD_BYTES, len - HEAD_BYTES);
	*ret_len = len - HEAD_BYTES;
	return 0;
}

/* efivarfs protects what it does not know from a slip of the hand, which this is not. */
static void make_mutable(const char *path)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	int flags = 0;

	if (fd >= 0)
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

int vars_set(enum efiauth_var var, const uint8_t *auth, size_t len)
{
	static uint8_t buf[HEAD_BYTES + EFIAUTH_MAX];
	char path[PATH_BYTES];
	int fd _cleanup_close_ = -1;
	bool is_new;
	ssize_t n;

	if (len > EFIAUTH_MAX)
		return -EFBIG;
	path_of(var, path);
	is_new = access(path, F_OK) != 0;
	if (!is_new)
		make_mutable(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	le32_store(buf, efiauth_attributes(var));
	memcpy(buf + HEAD_BYTES, auth, len);
	/* One write is one call of the firmware. */
	n = write(fd, buf, HEAD_BYTES + len);
	if (n == (ssize_t)(HEAD_BYTES + len))
		return 0;
	n = n < 0 ? -errno : -EIO;
	if (is_new)
		(void)unlink(path);
	return (int)n;
}

int vars_flag(const char *name, bool *ret)
{
	uint8_t buf[HEAD_BYTES + 2];
	char path[PATH_BYTES];
	size_t len;
	int rc;

	(void)snprintf(path, sizeof(path), EFIVARFS "%s-%s", name, efiauth_guid_text(EFIAUTH_PK));
	rc = io_read_file(path, buf, sizeof(buf), &len);
	if (rc)
		return rc;
	if (len != HEAD_BYTES + 1)
		return -EINVAL;
	*ret = buf[HEAD_BYTES] == 1;
	return 0;
}
