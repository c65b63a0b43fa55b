// SPDX-License-Identifier: Apache-2.0
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/io.h"

/* In the child: everything between fork and exec. Returns only on failure, with -errno. */
static int become(char *const *argv, const int *keep, int n_keep, const char *dir, const char *log,
		  pid_t parent)
{
	char path[256];
	sigset_t none;
	int in, out;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return -ESRCH;
	/* Its own group: Ctrl-C of the terminal is for the runner, which then ends it. */
	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, log);
	in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		return -errno;
	for (int i = 0; i < n_keep; i++)
		if (fcntl(keep[i], F_SETFD, 0))
			return -errno;
	if (setenv("TMPDIR", dir, 1))
		return -errno;
	(void)execvp(argv[0], argv);
	return -errno;
}

int spawn(char *const *argv, const int *keep, int n_keep, const char *dir, const char *log,
	  pid_t *ret_pid, struct err *err)
{
	pid_t parent = getpid();
	int report[2];
	int failed = 0;
	pid_t pid;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return err_sys(err, -errno, "pipe");
	pid = fork();
	if (pid == 0) {
		failed = become(argv, keep, n_keep, dir, log, parent);
		(void)io_write(report[1], &failed, sizeof(failed));
		_exit(127);
	}
	io_close_p(&report[1]);
	if (pid < 0)
		failed = -errno;
	/* The pipe closes at exec; what comes before that is the reason. */
	do
		n = pid < 0 ? 0 : read(report[0], &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	io_close_p(&report[0]);
	if (failed) {
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		return err_sys(err, failed, "start %s", argv[0]);
	}
	*ret_pid = pid;
	return 0;
}

int spawn_wait(char *const *argv, const char *dir, const char *log, struct err *err)
{
	int rc, status;
	pid_t pid = 0;

	rc = spawn(argv, NULL, 0, dir, log, &pid, err);
	if (rc)
		return rc;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "wait for %s", argv[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, -EIO, "%s failed", argv[0]);
	return 0;
}
