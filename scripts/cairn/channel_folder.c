// SPDX-License-Identifier: Apache-2.0
#include "channel_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "hex.h"
#include "io.h"
#include "signedfile.h"

static const char *const folders[] = { "trust", "bundles" };

int channel_folder_path(const char *dir, const char *name, char ret[static PATH_MAX],
			struct err *err)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", dir);
	return 0;
}

int channel_folder_bundle(const char *dir, const uint8_t digest[static SHA256_SIZE],
			  char ret[static PATH_MAX], struct err *err)
{
	char hex[2 * SHA256_SIZE + 1], name[sizeof(hex) + 16];

	hex_encode(digest, SHA256_SIZE, hex);
	(void)snprintf(name, sizeof(name), "bundles/%s.cairn", hex);
	return channel_folder_path(dir, name, ret, err);
}

int channel_folder_make(const char *dir, struct err *err)
{
	char path[PATH_MAX];
	size_t i;
	int rc;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return err_sys(err, -errno, "make the folder %s", dir);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		rc = channel_folder_path(dir, folders[i], path, err);
		if (rc)
			return rc;
		if (mkdir(path, 0755) && errno != EEXIST)
			return err_sys(err, -errno, "make the folder %s", path);
	}
	return 0;
}

/* trust/n as the first (t is then only written) or as the one after *t. -ENOENT: not there. */
static int one_trust(const char *dir, uint64_t n, bool first, struct trust *t, struct err *err)
{
	uint8_t buf[SIGNED_MAX + 1];
	char name[32], path[PATH_MAX];
	size_t len;
	int rc;

	(void)snprintf(name, sizeof(name), "trust/%" PRIu64, n);
	rc = channel_folder_path(dir, name, path, err);
	if (rc)
		return rc;
	rc = io_read_file(path, buf, sizeof(buf), &len);
	if (rc)
		return err_sys(err, rc, "read %s", path);
	rc = first ? trust_open(buf, len, t, err) : trust_next(t, buf, len, t, err);
	if (!rc && t->number != n)
		rc = err_set(err, -EBADMSG, "it is trust %" PRIu64, t->number);
	if (rc) {
		err_prefix(err, "%s", path);
		return CMD_REFUSED;
	}
	return 0;
}

int channel_folder_follow(const char *dir, uint64_t upto, struct trust *t, struct err *err)
{
	int rc = 0;

	while (!rc && t->number < upto)
		rc = one_trust(dir, t->number + 1, false, t, err);
	return rc == -ENOENT ? 0 : rc;
}

int channel_folder_trust(const char *dir, uint64_t upto, struct trust *ret, struct err *err)
{
	int rc = one_trust(dir, 1, true, ret, err);

	return rc ? rc : channel_folder_follow(dir, upto, ret, err);
}

int channel_folder_load(const char *dir, const struct trust *trust, struct channel *ret,
			bool *ret_there, struct err *err)
{
	uint8_t buf[SIGNED_MAX + 1];
	char path[PATH_MAX];
	size_t len;
	int rc = channel_folder_path(dir, "channel", path, err);

	*ret_there = false;
	if (rc)
		return rc;
	rc = io_read_file(path, buf, sizeof(buf), &len);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return err_sys(err, rc, "read %s", path);
	*ret_there = true;
	if (channel_open(buf, len, trust, TRUST_TIME_UNKNOWN, ret, NULL, err)) {
		err_prefix(err, "%s", path);
		return CMD_REFUSED;
	}
	return 0;
}

int channel_folder_put(const char *from, const char *to, uint64_t size, struct err *err)
{
	char tmp[PATH_MAX];
	int fd _cleanup_close_ = -1;
	struct stat st;
	int rc;

	if (stat(to, &st) == 0 && (uint64_t)st.st_size == size)
		return 0;
	if (snprintf(tmp, sizeof(tmp), "%s.tmp", to) >= (int)sizeof(tmp))
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", to);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, -errno, "create %s", tmp);
	rc = cmd_copy_into(fd, 0, from, size, err);
	if (!rc && (ftruncate(fd, (off_t)size) || fsync(fd) || rename(tmp, to)))
		rc = err_sys(err, -errno, "write %s", to);
	if (rc)
		(void)unlink(tmp);
	return rc;
}

int channel_folder_put_trust(const char *dir, const char *from, struct err *err)
{
	uint8_t buf[SIGNED_MAX];
	char name[32], to[PATH_MAX];
	struct signed_doc doc;
	struct trust t;
	uint64_t size;
	int rc = signedfile_head(from, buf, &doc, &size, err);

	if (rc)
		return rc;
	if (size != doc.total || trust_parse(doc.document, doc.document_len, &t, err))
		return err_set(err, CMD_REFUSED, "%s is no trust", from);
	(void)snprintf(name, sizeof(name), "trust/%" PRIu64, t.number);
	rc = channel_folder_path(dir, name, to, err);
	return rc ? rc : cmd_save(to, buf, doc.total, err);
}

int channel_folder_sync(const char *dir, struct err *err)
{
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int fd _cleanup_close_ = -1;
		char path[PATH_MAX];
		int rc = channel_folder_path(dir, folders[i], path, err);

		if (rc)
			return rc;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd))
			return err_sys(err, -errno, "flush %s", path);
	}
	return 0;
}
