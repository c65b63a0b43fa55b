// SPDX-License-Identifier: Apache-2.0
/*
 * What agent/core/sandbox.h takes away is away: each case in a child of its own, on the kernel of
 * the machine that tests. docs/privileges.md says what the table says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/core/privileges.h"

/* The exit status of what runs in a child, or 1000 + the signal that ended it. */
static int in_child(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Before capabilities are gone, no_new_privs is what lets anyone set a filter. */
static bool calls(unsigned int groups)
{
	struct err err;

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !sandbox_calls(groups, &err);
}

/* One step of a child: the line where it is not so becomes the exit status. */
#define WANT(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__ % 200 + 1;                                                 \
	} while (0)
#define REFUSED(call) WANT((errno = 0, (call) < 0) && errno == EPERM)

static int answers_only(void)
{
	WANT(calls(CALLS_KILL));
	WANT(write(1, "", 0) == 0);
	return 0;
}

static int opens_though_it_answers_only(void)
{
	WANT(calls(CALLS_KILL));
	(void)open("/", O_RDONLY | O_CLOEXEC);
	return 0;
}

static int memory(void)
{
	void *p;

	WANT(calls(CALLS_LIBC));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	WANT(p != MAP_FAILED);
	REFUSED(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	WANT(mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	WANT(mprotect(p, 4096, PROT_READ) == 0);
	REFUSED(open("/", O_RDONLY | O_CLOEXEC));
	REFUSED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	REFUSED(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	REFUSED(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
	return 0;
}

static int families(void)
{
	WANT(calls(CALLS_LIBC | CALLS_INET));
	WANT(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
	WANT(socket(AF_UNIX, SOCK_DGRAM, 0) < 0 && errno == EAFNOSUPPORT);
	WANT(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
	WANT(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
	return 0;
}

static int files(void)
{
	WANT(calls(CALLS_LIBC | CALLS_FILES));
	WANT(open("/", O_RDONLY | O_CLOEXEC) >= 0);
	REFUSED(open("/tmp", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	REFUSED(open("/dev/null", O_WRONLY | O_TRUNC | O_CLOEXEC));
	REFUSED(unlink("/nowhere/at-all"));
	REFUSED(rename("/nowhere/at-all", "/nowhere/else"));
	REFUSED(syscall(SYS_execve, "/nowhere", NULL, NULL));
	return 0;
}

static int forks(void)
{
	pid_t pid;

	WANT(calls(CALLS_LIBC | CALLS_FORK));
	pid = fork();
	if (pid == 0)
		_exit(7);
	WANT(pid > 0 && waitpid(pid, NULL, 0) == pid);
	REFUSED(syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0, 0));
	REFUSED(syscall(SYS_clone, SIGCHLD | CLONE_NEWNET, 0, 0, 0, 0));
	REFUSED(unshare(CLONE_NEWUSER));
	return 0;
}

static int guard(void)
{
	struct err err;
	int fd;

	WANT(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !sandbox_guard(&err));
	REFUSED(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	REFUSED(syscall(SYS_add_key, "user", "x", "y", 1, -3));
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	REFUSED(syscall(SYS_finit_module, -1, "", 0));
	fd = open("/", O_RDONLY | O_CLOEXEC);
	WANT(fd >= 0);
	return 0;
}

/* Landlock: without a rule nothing; with one, only what it gives. */
static int landlocked(void)
{
	const struct sandbox_path paths[] = { { "/proc", SANDBOX_READ },
					      { "/nowhere/at-all", SANDBOX_WRITE } };
	struct err err;
	int rc;

	WANT(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	rc = sandbox_paths(paths, 2, &err);
	if (rc == -ENOSYS)
		return 77;
	WANT(rc == 0);
	WANT(open("/proc/self/status", O_RDONLY | O_CLOEXEC) >= 0);
	WANT(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES);
	WANT(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	WANT(open("/dev/null", O_RDWR | O_CLOEXEC) < 0 && errno == EACCES);
	WANT(execl("/bin/true", "true", NULL) < 0 && errno == EACCES);
	return 0;
}

static int enters(void)
{
	struct privileges p = { .name = "a-name",
				.calls = CALLS_LIBC | CALLS_FILES,
				.descriptors = 8 };
	char name[16] = "";
	struct err err;

	WANT(sandbox_enter(&p, &err) == 0);
	/* Nothing of /proc is in reach any more, and to ask for the name is not among the calls. */
	REFUSED(prctl(PR_GET_NAME, name, 0, 0, 0));
	WANT(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0);
	return 0;
}

#define CHILD_CASE(name)                                                                           \
	static void name##_case(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		assert_int_equal(in_child(name), 0);                                               \
	}
CHILD_CASE(answers_only)
CHILD_CASE(memory)
CHILD_CASE(families)
CHILD_CASE(files)
CHILD_CASE(forks)
CHILD_CASE(guard)
CHILD_CASE(enters)

static void kill_case(void **state)
{
	(void)state;
	assert_int_equal(in_child(opens_though_it_answers_only), 1000 + SIGSYS);
}

static void landlocked_case(void **state)
{
	int rc = in_child(landlocked);

	(void)state;
	if (rc == 77)
		skip();
	assert_int_equal(rc, 0);
}

/* The table of docs/privileges.md. */

static const char *const capability_names[] = {
	[CAP_CHOWN] = "CHOWN",
	[CAP_DAC_OVERRIDE] = "DAC_OVERRIDE",
	[CAP_NET_BIND_SERVICE] = "NET_BIND_SERVICE",
	[CAP_NET_ADMIN] = "NET_ADMIN",
	[CAP_NET_RAW] = "NET_RAW",
	[CAP_SYS_ADMIN] = "SYS_ADMIN",
	[CAP_SYS_BOOT] = "SYS_BOOT",
	[CAP_LINUX_IMMUTABLE] = "LINUX_IMMUTABLE",
	[CAP_SYS_TIME] = "SYS_TIME",
};

static const char *const call_names[] = { "libc",   "files", "change", "disk",	 "ioctl",
					  "fork",   "exec",  "unix",   "inet",	 "netlink",
					  "packet", "clock", "mount",  "reboot", "beneath",
					  "any",    "kill" };

static void add(char line[static 1024], const char *word)
{
	size_t len = strlen(line);

	(void)snprintf(line + len, 1024 - len, "%s%s", line[len - 1] == ' ' ? "" : " ", word);
}

static void add_capabilities(char line[static 1024], uint64_t caps)
{
	size_t i;

	if (!caps)
		add(line, "-");
	for (i = 0; i < 64; i++)
		if (caps >> i & 1) {
			assert_true(i < sizeof(capability_names) / sizeof(capability_names[0]) &&
				    capability_names[i]);
			add(line, capability_names[i]);
		}
}

static void add_paths(char line[static 1024], const struct privileges *p)
{
	bool connect = false;
	size_t i;

	if (p->mounts)
		add(line, "(mounts: all)");
	else if (!p->paths[0].access)
		add(line, "-");
	for (i = 0; p->paths[i].access; i++) {
		unsigned int a = p->paths[i].access;
		char word[160];

		connect |= !p->paths[i].path;
		if (!p->paths[i].path)
			continue;
		(void)snprintf(word, sizeof(word), "`%s` %s%s%s%s", p->paths[i].path,
			       a & SANDBOX_READ ? "r" : "", a & SANDBOX_WRITE ? "w" : "",
			       a & SANDBOX_EXEC ? "x" : "", a & SANDBOX_IOCTL ? "i" : "");
		add(line, word);
	}
	add(line, connect ? "| yes |" : p->mounts ? "| (any) |" : "| no |");
}

static void row(const struct privileges *p, char line[static 1024])
{
	size_t i;

	(void)snprintf(line, 1024, "| `%s` | %s | %s |", p->name, p->user ? p->user : "-",
		       p->root ? p->root : "/");
	add_capabilities(line, p->caps.keep);
	add(line, "|");
	add_capabilities(line, p->caps.pass);
	add(line, "|");
	for (i = 0; i < sizeof(call_names) / sizeof(call_names[0]); i++)
		if (p->calls >> i & 1)
			add(line, call_names[i]);
	add(line, "|");
	add_paths(line, p);
}

static void documented(void **state)
{
	static char text[65536];
	FILE *f = fopen("docs/privileges.md", "re");
	size_t i, len, missing = 0, rows = 0;
	const char *at;

	(void)state;
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	assert_true(len < sizeof(text) - 1);
	for (i = 0; i < privileges_count; i++) {
		char line[1024];

		assert_true(strlen(privileges_table[i].name) < 16);
		row(&privileges_table[i], line);
		(void)strcat(line, "\n");
		if (strstr(text, line))
			continue;
		missing++;
		(void)fputs(line, stderr);
	}
	/* Nothing stands there that is not in the table. */
	for (at = text; (at = strstr(at, "\n| `")); at++)
		rows += at[4] != '/'; /* the other table: places */
	assert_int_equal(missing, 0);
	assert_int_equal(rows, privileges_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_only_case), cmocka_unit_test(kill_case),
		cmocka_unit_test(memory_case),	     cmocka_unit_test(families_case),
		cmocka_unit_test(files_case),	     cmocka_unit_test(forks_case),
		cmocka_unit_test(guard_case),	     cmocka_unit_test(landlocked_case),
		cmocka_unit_test(enters_case),	     cmocka_unit_test(documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
