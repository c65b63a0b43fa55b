// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_SANDBOX_H
#define CAIRN_AGENT_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * Giving up rights, used by every daemon of ours. Each call is final for the process and for what
 * it starts. The order of use: open what is needed, sandbox_user, sandbox_paths, sandbox_limits,
 * and last sandbox_syscalls where the process has a small set.
 */

#define SANDBOX_CAP(n) (1ull << (n)) /* n: CAP_NET_ADMIN and so on, linux/capability.h */

/* What becomes of the process's rights. Bits are SANDBOX_CAP. */
struct sandbox_caps {
	uint64_t keep; /* effective and permitted */
	uint64_t pass; /* programs it starts can have these: permitted and inheritable here */
};

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

enum {
	SANDBOX_READ = 1,
	SANDBOX_WRITE = 2, /* create, write, remove and rename files below it */
	SANDBOX_EXEC = 4,
	SANDBOX_CONNECT = 8, /* with path NULL: TCP connections to others */
};

struct sandbox_path {
	const char *path;
	unsigned int access;
};

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
 * sandbox_syscalls - seccomp: only what a process needs that answers on descriptors it holds:
 * wait, accept, read, write, send, receive, close, the clock, exit. Anything else ends it.
 * -ENOSYS on a kernel or an architecture without it.
 */
int sandbox_syscalls(struct err *err);

/*
 * sandbox_syscalls_network - seccomp for a client on the network that reads files and allocates
 * memory. Anything else fails with EPERM and does not end it: what a library tries on a path that
 * no test came by must not stop updates.
 */
int sandbox_syscalls_network(struct err *err);

/*
 * sandbox_syscalls_storage - seccomp for who reads and writes the devices that it holds, allocates
 * memory and forks: nothing is opened, no program started. Anything else fails with EPERM.
 */
int sandbox_syscalls_storage(struct err *err);

#endif
