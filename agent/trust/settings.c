// SPDX-License-Identifier: Apache-2.0
#include "agent/trust/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/trust/client.h"
#include "crypto.h"
#include "io.h"

#define NAME_MAX_BYTES 48 /* with NUL: "settings NAME" fits into struct trustd_settings */

struct names {
	char name[SETTINGS_FILES_MAX][NAME_MAX_BYTES];
	size_t n;
};

static bool is_plain(const char *name)
{
	return name[0] != '.' && strlen(name) < NAME_MAX_BYTES &&
	       name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789._-")] == '\0';
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* read_names - the files of the folder, ordered; none where there is no folder. */
static int read_names(const char *dir, struct names *ret, struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	ret->n = 0;
	if (!d)
		return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", dir);
	while ((e = readdir(d))) {
		struct stat st;

		if (!is_plain(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (ret->n == SETTINGS_FILES_MAX) {
			rc = err_set(err, -E2BIG, "%s: more than %d files", dir,
				     SETTINGS_FILES_MAX);
			break;
		}
		memcpy(ret->name[ret->n++], e->d_name, strlen(e->d_name) + 1);
	}
	(void)closedir(d);
	qsort(ret->name, ret->n, sizeof(ret->name[0]), by_name);
	return rc;
}

static int digest_of(const char *dir, const char *name, uint8_t ret[static SHA256_SIZE],
		     struct err *err)
{
	int folder _cleanup_close_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd _cleanup_close_ =
		folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t buf[4096];
	struct sha256 h;
	size_t size = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, -errno, "%s/%s", dir, name);
	sha256_init(&h);
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "%s/%s", dir, name);
		size += (size_t)n;
		if (size > SETTINGS_FILE_MAX)
			return err_set(err, -EFBIG, "%s/%s: more than %u bytes", dir, name,
				       SETTINGS_FILE_MAX);
		sha256_update(&h, buf, (size_t)n);
	}
	sha256_final(&h, ret);
	return 0;
}

/* measure - one event. */
static int measure(const char *socket, const char *what, const uint8_t digest[static SHA256_SIZE],
		   void (*feed)(void), struct err *err)
{
	static struct trustd_request q;
	static struct trustd_reply r;
	struct trustd_settings s;

	memset(&s, 0, sizeof(s));
	(void)snprintf(s.what, sizeof(s.what), "%s", what);
	memcpy(s.digest, digest, sizeof(s.digest));
	q = (struct trustd_request){ .version = TRUSTD_VERSION,
				     .op = TRUSTD_SETTINGS,
				     .len = sizeof(s) };
	memcpy(q.body, &s, sizeof(s));
	return trustd_ask(socket, &q, -1, TRUSTD_TIMEOUT_MS, feed, &r, NULL, err);
}

int settings_measure(const char *dir, const char *socket, void (*feed)(void), struct err *err)
{
	static const char end[] = "cairn settings end";
	uint8_t digest[SHA256_SIZE];
	struct names names;
	char what[64];
	size_t i;
	int rc = read_names(dir, &names, err);

	for (i = 0; !rc && i < names.n; i++) {
		rc = digest_of(dir, names.name[i], digest, err);
		(void)snprintf(what, sizeof(what), "settings %s", names.name[i]);
		rc = rc ? rc : measure(socket, what, digest, feed, err);
	}
	if (rc)
		return rc;
	sha256(end, sizeof(end) - 1, digest);
	return measure(socket, "settings end", digest, feed, err);
}
