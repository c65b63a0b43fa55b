// SPDX-License-Identifier: Apache-2.0
/* The part of sandbox.h that limits what is reached in the file system: Landlock. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

/* Headers of the build may be older than the kernel. */
#define FS_REFER (1ull << 13)	  /* ABI 2 */
#define FS_TRUNCATE (1ull << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ull << 15) /* ABI 5 */

/* The rights of each kind of access that the running kernel knows (Landlock ABI). */
static uint64_t fs_known(int abi)
{
	uint64_t all = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1; /* ABI 1: bits 0 to 12 */

	if (abi >= 2)
		all |= FS_REFER;
	if (abi >= 3)
		all |= FS_TRUNCATE;
	if (abi >= 5)
		all |= FS_IOCTL_DEV;
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
			  LANDLOCK_ACCESS_FS_MAKE_REG | FS_TRUNCATE;
	if (access & SANDBOX_IOCTL)
		rights |= FS_IOCTL_DEV;
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
				       LANDLOCK_ACCESS_FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
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
	/* The layout of ABI 6. */
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
