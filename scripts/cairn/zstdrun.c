// SPDX-License-Identifier: Apache-2.0
#include "zstdrun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bundle.h"
#include "cmd.h"
#include "io.h"

extern char **environ;

static int spawn(const char *program, int level, size_t len, struct zstdrun *z)
{
	char level_text[8], window_text[32], size_text[48];
	char *argv[] = {
		(char *)program, "-q",	     "-c",	  "--single-thread", "--no-check",
		"--ultra",	 level_text, window_text, size_text,	     (char *)NULL
	};
	posix_spawn_file_actions_t actions;
	int rc;

	(void)snprintf(level_text, sizeof(level_text), "-%d", level);
	(void)snprintf(window_text, sizeof(window_text), "--zstd=wlog=%d", BUNDLE_WINDOW_LOG);
	(void)snprintf(size_text, sizeof(size_text), "--stream-size=%zu", len);
	rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return -rc;
	rc = posix_spawn_file_actions_adddup2(&actions, z->in_fd, STDIN_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, z->out_fd, STDOUT_FILENO);
	if (!rc)
		rc = posix_spawnp(&z->pid, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

int zstdrun_start(const char *program, int level, const void *data, size_t len, struct zstdrun *ret,
		  struct err *err)
{
	struct zstdrun z = { .pid = -1, .in_fd = -1, .out_fd = -1 };
	int rc = 0;

	z.in_fd = memfd_create("frame", MFD_CLOEXEC);
	z.out_fd = memfd_create("zstd", MFD_CLOEXEC);
	if (z.in_fd < 0 || z.out_fd < 0)
		rc = -errno;
	if (!rc)
		rc = io_write(z.in_fd, data, len);
	if (!rc && lseek(z.in_fd, 0, SEEK_SET) < 0)
		rc = -errno;
	if (!rc)
		rc = spawn(program, level, len, &z);
	if (rc) {
		(void)zstdrun_finish(&z, NULL, NULL, NULL);
		return err_sys(err, rc, "start %s", program);
	}
	*ret = z;
	return 0;
}

static int result(struct zstdrun *z, uint8_t **ret_frame, size_t *ret_len, struct err *err)
{
	struct stat st;
	uint8_t *buf;
	int rc;

	if (fstat(z->out_fd, &st))
		return err_sys(err, -errno, "read what zstd made");
	buf = malloc(st.st_size ? (size_t)st.st_size : 1);
	if (!buf)
		return err_set(err, -ENOMEM, "no memory for a frame");
	rc = io_pread(z->out_fd, buf, (size_t)st.st_size, 0);
	if (rc) {
		free(buf);
		return err_sys(err, rc, "read what zstd made");
	}
	*ret_frame = buf;
	*ret_len = (size_t)st.st_size;
	return 0;
}

int zstdrun_finish(struct zstdrun *z, uint8_t **ret_frame, size_t *ret_len, struct err *err)
{
	int status = 0, rc = 0;

	if (z->pid > 0) {
		while (waitpid(z->pid, &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			rc = err_set(err, -EIO, "zstd failed");
		else if (ret_frame)
			rc = result(z, ret_frame, ret_len, err);
	}
	io_close_p(&z->in_fd);
	io_close_p(&z->out_fd);
	z->pid = -1;
	z->in_fd = z->out_fd = -1;
	return rc;
}
