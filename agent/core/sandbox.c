// SPDX-License-Identifier: Apache-2.0
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

/* libc has no wrappers for these two. */
static int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int i;

	for (i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> 32 * i);
		data[i].permitted = (uint32_t)(permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
	}
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

static int bounding_set(uint64_t keep)
{
	int cap;

	for (cap = 0; cap < 64; cap++) {
		int there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (there < 0)
			break; /* past the kernel's last one */
		if (there && !(keep & SANDBOX_CAP(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	}
	return 0;
}

int sandbox_user(const char *user, const char *chroot_dir, struct sandbox_caps caps,
		 struct err *err)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int rc;

	if (user) {
		/* Looked up before chroot, which hides /etc/passwd. */
		const struct passwd *pw = getpwnam(user);

		if (!pw)
			return err_set(err, -ENOENT, "user %s does not exist", user);
		uid = pw->pw_uid;
		gid = pw->pw_gid;
	}
	if (chroot_dir && (chroot(chroot_dir) || chdir("/")))
		return err_sys(err, -errno, "cannot chroot to %s", chroot_dir);
	rc = bounding_set(caps.keep | caps.pass);
	if (rc)
		return err_sys(err, rc, "cannot limit capabilities");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
	    (user && (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))))
		return err_sys(err, -errno, "cannot become user %s", user ? user : "(same)");
	rc = caps_set(caps.keep, caps.keep | caps.pass, caps.pass);
	if (rc)
		return err_sys(err, rc, "cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_sys(err, -errno, "cannot set no_new_privs");
	return 0;
}

int sandbox_pass(uint64_t caps, struct err *err)
{
	int cap, rc;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return err_sys(err, -errno, "cannot clear ambient capabilities");
	rc = caps_set(caps, caps, caps);
	if (rc)
		return err_sys(err, rc, "cannot set capabilities");
	for (cap = 0; cap < 64; cap++)
		if (caps & SANDBOX_CAP(cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
			return err_sys(err, -errno, "cannot raise ambient capability %d", cap);
	return 0;
}

/* The rights of each kind of access that the running kernel knows (Landlock ABI). */
static uint64_t fs_known(int abi)
{
	uint64_t all = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1; /* ABI 1: bits 0 to 12 */

	if (abi >= 2)
		all |= 1ull << 13; /* REFER */
	if (abi >= 3)
		all |= 1ull << 14; /* TRUNCATE */
	if (abi >= 5)
		all |= 1ull << 15; /* IOCTL_DEV */
	return all;
}

static uint64_t fs_rights(unsigned int access)
{
	uint64_t rights = 0;

	if (access & SANDBOX_READ)
		rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (access & SANDBOX_EXEC)
		rights |= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
	if (access & SANDBOX_WRITE)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
			  LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			  LANDLOCK_ACCESS_FS_MAKE_REG | 1ull << 14;
	return rights;
}

static int add_path(int ruleset, const struct sandbox_path *p, uint64_t known)
{
	struct landlock_path_beneath_attr rule = { 0 };
	int fd _cleanup_close_ = open(p->path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rule.parent_fd = fd;
	rule.allowed_access = fs_rights(p->access) & known;
	/* Rights that only folders have are refused for a file. */
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				       LANDLOCK_ACCESS_FS_READ_FILE | 1ull << 14;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)
		       ? -errno
		       : 0;
}

static bool may_connect(const struct sandbox_path *paths, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!paths[i].path && paths[i].access & SANDBOX_CONNECT)
			return true;
	return false;
}

int sandbox_paths(const struct sandbox_path *paths, size_t count, struct err *err)
{
	/* Headers of the build may be older than the kernel: the layout of ABI 6 by hand. */
	struct {
		uint64_t handled_access_fs, handled_access_net, scoped;
	} attr = { 0 };
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int fd _cleanup_close_ = -1;
	size_t i;

	if (abi < 1)
		return err_set(err, -ENOSYS, "the kernel has no Landlock");
	attr.handled_access_fs = fs_known(abi);
	if (abi >= 4)
		attr.handled_access_net = may_connect(paths, count) ? 1 : 3; /* BIND, CONNECT_TCP */
	if (abi >= 6)
		attr.scoped = 3; /* ABSTRACT_UNIX_SOCKET, SIGNAL */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
			  abi >= 6   ? 24u
			  : abi >= 4 ? 16u
				     : 8u,
			  0);
	if (fd < 0)
		return err_sys(err, -errno, "cannot make a Landlock ruleset");
	for (i = 0; i < count; i++) {
		int rc = !paths[i].path ? 0 : add_path(fd, &paths[i], attr.handled_access_fs);

		if (rc)
			return err_sys(err, rc, "cannot allow %s", paths[i].path);
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0))
		return err_sys(err, -errno, "cannot enter the Landlock ruleset");
	return 0;
}

int sandbox_limits(unsigned int descriptors, struct err *err)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit files = { descriptors, descriptors };

	if (setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_NOFILE, &files))
		return err_sys(err, -errno, "cannot set limits");
	return 0;
}

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define AUDIT_ARCH_HERE AUDIT_ARCH_RISCV64
#endif

/* What libc uses for the calls named in sandbox.h, on each architecture. */
static const int allowed[] = {
	SYS_read,	SYS_write,	   SYS_writev,		SYS_close,
	SYS_ppoll,	SYS_accept4,	   SYS_sendto,		SYS_sendmsg,
	SYS_recvfrom,	SYS_recvmsg,	   SYS_fcntl,		SYS_exit,
	SYS_exit_group, SYS_clock_gettime, SYS_restart_syscall, SYS_rt_sigreturn,
#ifdef SYS_poll
	SYS_poll,
#endif
};

/* And for a client on the network that reads files. */
static const int allowed_network[] = {
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_getsockname,
	SYS_getpeername,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_shutdown,
	SYS_openat,
	SYS_openat2,
	SYS_fstat,
	SYS_newfstatat,
	SYS_faccessat,
	SYS_lseek,
	SYS_pread64,
	SYS_readv,
	SYS_ioctl,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_getrandom,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_gettimeofday,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_futex,
	SYS_getpid,
	SYS_gettid,
	SYS_pwrite64,
	SYS_ftruncate,
	SYS_kill,
	SYS_tkill,
#ifdef SYS_open
	SYS_open,
	SYS_stat,
	SYS_access,
	SYS_time,
#endif
};

/* And for one that reads and writes the devices it holds and starts a process of its own kind. */
static const int allowed_storage[] = {
	SYS_pread64,
	SYS_pwrite64,
	SYS_fdatasync,
	SYS_fsync,
	SYS_sync_file_range,
	SYS_fadvise64,
	SYS_ftruncate,
	SYS_lseek,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_pipe2,
	SYS_clone,
	SYS_wait4,
	SYS_kill,
	SYS_tkill,
	SYS_getpid,
	SYS_gettid,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_futex,
#ifdef SYS_fork
	SYS_fork,
#endif
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define FILTER_MAX 120

#ifdef AUDIT_ARCH_HERE
struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void filter_add(struct filter *f, struct sock_filter instruction)
{
	f->code[f->n++] = instruction;
}

static void filter_allow(struct filter *f, const int *calls, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		filter_add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   (uint32_t)calls[i], 0, 1));
		filter_add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	}
}
#endif

/* set_filter - what neither list has gets `otherwise`. */
static int set_filter(const int *more, size_t count, uint32_t otherwise, struct err *err)
{
#ifdef AUDIT_ARCH_HERE
	struct filter f = { .n = 0 };
	struct sock_fprog prog = { .filter = f.code };

	_Static_assert(2 * (COUNT(allowed) + COUNT(allowed_network)) + 5 <= FILTER_MAX,
		       "the filter does not fit");
	filter_add(&f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						    offsetof(struct seccomp_data, arch)));
	filter_add(&f,
		   (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0));
	filter_add(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	filter_add(&f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						    offsetof(struct seccomp_data, nr)));
	filter_allow(&f, allowed, COUNT(allowed));
	filter_allow(&f, more, count);
	filter_add(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise));
	prog.len = f.n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		return err_sys(err, -errno, "cannot set the system call filter");
	return 0;
#else
	(void)more;
	(void)count;
	(void)otherwise;
	return err_set(err, -ENOSYS, "no system call filter for this architecture");
#endif
}

int sandbox_syscalls(struct err *err)
{
	return set_filter(NULL, 0, SECCOMP_RET_KILL_PROCESS, err);
}

int sandbox_syscalls_storage(struct err *err)
{
	_Static_assert(COUNT(allowed_storage) <= COUNT(allowed_network), "the filter does not fit");
	return set_filter(allowed_storage, COUNT(allowed_storage), SECCOMP_RET_ERRNO | EPERM, err);
}

int sandbox_syscalls_network(struct err *err)
{
	return set_filter(allowed_network, COUNT(allowed_network), SECCOMP_RET_ERRNO | EPERM, err);
}
