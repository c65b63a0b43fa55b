// SPDX-License-Identifier: Apache-2.0
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"

#define ROOT "/sys/fs/cgroup"
#define BASE ROOT "/cairn"

static int write_text(const char *dir, const char *name, const char *file, const char *text)
{
	char path[128];
	int fd _cleanup_close_ = -1;

	(void)snprintf(path, sizeof(path), "%s/%s%s%s", dir, name, name[0] ? "/" : "", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : io_write(fd, text, strlen(text));
}

static int write_number(const char *name, const char *file, unsigned long long v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", v);
	return write_text(BASE, name, file, text);
}

void cgroup_setup(void)
{
	/* One by one: a controller that this kernel lacks must not take the others with it. */
	static const char *const controllers[] = { "+memory", "+pids", "+cpu" };
	size_t i;

	(void)mkdir(BASE, 0755);
	for (i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		(void)write_text(ROOT, "", "cgroup.subtree_control", controllers[i]);
		(void)write_text(BASE, "", "cgroup.subtree_control", controllers[i]);
	}
}

int cgroup_prepare(const struct service_conf *conf)
{
	char path[128];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", BASE, conf->name);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	rc = write_number(conf->name, "pids.max", conf->pids_max);
	if (!rc)
		rc = write_number(conf->name, "memory.max", conf->memory_max_bytes);
	if (!rc) /* all of it or nothing: half a service is worse than a restart */
		rc = write_text(BASE, conf->name, "memory.oom.group", "1");
	return rc;
}

int cgroup_enter(const char *name)
{
	return write_text(BASE, name, "cgroup.procs", "0");
}

void cgroup_kill(const char *name, pid_t pid)
{
	if (write_text(BASE, name, "cgroup.kill", "1") && pid > 0) {
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL);
	}
}

bool cgroup_empty(const char *name)
{
	char path[128], text[128];

	(void)snprintf(path, sizeof(path), "%s/%s/cgroup.events", BASE, name);
	if (io_read_file(path, text, sizeof(text), NULL))
		return true;
	return strstr(text, "populated 1") == NULL;
}
