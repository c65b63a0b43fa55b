// SPDX-License-Identifier: Apache-2.0
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "account.h"
#include "cgroup.h"
#include "lib/io.h"

#define NOTIFY_FD 3
/* Less than a log burst, and a quarter of the kernel's default: memory counts here. */
#define LOG_PIPE_BYTES 16384

int spawn_identify(const struct service_conf *conf, struct identity *ret_id, struct err *err)
{
	struct identity id = { 0 };
	size_t i;
	int rc = account_user(conf->user, &id.uid, &id.gid);

	if (rc)
		return err_set(err, rc, "the user %s does not exist", conf->user);
	for (i = 0; i < SERVICE_GROUPS_MAX && conf->groups[i][0]; i++) {
		rc = account_group(conf->groups[i], &id.groups[i]);
		if (rc)
			return err_set(err, rc, "the group %s does not exist", conf->groups[i]);
		id.group_count = i + 1;
	}
	*ret_id = id;
	return 0;
}

static _Noreturn void fail(const char *what)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "init: %s: %s\n", what, strerror(errno));

	(void)!write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
	_exit(127);
}

static void set_descriptors(const struct service_conf *conf, int log_fd, int notify_fd)
{
	int in;

	/* Away from the numbers that are to be set. */
	if (notify_fd >= 0 && notify_fd <= NOTIFY_FD)
		notify_fd = fcntl(notify_fd, F_DUPFD_CLOEXEC, 16);
	if (log_fd >= 0 && log_fd <= NOTIFY_FD)
		log_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 16);
	if (log_fd >= 0 && (dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0))
		_exit(127);
	in = open(conf->tty[0] ? conf->tty : "/dev/null", O_RDWR);
	if (in < 0)
		fail(conf->tty[0] ? conf->tty : "/dev/null");
	if (in != 0 && dup2(in, 0) < 0)
		fail("dup2");
	if (conf->tty[0]) {
		struct termios t;

		(void)ioctl(0, TIOCSCTTY, 1);
		/* The consoles are deaf otherwise (console.c). */
		if (!tcgetattr(0, &t)) {
			t.c_lflag |= ICANON | ECHO | ECHOE | ISIG | IEXTEN;
			t.c_cflag |= CREAD;
			(void)tcsetattr(0, TCSANOW, &t);
		}
		(void)dup2(0, 1);
		(void)dup2(0, 2);
	}
	if (in > 2)
		(void)close(in);
	if (notify_fd >= 0 && dup2(notify_fd, NOTIFY_FD) < 0)
		fail("dup2");
	(void)syscall(SYS_close_range, notify_fd >= 0 ? NOTIFY_FD + 1 : NOTIFY_FD, ~0u, 0);
}

static void set_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_limits(const struct service_conf *conf)
{
	const struct rlimit core = { 0, 0 }, files = { conf->nofile, conf->nofile };
	/* A user's processes: the cgroup's pids_max counts, not what the kernel derived from its
	 * memory. */
	const struct rlimit processes = { RLIM_INFINITY, RLIM_INFINITY };
	char text[16];
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)snprintf(text, sizeof(text), "%d", conf->oom_score_adj);
	if (fd < 0 || io_write(fd, text, strlen(text)))
		fail("oom_score_adj");
	(void)close(fd);
	/* A container's init may lack SYS_RESOURCE: its limit of processes then stays. */
	if (setrlimit(RLIMIT_CORE, &core) || setrlimit(RLIMIT_NOFILE, &files) ||
	    (setrlimit(RLIMIT_NPROC, &processes) && errno != EPERM))
		fail("setrlimit");
	if (setpriority(PRIO_PROCESS, 0, conf->nice))
		fail("setpriority");
}

static void make_folder(const char *base, const char *name, const struct identity *id)
{
	char path[64];
	struct stat st;

	if (!name[0])
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	if (mkdir(path, 0750) && errno != EEXIST)
		fail(path);
	/* A link or a file of someone else in its place is not followed. */
	if (lstat(path, &st) || !S_ISDIR(st.st_mode) || lchown(path, id->uid, id->gid))
		fail(path);
}

static void set_capabilities(uint64_t caps)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int i;

	for (i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(caps >> (32 * i));
		data[i].permitted = data[i].effective;
		data[i].inheritable = data[i].effective;
	}
	if (syscall(SYS_capset, &head, data))
		fail("capset");
}

/* First what nobody behind this exec can have again, then who it is, then what it keeps. */
static void set_rights(const struct service_conf *conf, const struct identity *id)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(conf->capabilities >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			fail("PR_CAPBSET_DROP");
	if (setgroups(id->group_count, id->groups) || setresgid(id->gid, id->gid, id->gid))
		fail("setgroups");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresuid(id->uid, id->uid, id->uid))
		fail("setresuid");
	set_capabilities(conf->capabilities);
	for (cap = 0; id->uid && cap < 64; cap++)
		if (conf->capabilities >> cap & 1 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) &&
		    prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0)
			fail("PR_CAP_AMBIENT_RAISE");
	if (conf->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("PR_SET_NO_NEW_PRIVS");
}

static _Noreturn void child(const struct service_conf *conf, const struct identity *id, int log_fd,
			    int notify_fd)
{
	char *argv[SERVICE_ARGS_MAX + 1], *envp[8];
	char service[40], watchdog[32];
	size_t n = 0, i;
	int rc;

	(void)setsid();
	set_descriptors(conf, log_fd, notify_fd);
	rc = cgroup_enter(conf->name);
	if (rc && rc != -ENOENT) {
		errno = -rc;
		fail("cgroup");
	}
	set_signals();
	set_limits(conf);
	(void)umask(022);
	make_folder("/run", conf->runtime_dir, id);
	make_folder("/data", conf->state_dir, id);
	if (chdir("/"))
		fail("chdir");
	set_rights(conf, id);

	for (i = 0; i < conf->argc; i++)
		argv[i] = (char *)conf->text + conf->argv[i];
	argv[i] = NULL;
	(void)snprintf(service, sizeof(service), "SERVICE=%s", conf->name);
	(void)snprintf(watchdog, sizeof(watchdog), "WATCHDOG_MS=%u", conf->watchdog_ms);
	envp[n++] = (char *)"PATH=/usr/bin:/usr/sbin:/bin:/sbin";
	envp[n++] = (char *)"HOME=/";
	envp[n++] = service;
	if (conf->tty[0])
		envp[n++] = (char *)"TERM=vt100";
	if (notify_fd >= 0)
		envp[n++] = (char *)"NOTIFY_FD=3";
	if (conf->watchdog_ms)
		envp[n++] = watchdog;
	envp[n] = NULL;
	(void)execve(conf->text + conf->argv[0], argv, envp);
	fail(conf->text + conf->argv[0]);
}

static void close_pair(int fds[2])
{
	int i;

	for (i = 0; i < 2; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static int make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int spawn(const struct service_conf *conf, const struct identity *id, struct spawned *ret)
{
	int log[2] = { -1, -1 }, notify[2] = { -1, -1 };
	pid_t pid = -1;
	int rc = 0;

	if (!conf->tty[0])
		rc = make_pipe(log);
	if (!rc && (conf->type == SERVICE_NOTIFY || conf->watchdog_ms))
		rc = make_pipe(notify);
	if (!rc) {
		if (log[1] >= 0)
			(void)fcntl(log[1], F_SETPIPE_SZ, LOG_PIPE_BYTES);
		if (notify[1] >= 0)
			(void)fcntl(notify[1], F_SETPIPE_SZ, 4096);
		pid = fork();
		if (pid < 0)
			rc = -errno;
	}
	if (rc) {
		close_pair(log);
		close_pair(notify);
		return rc;
	}
	if (!pid)
		child(conf, id, log[1], notify[1]);
	if (log[1] >= 0)
		(void)close(log[1]);
	if (notify[1] >= 0)
		(void)close(notify[1]);
	ret->pid = pid;
	ret->log_fd = log[0];
	ret->notify_fd = notify[0];
	return 0;
}
