// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "privileges.h"

#define PLACES_MAX 32

struct place {
	char path[64], options[64];
	bool seen;
};

/* Lines of the document: | `/path` | type | options | */
static size_t read_doc(const char *doc, struct place *ret)
{
	FILE *f = fopen(doc, "re");
	char line[1024];
	size_t n = 0;

	while (f && n < PLACES_MAX && fgets(line, sizeof(line), f))
		if (sscanf(line, "| `%63[^`]` | %*[^|] | %63[^ |] |", ret[n].path,
			   ret[n].options) == 2 &&
		    ret[n].path[0] == '/')
			n++;
	if (f)
		(void)fclose(f);
	return n;
}

static bool has_option(const char *options, const char *word, size_t len)
{
	const char *p;

	for (p = options; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strcspn(p, ",") == len && strncmp(p, word, len) == 0)
			return true;
	return false;
}

static void compare(struct place *place, const char *options)
{
	const char *p = place->options;

	place->seen = true;
	for (;;) {
		size_t len = strcspn(p, ",");

		if (!has_option(options, p, len))
			finding("%s is mounted %s, without %.*s", place->path, options, (int)len,
				p);
		if (!p[len])
			return;
		p += len + 1;
	}
}

static void copy_self(const char *to)
{
	int in _cleanup_close_ = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out _cleanup_close_ = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buf[16384];
	ssize_t n;

	while (in >= 0 && out >= 0 && (n = read(in, buf, sizeof(buf))) > 0)
		if (io_write(out, buf, (size_t)n))
			break;
}

/* A program in a place that can be written does not run, and a device node there opens nothing. */
static void try_place(const char *dir, bool nodev)
{
	char path[128];
	int status = 0, fd;
	void *map;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/.e2e-privileges", dir);
	copy_self(path);
	if (access(path, F_OK)) {
		finding("%s cannot be written by root: %s", dir, strerror(errno));
		return;
	}
	pid = fork();
	if (pid == 0) {
		(void)execl(path, path, (char *)NULL);
		_exit(errno == EACCES ? 42 : 43);
	}
	(void)waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
		finding("a program in %s runs (status 0x%x)", dir, (unsigned int)status);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (map != MAP_FAILED)
		finding("a file in %s can be mapped to be run", dir);
	(void)unlink(path);
	if (!nodev)
		return;
	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		finding("a device in %s can be opened", dir);
		(void)close(fd);
	}
	(void)unlink(path);
}

void places(const char *doc)
{
	static const char *const writable[] = { "/run", "/tmp", "/dev/shm", "/data", "/dev" };
	struct place place[PLACES_MAX] = { 0 };
	size_t n = read_doc(doc, place), i;
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], path[256], options[512];

	if (n < 10)
		finding("%s names %zu places", doc, n);
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s %*s %511s", path, options) != 2)
			continue;
		if (strcmp(path, "/") == 0) {
			struct place root = { "/", "ro,nosuid,nodev", false };

			compare(&root, options);
			continue;
		}
		for (i = 0; i < n && strcmp(place[i].path, path) != 0; i++)
			;
		if (i == n)
			finding("%s is mounted and in no line of the document", path);
		else
			compare(&place[i], options);
	}
	if (f)
		(void)fclose(f);
	for (i = 0; i < n; i++)
		if (!place[i].seen)
			finding("%s is not mounted", place[i].path);
	for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		try_place(writable[i], strcmp(writable[i], "/dev") != 0);
	if (!mkdir("/new", 0755) || errno != EROFS)
		finding("the root can be written");
}
