// SPDX-License-Identifier: Apache-2.0
/* The part of sandbox.h that limits system calls: seccomp. Nothing here takes memory (PID 1). */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define AUDIT_ARCH_HERE AUDIT_ARCH_RISCV64
#endif

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define ALWAYS 0
#define SOCKETS (CALLS_UNIX | CALLS_INET | CALLS_NETLINK | CALLS_PACKET)
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/* What libc makes of the calls named in sandbox.h, on each architecture. */
static const struct {
	int nr;
	unsigned int groups; /* in any of these; ALWAYS: in all */
} calls[] = {
	{ SYS_read, ALWAYS },
	{ SYS_write, ALWAYS },
	{ SYS_writev, ALWAYS },
	{ SYS_close, ALWAYS },
	{ SYS_ppoll, ALWAYS },
	{ SYS_accept4, ALWAYS },
	{ SYS_sendto, ALWAYS },
	{ SYS_sendmsg, ALWAYS },
	{ SYS_recvfrom, ALWAYS },
	{ SYS_recvmsg, ALWAYS },
	{ SYS_fcntl, ALWAYS },
	{ SYS_exit, ALWAYS },
	{ SYS_exit_group, ALWAYS },
	{ SYS_clock_gettime, ALWAYS },
	{ SYS_restart_syscall, ALWAYS },
	{ SYS_rt_sigreturn, ALWAYS },
	{ SYS_readv, CALLS_LIBC },
	{ SYS_lseek, CALLS_LIBC },
	{ SYS_fstat, CALLS_LIBC },
	{ SYS_munmap, CALLS_LIBC },
	{ SYS_mremap, CALLS_LIBC },
	{ SYS_madvise, CALLS_LIBC },
	{ SYS_brk, CALLS_LIBC },
	{ SYS_getrandom, CALLS_LIBC },
	{ SYS_nanosleep, CALLS_LIBC },
	{ SYS_clock_nanosleep, CALLS_LIBC },
	{ SYS_gettimeofday, CALLS_LIBC },
	{ SYS_rt_sigaction, CALLS_LIBC },
	{ SYS_rt_sigprocmask, CALLS_LIBC },
	{ SYS_futex, CALLS_LIBC },
	{ SYS_getpid, CALLS_LIBC },
	{ SYS_gettid, CALLS_LIBC },
	{ SYS_getppid, CALLS_LIBC },
	{ SYS_getuid, CALLS_LIBC },
	{ SYS_geteuid, CALLS_LIBC },
	{ SYS_getgid, CALLS_LIBC },
	{ SYS_getegid, CALLS_LIBC },
	{ SYS_tkill, CALLS_LIBC },
	{ SYS_uname, CALLS_LIBC },
	{ SYS_pselect6, CALLS_LIBC },
	{ SYS_setitimer, CALLS_LIBC },
	{ SYS_openat2, CALLS_BENEATH },
	{ SYS_newfstatat, CALLS_FILES },
	{ SYS_statx, CALLS_FILES },
	{ SYS_statfs, CALLS_FILES },
	{ SYS_fstatfs, CALLS_FILES },
	{ SYS_faccessat, CALLS_FILES },
	{ SYS_faccessat2, CALLS_FILES },
	{ SYS_readlinkat, CALLS_FILES },
	{ SYS_getdents64, CALLS_FILES },
	{ SYS_getcwd, CALLS_FILES },
	{ SYS_chdir, CALLS_FILES | CALLS_CHANGE },
	{ SYS_unlinkat, CALLS_CHANGE },
	{ SYS_renameat, CALLS_CHANGE },
	{ SYS_renameat2, CALLS_CHANGE },
	{ SYS_mkdirat, CALLS_CHANGE },
	{ SYS_fchmod, CALLS_CHANGE },
	{ SYS_fchmodat, CALLS_CHANGE },
	{ SYS_utimensat, CALLS_CHANGE },
	{ SYS_umask, CALLS_CHANGE },
	{ SYS_syncfs, CALLS_CHANGE },
	{ SYS_fsync, CALLS_CHANGE | CALLS_DISK },
	{ SYS_fdatasync, CALLS_CHANGE | CALLS_DISK },
	{ SYS_ftruncate, CALLS_CHANGE | CALLS_DISK | CALLS_FILES },
	{ SYS_pread64, CALLS_DISK | CALLS_FILES },
	{ SYS_pwrite64, CALLS_CHANGE | CALLS_DISK | CALLS_FILES },
	{ SYS_sync_file_range, CALLS_DISK },
	{ SYS_fadvise64, CALLS_DISK | CALLS_FILES },
	{ SYS_fallocate, CALLS_DISK },
	{ SYS_sync, CALLS_REBOOT },
	{ SYS_ioctl, CALLS_IOCTL },
	{ SYS_pipe2, CALLS_FORK },
	{ SYS_socketpair, CALLS_FORK },
	{ SYS_wait4, CALLS_LIBC },
	{ SYS_kill, CALLS_LIBC },
	{ SYS_setsid, CALLS_FORK },
	{ SYS_dup, CALLS_FORK | CALLS_EXEC },
	{ SYS_dup3, CALLS_FORK | CALLS_EXEC },
	{ SYS_set_tid_address, CALLS_FORK | CALLS_EXEC },
	{ SYS_set_robust_list, CALLS_FORK | CALLS_EXEC },
	{ SYS_execve, CALLS_EXEC },
	{ SYS_prctl, CALLS_EXEC },
	{ SYS_seccomp, CALLS_EXEC },
	{ SYS_capget, CALLS_EXEC },
	{ SYS_capset, CALLS_EXEC },
	{ SYS_setgroups, CALLS_EXEC },
	{ SYS_setresgid, CALLS_EXEC },
	{ SYS_setresuid, CALLS_EXEC },
	{ SYS_landlock_create_ruleset, CALLS_EXEC },
	{ SYS_landlock_add_rule, CALLS_EXEC },
	{ SYS_landlock_restrict_self, CALLS_EXEC },
	{ SYS_prlimit64, CALLS_EXEC },
	{ SYS_getrlimit, CALLS_EXEC },
	{ SYS_setrlimit, CALLS_EXEC },
	{ SYS_connect, SOCKETS },
	{ SYS_bind, SOCKETS },
	{ SYS_listen, CALLS_UNIX },
	{ SYS_shutdown, SOCKETS },
	{ SYS_getsockname, SOCKETS },
	{ SYS_getpeername, SOCKETS },
	{ SYS_getsockopt, SOCKETS },
	{ SYS_setsockopt, SOCKETS },
	{ SYS_clock_settime, CALLS_CLOCK },
	{ SYS_settimeofday, CALLS_CLOCK },
	{ SYS_adjtimex, CALLS_CLOCK },
	{ SYS_clock_adjtime, CALLS_CLOCK },
	{ SYS_mount, CALLS_MOUNT },
	{ SYS_umount2, CALLS_MOUNT },
	{ SYS_reboot, CALLS_REBOOT },
#ifdef SYS_open
	{ SYS_poll, ALWAYS },
	{ SYS_arch_prctl, CALLS_EXEC },
	{ SYS_time, CALLS_LIBC },
	{ SYS_alarm, CALLS_LIBC },
	{ SYS_select, CALLS_LIBC },
	{ SYS_stat, CALLS_FILES },
	{ SYS_lstat, CALLS_FILES },
	{ SYS_access, CALLS_FILES },
	{ SYS_readlink, CALLS_FILES },
	{ SYS_unlink, CALLS_CHANGE },
	{ SYS_rename, CALLS_CHANGE },
	{ SYS_mkdir, CALLS_CHANGE },
	{ SYS_rmdir, CALLS_CHANGE },
	{ SYS_chmod, CALLS_CHANGE },
	{ SYS_fork, CALLS_FORK },
	{ SYS_vfork, CALLS_FORK },
	{ SYS_pipe, CALLS_FORK },
	{ SYS_dup2, CALLS_FORK | CALLS_EXEC },
#endif
};

/* Nobody's business on such a machine, whoever asks. */
static const int guarded[] = {
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_pidfd_getfd,
	SYS_perf_event_open,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_open_by_handle_at,
	SYS_fanotify_init,
	SYS_move_pages,
	SYS_migrate_pages,
	SYS_lookup_dcookie,
	SYS_personality,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_uselib,
	SYS_ustat,
	SYS_sysfs,
#endif
};

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
/* Two instructions a call, and those of the calls whose arguments count. */
#define FILTER_MAX (2 * COUNT(calls) + 64)
_Static_assert(2 * COUNT(guarded) + 64 <= FILTER_MAX, "the filter does not fit");

#ifdef AUDIT_ARCH_HERE
struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void add(struct filter *f, struct sock_filter instruction)
{
	f->code[f->n++] = instruction;
}

static void load(struct filter *f, size_t offset)
{
	add(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* The lower half of an argument: no flag of those asked for lies in the upper one. */
static void load_argument(struct filter *f, size_t n)
{
	load(f, offsetof(struct seccomp_data, args) + 8 * n);
}

static void jump(struct filter *f, unsigned short how, uint32_t value, uint8_t yes, uint8_t no)
{
	add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, value, yes, no));
}

static void end(struct filter *f, uint32_t verdict)
{
	add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void begin(struct filter *f)
{
	f->n = 0;
	load(f, offsetof(struct seccomp_data, arch));
	jump(f, BPF_JEQ, AUDIT_ARCH_HERE, 1, 0);
	end(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
}

static void on_call(struct filter *f, int nr, uint32_t verdict)
{
	jump(f, BPF_JEQ, (uint32_t)nr, 0, 1);
	end(f, verdict);
}

/* Allowed without these bits in the argument, refused with any of them. */
static void without(struct filter *f, int nr, size_t argument, uint32_t bits)
{
	jump(f, BPF_JEQ, (uint32_t)nr, 0, 4);
	load_argument(f, argument);
	jump(f, BPF_JSET, bits, 0, 1);
	end(f, REFUSED);
	end(f, SECCOMP_RET_ALLOW);
}

static void sockets(struct filter *f, unsigned int groups)
{
	static const struct {
		unsigned int group;
		uint32_t family;
	} families[] = {
		{ CALLS_UNIX, AF_UNIX },       { CALLS_INET, AF_INET },
		{ CALLS_INET, AF_INET6 },      { CALLS_PACKET, AF_PACKET },
		{ CALLS_NETLINK, AF_NETLINK },
	};
	unsigned short skip = f->n;
	size_t i;

	if (!(groups & SOCKETS))
		return;
	jump(f, BPF_JEQ, SYS_socket, 0, 0);
	load_argument(f, 0);
	for (i = 0; i < COUNT(families); i++)
		if (groups & families[i].group)
			on_call(f, (int)families[i].family, SECCOMP_RET_ALLOW);
	end(f, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	f->code[skip].jf = (uint8_t)(f->n - skip - 1);
}

static int install(const struct filter *f, struct err *err)
{
	struct sock_fprog prog = { .len = f->n, .filter = (struct sock_filter *)f->code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		return err_sys(err, -errno, "cannot set the filter of system calls");
	return 0;
}

int sandbox_calls(unsigned int groups, struct err *err)
{
	struct filter f;
	size_t i;

	begin(&f);
	for (i = 0; i < COUNT(calls); i++)
		if (calls[i].groups == ALWAYS || calls[i].groups & groups)
			on_call(&f, calls[i].nr, SECCOMP_RET_ALLOW);
	if (groups & CALLS_LIBC) {
		/* Memory is written or run, not both, and none becomes such that can be run. */
		without(&f, SYS_mmap, 2, PROT_EXEC);
		without(&f, SYS_mprotect, 2, PROT_EXEC);
	}
	if (groups & CALLS_FILES) {
		uint32_t make = groups & CALLS_CHANGE ? 0 : O_CREAT | O_TRUNC;

#ifdef SYS_open
		without(&f, SYS_open, 1, make);
#endif
		without(&f, SYS_openat, 2, make);
	}
	if (groups & CALLS_FORK)
		without(&f, SYS_clone, 0, NAMESPACES);
	sockets(&f, groups);
	end(&f, groups & CALLS_KILL ? SECCOMP_RET_KILL_PROCESS : REFUSED);
	return install(&f, err);
}

int sandbox_guard(struct err *err)
{
	struct filter f;
	size_t i;

	begin(&f);
	for (i = 0; i < COUNT(guarded); i++)
		on_call(&f, guarded[i], REFUSED);
	end(&f, SECCOMP_RET_ALLOW);
	return install(&f, err);
}
#else
int sandbox_calls(unsigned int groups, struct err *err)
{
	(void)groups;
	return err_set(err, -ENOSYS, "no filter of system calls for this architecture");
}

int sandbox_guard(struct err *err)
{
	return sandbox_calls(0, err);
}
#endif
