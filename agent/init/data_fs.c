// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "agent/core/privileges.h"
#include "clock.h"
#include "lib/bytes.h"
#include "lib/datahead.h"
#include "lib/io.h"

#define BLOCK_BYTES 4096
#define GIB (1ull << 30)
#define GROUP_BLOCKS 32768u
#define GROUP_HEAD_BYTES (8u << 20) /* more than descriptors and bitmaps take */
/* linux/ext4.h is not among the exported headers: fs/ext4/ext4.h of Linux 6.12. */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

/* e2fsck(8), EXIT CODE: bits. */
#define FSCK_CORRECTED 1
#define FSCK_REBOOT 2

static _Noreturn void exec_quiet(char *const argv[])
{
	/* No locale and no variables of ours: the same file system everywhere. */
	static char *const envp[] = { (char *)"PATH=/usr/sbin", NULL };
	/* It reads what anyone may have written to the disk: it gets that partition and no more. */
	struct privileges p = *privileges_of(strrchr(argv[0], '/') + 1);
	struct err err = { "" };
	size_t last = 0;

	while (argv[last + 1])
		last++;
	p.paths[0].path = argv[last];
	p.paths[3].path = argv[0];
	if (sandbox_enter(&p, &err)) {
		(void)fprintf(stderr, "%s: %s\n", argv[0], err.msg);
		_exit(127);
	}
	(void)execve(argv[0], argv, envp);
	_exit(127);
}

/* Runs a program for at most limit_ms. Its exit status, or -errno; -ETIME: killed. */
static int run(char *const argv[], uint64_t limit_ms)
{
	uint64_t end_ms = clock_boot_ms() + limit_ms;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		exec_quiet(argv);
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (clock_boot_ms() >= end_ms) {
			/* Not waited for: a disk that never answers must not hold us too. */
			(void)kill(pid, SIGKILL);
			return -ETIME;
		}
		data_feed();
		(void)poll(NULL, 0, 10);
	}
}

int data_fs_make(const struct data_volume *v, const struct data_places *p, struct err *err)
{
	char program[PATH_MAX], journal[16], extended[96];
	/* A journal that takes no notable part of a small DATA, and is enough for a large one. */
	unsigned int journal_mib = v->size_bytes >= 4 * GIB   ? 64
				   : v->size_bytes >= GIB / 4 ? 16
							      : 4;
	char *argv[] = {
		program,
		(char *)"-q",
		(char *)"-F",
		(char *)"-t",
		(char *)"ext4",
		(char *)"-b",
		(char *)"4096",
		(char *)"-I",
		(char *)"256",
		(char *)"-i",
		(char *)"16384",
		(char *)"-m",
		(char *)"2",
		(char *)"-L",
		(char *)DATAHEAD_LABEL,
		(char *)"-J",
		journal,
		(char *)"-O",
		(char *)"none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,"
			"flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,"
			"metadata_csum",
		(char *)"-E",
		extended,
		(char *)v->node,
		NULL,
	};
	int rc;

	(void)snprintf(program, sizeof(program), "%s/mke2fs", p->programs);
	(void)snprintf(journal, sizeof(journal), "size=%u", journal_mib);
	/*
	 * Behind a new key nothing old can be taken for a block of the journal, so it need not be
	 * cleared. With tags it must: what was never written cannot be read.
	 */
	(void)snprintf(extended, sizeof(extended),
		       "nodiscard,lazy_itable_init=1,lazy_journal_init=%d,root_owner=0:0",
		       v->encrypted && !v->authenticated);
	rc = run(argv, 300000);
	if (rc)
		return rc < 0 ? err_sys(err, rc, "mke2fs %s", v->node)
			      : err_set(err, -EIO, "mke2fs %s ended with status %d", v->node, rc);
	return 0;
}

static int check_once(const struct data_volume *v, const struct data_places *p, const char *how)
{
	char program[PATH_MAX];
	char *argv[] = { program, (char *)how, (char *)v->node, NULL };

	(void)snprintf(program, sizeof(program), "%s/e2fsck", p->programs);
	return run(argv, 120000 + v->size_bytes / GIB * 2000);
}

/* *ret_repaired: more than the replay of the journal was needed. */
int data_fs_check(const struct data_volume *v, const struct data_places *p, bool *ret_repaired,
		  struct err *err)
{
	int rc = check_once(v, p, "-p");

	*ret_repaired = false;
	if (rc == 0)
		return 0;
	*ret_repaired = true;
	if (rc > 0 && !(rc & ~(FSCK_CORRECTED | FSCK_REBOOT)))
		return 0;
	if (rc != -ETIME)
		rc = check_once(v, p, "-y");
	if (rc >= 0 && !(rc & ~(FSCK_CORRECTED | FSCK_REBOOT)))
		return 0;
	return rc < 0 ? err_sys(err, rc, "e2fsck %s", v->node)
		      : err_set(err, -EUCLEAN, "e2fsck %s could not repair it (status %d)", v->node,
				rc);
}

/* Blocks of the file system, from its superblock; 0 when that cannot be read. */
static uint64_t fs_blocks(const char *part)
{
	uint8_t super[1024];
	int fd _cleanup_close_ = open(part, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || io_pread(fd, super, sizeof(super), 1024))
		return 0;
	return (uint64_t)le32_load(super + 0x150) << 32 | le32_load(super + 0x4);
}

int data_fs_before_growth(const struct data_volume *v)
{
	static const _Alignas(4096) uint8_t zeros[65536];
	uint64_t wanted = v->size_bytes / BLOCK_BYTES, now = fs_blocks(v->node), group, at, end;
	int fd _cleanup_close_ = -1;
	int rc = 0;

	if (!v->authenticated || !now || wanted <= now)
		return 0;
	fd = open(v->node, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (group = now / GROUP_BLOCKS * GROUP_BLOCKS; group < wanted && !rc;
	     group += GROUP_BLOCKS) {
		at = (group > now ? group : now) * BLOCK_BYTES;
		end = group * BLOCK_BYTES + GROUP_HEAD_BYTES;
		for (; at < end && at + sizeof(zeros) <= v->size_bytes && !rc; at += sizeof(zeros))
			rc = io_pwrite(fd, zeros, sizeof(zeros), at);
		data_feed();
	}
	return rc ? rc : io_pwrite(fd, zeros, BLOCK_BYTES, (wanted - 1) * BLOCK_BYTES);
}

/* Online: the kernel does it, journalled, so that a cut in the middle harms nothing. */
void data_fs_grow(const struct data_volume *v, const char *mount_point)
{
	uint64_t wanted = v->size_bytes / BLOCK_BYTES, before = fs_blocks(v->node);
	int fd _cleanup_close_ = -1;

	if (!before || wanted <= before)
		return;
	fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, EXT4_IOC_RESIZE_FS, &wanted))
		(void)fprintf(stderr, "cannot grow the file system: %s\n", strerror(errno));
	else if (fs_blocks(v->node) != before)
		(void)fprintf(stderr, "file system grown to %llu MiB\n",
			      (unsigned long long)(fs_blocks(v->node) * BLOCK_BYTES >> 20));
}

int data_fs_mount(const struct data_volume *v, const char *mount_point, struct err *err)
{
	char options[64];
	gid_t gid;

	/* The reserve is root's and of the group that keeps the system's own state. */
	(void)snprintf(options, sizeof(options), "errors=remount-ro");
	if (!account_group("cairn-state", &gid))
		(void)snprintf(options, sizeof(options), "errors=remount-ro,resgid=%u",
			       (unsigned int)gid);
	return mount(v->node, mount_point, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
		     options)
		       ? err_sys(err, -errno, "cannot mount %s", v->node)
		       : 0;
}

int data_fs_stand_in(const char *mount_point, struct err *err)
{
	return mount("tmpfs", mount_point, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     "mode=0755,size=16m")
		       ? err_sys(err, -errno, "cannot mount a tmpfs at %s", mount_point)
		       : 0;
}
