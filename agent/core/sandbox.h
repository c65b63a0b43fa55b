// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_SANDBOX_H
#define CAIRN_AGENT_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * Giving up rights. Each call is final for the process and for what it starts. Every process of
 * ours opens what it needs and then calls sandbox_enter once, with its row of
 * agent/core/privileges.h (or a copy of it with other paths); the functions below it are the steps.
 */

#define SANDBOX_CAP(n) (1ull << (n)) /* n: CAP_NET_ADMIN and so on, linux/capability.h */

/* What becomes of the process's rights. Bits are SANDBOX_CAP. */
struct sandbox_caps {
	uint64_t keep; /* effective and permitted */
	uint64_t pass; /* programs it starts can have these: permitted and inheritable here */
};

enum {
	SANDBOX_READ = 1,
	SANDBOX_WRITE = 2, /* create, write, remove and rename files below it */
	SANDBOX_EXEC = 4,
	SANDBOX_CONNECT = 8, /* with path NULL: TCP connections to others */
	SANDBOX_IOCTL = 16,  /* orders to the drivers of devices below it that are opened later */
};

struct sandbox_path {
	const char *path;
	unsigned int access;
};

/*
 * System calls, by what they are for. Always allowed: to wait, accept, read, write, send and
 * receive on what is held, to close it, to ask the time, to end.
 */
enum {
	CALLS_LIBC = 1,	      /* memory (never such that can be run), own signals, random numbers */
	CALLS_FILES = 1 << 1, /* open (never make), look at and list files */
	CALLS_CHANGE = 1 << 2, /* make, rename, remove, flush files and folders */
	CALLS_DISK = 1 << 3,   /* read and write devices that are held, in order and flushed */
	CALLS_IOCTL = 1 << 4,  /* orders to drivers */
	CALLS_FORK = 1 << 5,   /* processes of its own kind, pipes and socket pairs to them */
	CALLS_EXEC = 1 << 6,   /* programs, and to limit them before they start */
	CALLS_UNIX = 1 << 7,   /* sockets to other processes of this machine */
	CALLS_INET = 1 << 8,   /* sockets of IPv4 and IPv6 */
	CALLS_NETLINK = 1 << 9,
	CALLS_PACKET = 1 << 10, /* raw frames: DHCP */
	CALLS_CLOCK = 1 << 11,	/* set the clock */
	CALLS_MOUNT = 1 << 12,
	CALLS_REBOOT = 1 << 13,
	CALLS_BENEATH = 1 << 14, /* open below a folder and nowhere else (openat2) */
	CALLS_ANY = 1 << 15,  /* no list of its own, only what init set: not for programs of ours */
	CALLS_KILL = 1 << 16, /* any other call ends the process instead of failing with EPERM */
};

#define SANDBOX_PATHS_MAX 12

/* All that one process may do from then on. */
struct privileges {
	const char
		*name; /* what the process is called (at most 15 bytes), and its row in the docs */
	const char *user; /* NULL: as who it was started */
	const char *root; /* its root folder; NULL: the machine's */
	struct sandbox_caps caps;
	unsigned int calls;	  /* CALLS_* */
	unsigned int descriptors; /* open at once */
	bool mounts;		  /* it mounts, which Landlock would forbid: no limit of paths */
	struct sandbox_path paths[SANDBOX_PATHS_MAX + 1]; /* ends with access 0 */
};

/*
 * sandbox_enter - become what p says: name, user, root, capabilities, no_new_privs, paths, limits,
 * system calls, in this order. A kernel without Landlock or seccomp (never Cairn's) is passed over.
 * Errors: -errno with the reason; the process must then end.
 */
int sandbox_enter(const struct privileges *p, struct err *err);

/*
 * sandbox_program - likewise in a child of such a process, right before exec: the capabilities of
 * p->caps.keep, which must be among the `pass` of the parent, go to the program (ambient); user and
 * root stay.
 */
int sandbox_program(const struct privileges *p, struct err *err);

/*
 * sandbox_user - become another user (no supplementary groups), keep only these capabilities,
 * empty the bounding set of all others, set no_new_privs. user NULL: stay who we are.
 * chroot_dir NULL: no chroot. Errors: -ENOENT no such user, or as the system calls.
 */
int sandbox_user(const char *user, const char *chroot_dir, struct sandbox_caps caps,
		 struct err *err);

/*
 * sandbox_pass - in a child before exec: the program gets exactly these capabilities (ambient),
 * all of them among the `pass` of sandbox_user.
 */
int sandbox_pass(uint64_t caps, struct err *err);

/*
 * sandbox_paths - Landlock: nothing of the file system but these (files or folders; a path that
 * does not exist is passed over), no TCP but what SANDBOX_CONNECT allows, no signals to and no
 * abstract sockets of processes outside. Kernels that know only a part of it give that part; one
 * without Landlock is -ENOSYS.
 */
int sandbox_paths(const struct sandbox_path *paths, size_t count, struct err *err);

/* sandbox_limits - no core dumps, at most this many descriptors. */
int sandbox_limits(unsigned int descriptors, struct err *err);

/*
 * sandbox_calls - seccomp: the system calls of these groups (CALLS_*) and no others; of another
 * architecture none. -ENOSYS on a kernel or an architecture without it.
 */
int sandbox_calls(unsigned int groups, struct err *err);

/*
 * sandbox_guard - seccomp for all that ever runs, set by init before the first service: nothing of
 * another architecture, and nothing that looks into or changes other processes or the kernel
 * (ptrace, perf, modules, kexec, keyrings, io_uring, swap, userfaultfd ...), which fails with
 * EPERM. Takes no memory. Errors as sandbox_calls.
 */
int sandbox_guard(struct err *err);

#endif
