// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "privileges.h"

/* Where the table's `/dev/DATA` is here: the tests' machines have one virtio disk. */
#define DISK "/dev/vda"
#define OTHER "/dev/vda2"

/* Deeds. Each returns 0 when it could be done, else the errno; the child then ends. */

static int ended(long rc)
{
	return rc < 0 ? errno : 0;
}

static int open_for(const char *path, int flags)
{
	return ended(open(path, flags | O_CLOEXEC, 0600));
}

static int make_file(void)
{
	return open_for("/tmp/.e2e-attempt", O_WRONLY | O_CREAT);
}

static int read_seed(void)
{
	return open_for("/data/system/seed", O_RDONLY);
}

static int read_disk(void)
{
	return open_for(OTHER, O_RDONLY);
}

static int open_tpm(void)
{
	return open_for("/dev/tpmrm0", O_RDWR);
}

static int read_passwd(void)
{
	return open_for("/etc/passwd", O_RDONLY);
}

static int read_init(void)
{
	return open_for("/proc/1/environ", O_RDONLY);
}

static int run_init(void)
{
	return ended(execl("/sbin/init", "init", (char *)NULL));
}

static int run_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int mount_over(void)
{
	int rc = mount("none", "/run/cairn/media", "tmpfs", 0, NULL);

	if (!rc)
		(void)umount2("/run/cairn/media", MNT_DETACH);
	return ended(rc);
}

static int trace(void)
{
	return ended(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int keyring(void)
{
	return ended(syscall(SYS_keyctl, 0, -3, 1));
}

static int new_user(void)
{
	return ended(unshare(CLONE_NEWUSER));
}

static int be_root(void)
{
	/* Whoever is root already must not gain a capability by it. */
	return ended(syscall(SYS_setresuid, 0, 0, 0));
}

static int set_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return ended(clock_settime(CLOCK_REALTIME, &now));
}

static int switch_off(void)
{
	/* A number that orders nothing: EINVAL for who may. */
	errno = 0;
	(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 0x12345678, NULL);
	return errno == EINVAL ? 0 : errno;
}

static int signal_init(void)
{
	return ended(kill(1, 0));
}

static int fork_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return ended(pid);
}

static int family(int domain, int type)
{
	return ended(socket(domain, type | SOCK_CLOEXEC, 0));
}

static int use_unix(void)
{
	return family(AF_UNIX, SOCK_STREAM);
}

static int use_inet(void)
{
	return family(AF_INET, SOCK_STREAM);
}

static int use_netlink(void)
{
	return family(AF_NETLINK, SOCK_RAW);
}

static int use_packet(void)
{
	return family(AF_PACKET, SOCK_RAW);
}

static int use_vsock(void)
{
	return family(AF_VSOCK, SOCK_STREAM);
}

static int loopback(int (*what)(int, const struct sockaddr *, socklen_t), uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return ended(what(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int listen_tcp(void)
{
	return loopback(bind, 4000);
}

static int connect_tcp(void)
{
	int rc = loopback(connect, 9);

	/* Nobody is there: it was sent. */
	return rc == ECONNREFUSED ? 0 : rc;
}

/* Who may. */

static bool nobody(const struct privileges *p)
{
	(void)p;
	return false;
}

/* A path is in reach by rows with the files' calls: where one of theirs is above it. */
static bool reaches(const struct privileges *p, const char *path, unsigned int access)
{
	size_t i;

	if (!(p->calls & (CALLS_FILES | CALLS_ANY)))
		return false;
	if (p->mounts)
		return true;
	/* Its `/` is not the machine's. */
	for (i = 0; p->paths[i].access && !p->root; i++) {
		const char *at = p->paths[i].path;
		size_t len = at ? strlen(at) : 0;

		if (!at || !(p->paths[i].access & access) || strncmp(path, at, len) != 0)
			continue;
		if (path[len] == '/' || path[len] == '\0' || at[len - 1] == '/')
			return true;
	}
	return false;
}

static bool is_root(const struct privileges *p)
{
	return strcmp(expected_user(p), "root") == 0;
}

static bool may_make(const struct privileges *p)
{
	return reaches(p, "/tmp/x", SANDBOX_WRITE) && p->calls & (CALLS_CHANGE | CALLS_ANY);
}

static bool may_seed(const struct privileges *p)
{
	return is_root(p) && reaches(p, "/data/system/seed", SANDBOX_READ);
}

static bool may_disk(const struct privileges *p)
{
	return is_root(p) && reaches(p, OTHER, SANDBOX_READ);
}

static bool may_tpm(const struct privileges *p)
{
	return is_root(p) && reaches(p, "/dev/tpmrm0", SANDBOX_WRITE);
}

static bool may_passwd(const struct privileges *p)
{
	return reaches(p, "/etc/passwd", SANDBOX_READ);
}

static bool may_run(const struct privileges *p)
{
	return p->calls & (CALLS_EXEC | CALLS_ANY) && reaches(p, "/sbin/init", SANDBOX_EXEC);
}

static bool is_root_already(const struct privileges *p)
{
	return is_root(p) && p->calls & CALLS_EXEC;
}

static bool may_signal_init(const struct privileges *p)
{
	return is_root(p) && p->mounts;
}

static bool may_connect(const struct privileges *p)
{
	size_t i;

	for (i = 0; p->paths[i].access; i++)
		if (!p->paths[i].path && p->paths[i].access & SANDBOX_CONNECT)
			return true;
	return false;
}

#define BY_CALLS(name, group)                                                                      \
	static bool name(const struct privileges *p)                                               \
	{                                                                                          \
		return p->calls & ((group) | CALLS_ANY);                                           \
	}
BY_CALLS(any_program, 0)
BY_CALLS(by_fork, CALLS_FORK)
BY_CALLS(by_unix, CALLS_UNIX)
BY_CALLS(by_inet, CALLS_INET)
BY_CALLS(by_netlink, CALLS_NETLINK)

static bool by_packet(const struct privileges *p)
{
	return p->calls & CALLS_PACKET && p->caps.keep;
}

static bool by_clock(const struct privileges *p)
{
	return p->calls & CALLS_CLOCK && p->caps.keep;
}

static bool by_mount(const struct privileges *p)
{
	return p->mounts;
}

static bool by_reboot(const struct privileges *p)
{
	return p->calls & CALLS_REBOOT;
}

static const struct {
	const char *what;
	int (*deed)(void);
	bool (*may)(const struct privileges *p);
} tries[] = {
	{ "make a file in /tmp", make_file, may_make },
	{ "read the seed on DATA", read_seed, may_seed },
	{ "open a partition", read_disk, may_disk },
	{ "open the TPM", open_tpm, may_tpm },
	{ "read /etc/passwd", read_passwd, may_passwd },
	{ "read init's environment", read_init, nobody },
	{ "run /sbin/init", run_init, may_run },
	{ "have memory that can be run", run_memory, any_program },
	{ "mount", mount_over, by_mount },
	{ "be traced", trace, nobody },
	{ "use keyrings", keyring, nobody },
	{ "make a user namespace", new_user, nobody },
	{ "become root", be_root, is_root_already },
	{ "set the clock", set_clock, by_clock },
	{ "switch off", switch_off, by_reboot },
	{ "signal init", signal_init, may_signal_init },
	{ "fork", fork_one, by_fork },
	{ "use local sockets", use_unix, by_unix },
	{ "use sockets of IP", use_inet, by_inet },
	{ "use sockets of netlink", use_netlink, by_netlink },
	{ "use raw frames", use_packet, by_packet },
	{ "use sockets of virtual machines", use_vsock, any_program },
	{ "listen on TCP", listen_tcp, nobody },
	{ "connect by TCP", connect_tcp, may_connect },
};

/* A program's capabilities are ambient in it; here it is entered like any other row. */
static int child(const struct privileges *row, int (*deed)(void))
{
	struct privileges p = *row;
	struct err err = { "" };

	if (!p.user && strcmp(expected_user(row), "root") != 0)
		p.user = expected_user(row);
	if (p.paths[0].path && strcmp(p.paths[0].path, "/dev/DATA") == 0)
		p.paths[0].path = DISK;
	if (sandbox_enter(&p, &err))
		return 200;
	return deed();
}

unsigned int attempts(void)
{
	unsigned int tried = 0;
	size_t i, k;

	for (i = 0; i < privileges_count; i++) {
		const struct privileges *p = &privileges_table[i];

		for (k = 0; k < sizeof(tries) / sizeof(tries[0]); k++) {
			bool may = tries[k].may(p);
			int status = 0;
			pid_t pid = fork();

			if (pid == 0)
				_exit(child(p, tries[k].deed));
			(void)waitpid(pid, &status, 0);
			(void)unlink("/tmp/.e2e-attempt");
			tried++;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 200)
				finding("%s cannot be entered", p->name);
			else if (tries[k].deed == run_init && may)
				continue; /* it became init, which is not PID 1 and ends */
			else if (may && (!WIFEXITED(status) || WEXITSTATUS(status)))
				finding("%s cannot %s (0x%x)", p->name, tries[k].what,
					(unsigned int)status);
			else if (!may && WIFEXITED(status) && !WEXITSTATUS(status))
				finding("%s can %s", p->name, tries[k].what);
		}
	}
	return tried;
}
