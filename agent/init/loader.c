// SPDX-License-Identifier: Apache-2.0
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "console.h"
#include "lib/bytes.h"
#include "lib/io.h"

/* struct linux_dirent64, getdents64(2): the record's length, and where its name begins. */
#define DIRENT_RECLEN 16
#define DIRENT_NAME 19

static int load_file(const char *file, struct service_conf *ret)
{
	static uint8_t buf[SERVICEFILE_MAX + 2];
	char path[128], name[64];
	size_t len = strlen(file);
	struct err err = { "" };
	int rc;

	if (len < 6 || len > 40 || strcmp(file + len - 5, ".conf") != 0)
		return -ENOENT;
	(void)snprintf(path, sizeof(path), "%s/%s", LOADER_DIR, file);
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len - 5), file);
	rc = io_read_file(path, buf, sizeof(buf), &len);
	if (rc)
		rc = err_sys(&err, rc, "%s", name);
	else
		rc = servicefile_parse(name, buf, len, ret, &err);
	if (rc) {
		memset(ret, 0, sizeof(*ret));
		(void)snprintf(ret->name, sizeof(ret->name), "%.23s", name);
		(void)snprintf(ret->problem, sizeof(ret->problem), "%.127s", err.msg);
	}
	return 0;
}

size_t loader_load(struct service_conf ret_confs[static SERVICE_MAX])
{
	static _Alignas(8) uint8_t buf[4096];
	int dir _cleanup_close_ = open(LOADER_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t count = 0;
	long n = 0;

	if (dir < 0)
		console_say("cannot read %s: %s", LOADER_DIR, strerror(errno));
	while (dir >= 0 && (n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		long at;

		for (at = 0; at < n; at += le16_load(buf + at + DIRENT_RECLEN)) {
			const char *file = (const char *)buf + at + DIRENT_NAME;

			if (count == SERVICE_MAX)
				console_say("service file %s: more than %d services", file,
					    SERVICE_MAX);
			else if (!load_file(file, &ret_confs[count]))
				count++;
		}
	}
	(void)servicefile_resolve(ret_confs, count);
	return count;
}
