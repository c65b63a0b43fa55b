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

static int put_mark(const char *part, enum datahead what, struct err *err)
{
	uint8_t sector[DATAHEAD_MARK_BYTES], back[DATAHEAD_MARK_BYTES];
	int fd _cleanup_close_ = open(part, O_RDWR | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "cannot open %s", part);
	datahead_mark(what, sector);
	/* Everything before the mark is on the disk before it, and it before what follows. */
	rc = fsync(fd) ? -errno : io_pwrite(fd, sector, sizeof(sector), 0);
	if (!rc && fsync(fd))
		rc = -errno;
	if (!rc)
		rc = io_pread(fd, back, sizeof(back), 0);
	if (!rc && memcmp(sector, back, sizeof(sector)) != 0)
		rc = -EIO;
	return rc ? err_sys(err, rc, "cannot mark %s as %s", part, datahead_name(what)) : 0;
}

static int make(const struct data_disk *d, const struct data_places *p, struct err *err)
{
	char program[PATH_MAX], journal[16];
	/* A journal that takes no notable part of a small DATA, and is enough for a large one. */
	unsigned int journal_mib = d->size_bytes >= 4 * GIB   ? 64
				   : d->size_bytes >= GIB / 4 ? 16
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
		(char *)"nodiscard,lazy_itable_init=1,lazy_journal_init=0,root_owner=0:0",
		(char *)d->part,
		NULL,
	};
	int rc;

	(void)snprintf(program, sizeof(program), "%s/mke2fs", p->programs);
	(void)snprintf(journal, sizeof(journal), "size=%u", journal_mib);
	rc = put_mark(d->part, DATAHEAD_MAKING, err);
	if (rc)
		return rc;
	rc = run(argv, 300000);
	if (rc)
		return rc < 0 ? err_sys(err, rc, "mke2fs %s", d->part)
			      : err_set(err, -EIO, "mke2fs %s ended with status %d", d->part, rc);
	return put_mark(d->part, DATAHEAD_MADE, err);
}

static int check_once(const struct data_disk *d, const struct data_places *p, const char *how)
{
	char program[PATH_MAX];
	char *argv[] = { program, (char *)how, (char *)d->part, NULL };

	(void)snprintf(program, sizeof(program), "%s/e2fsck", p->programs);
	return run(argv, 120000 + d->size_bytes / GIB * 2000);
}

/* *ret_repaired: more than the replay of the journal was needed. */
static int check(const struct data_disk *d, const struct data_places *p, bool *ret_repaired,
		 struct err *err)
{
	int rc = check_once(d, p, "-p");

	*ret_repaired = false;
	if (rc == 0)
		return 0;
	*ret_repaired = true;
	if (rc > 0 && !(rc & ~(FSCK_CORRECTED | FSCK_REBOOT)))
		return 0;
	if (rc != -ETIME)
		rc = check_once(d, p, "-y");
	if (rc >= 0 && !(rc & ~(FSCK_CORRECTED | FSCK_REBOOT)))
		return 0;
	return rc < 0 ? err_sys(err, rc, "e2fsck %s", d->part)
		      : err_set(err, -EUCLEAN, "e2fsck %s could not repair it (status %d)", d->part,
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

/* Online: the kernel does it, journalled, so that a cut in the middle harms nothing. */
static void grow(const struct data_disk *d, const char *mount_point)
{
	uint64_t wanted = d->size_bytes / BLOCK_BYTES, before = fs_blocks(d->part);
	int fd _cleanup_close_ = -1;

	if (!before || wanted <= before)
		return;
	fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, EXT4_IOC_RESIZE_FS, &wanted))
		(void)fprintf(stderr, "cannot grow the file system: %s\n", strerror(errno));
	else if (fs_blocks(d->part) != before)
		(void)fprintf(stderr, "file system grown to %llu MiB\n",
			      (unsigned long long)(fs_blocks(d->part) * BLOCK_BYTES >> 20));
}

static int mount_it(const struct data_disk *d, const char *mount_point, struct err *err)
{
	char options[64];
	gid_t gid;

	/* The reserve is root's and of the group that keeps the system's own state. */
	(void)snprintf(options, sizeof(options), "errors=remount-ro");
	if (!account_group("cairn-state", &gid))
		(void)snprintf(options, sizeof(options), "errors=remount-ro,resgid=%u",
			       (unsigned int)gid);
	return mount(d->part, mount_point, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
		     options)
		       ? err_sys(err, -errno, "cannot mount %s", d->part)
		       : 0;
}

/* reset - a factory reset that was ordered, before anything else uses DATA. */
static int reset(const struct data_disk *d, const struct data_places *p, enum data_state *state,
		 struct err *err)
{
	enum data_reset what = data_reset_wanted(p->mount);
	int rc;

	if (what == DATA_RESET_NOT)
		return 0;
	(void)fprintf(stderr, "factory reset%s\n",
		      what == DATA_RESET_KEEPING ? ", the identity is kept" : "");
	*state = DATA_CREATED;
	if (what == DATA_RESET_KEEPING)
		return data_reset_keep(p->mount, err);
	if (umount(p->mount))
		return err_sys(err, -errno, "cannot unmount %s", p->mount);
	/* Its first step is the mark "being made", which a cut leaves for the next boot. */
	rc = make(d, p, err);
	return rc ? rc : mount_it(d, p->mount, err);
}

int data_fs_open(const struct data_disk *d, const struct data_places *p, enum data_state *ret_state,
		 struct err *err)
{
	static uint8_t head[DATAHEAD_BYTES];
	enum data_state state = DATA_OK;
	enum datahead what;
	bool repaired;
	int fd = open(d->part, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : io_pread(fd, head, sizeof(head), 0);

	if (fd >= 0)
		(void)close(fd);
	if (rc)
		return err_sys(err, rc, "cannot read %s", d->part);
	what = datahead_judge(head);
	switch (what) {
	case DATAHEAD_EMPTY:
	case DATAHEAD_MAKING:
		rc = make(d, p, err);
		state = DATA_CREATED;
		break;
	case DATAHEAD_MADE:
		rc = check(d, p, &repaired, err);
		if (!rc && repaired)
			state = DATA_REPAIRED;
		break;
	default:
		rc = err_set(err, -EEXIST, "%s holds something unknown, which is left as it is",
			     d->part);
	}
	if (!rc)
		rc = mount_it(d, p->mount, err);
	if (rc)
		return rc;
	rc = reset(d, p, &state, err);
	if (rc) {
		(void)umount(p->mount);
		return rc;
	}
	grow(d, p->mount);
	*ret_state = state;
	return 0;
}

int data_fs_stand_in(const char *mount_point, struct err *err)
{
	return mount("tmpfs", mount_point, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     "mode=0755,size=16m")
		       ? err_sys(err, -errno, "cannot mount a tmpfs at %s", mount_point)
		       : 0;
}
