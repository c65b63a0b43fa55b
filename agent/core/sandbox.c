// SPDX-License-Identifier: Apache-2.0
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

int sandbox_limits(unsigned int descriptors, struct err *err)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit files = { descriptors, descriptors };

	if (setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_NOFILE, &files))
		return err_sys(err, -errno, "cannot set limits");
	return 0;
}

static size_t count_paths(const struct privileges *p)
{
	size_t n = 0;

	while (n < SANDBOX_PATHS_MAX && p->paths[n].access)
		n++;
	return n;
}

/* The steps after those that need capabilities. */
static int limit(const struct privileges *p, struct err *err)
{
	int rc = 0;

	if (!p->mounts) {
		rc = sandbox_paths(p->paths, count_paths(p), err);
		rc = rc == -ENOSYS ? 0 : rc;
	}
	rc = rc ? rc : sandbox_limits(p->descriptors, err);
	if (!rc && !(p->calls & CALLS_ANY)) {
		rc = sandbox_calls(p->calls, err);
		rc = rc == -ENOSYS ? 0 : rc;
	}
	return rc;
}

int sandbox_enter(const struct privileges *p, struct err *err)
{
	int rc;

	if (prctl(PR_SET_NAME, p->name, 0, 0, 0))
		return err_sys(err, -errno, "cannot take the name %s", p->name);
	rc = sandbox_user(p->user, p->root, p->caps, err);
	return rc ? rc : limit(p, err);
}

int sandbox_program(const struct privileges *p, struct err *err)
{
	int rc = sandbox_pass(p->caps.keep, err);

	return rc ? rc : limit(p, err);
}
