// SPDX-License-Identifier: Apache-2.0
/*
 * /init of the initramfs inside the kernel image, so covered by the kernel's signature and by
 * PCR 4 and 9. Finds the partition whose verity tree fits the root hash of the signed command
 * line, sets up dm-verity and becomes the root's init. It names no partition and no disk, so that
 * a release measures the same in either slot and on every machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/init/console.h"
#include "agent/initrd/disks.h"
#include "agent/initrd/dmverity.h"
#include "agent/initrd/uevent.h"
#include "lib/cmdline.h"
#include "lib/io.h"

/* Slow USB disks and card readers appear within seconds of power on. */
#define DISKS_DEADLINE_MS 30000
/* For a better candidate than the one that is there already. */
#define SETTLE_MS 2000
/* So that a person can read why. */
#define FAILED_PAUSE_S 10

static _Noreturn void fail(const struct err *err)
{
	struct timespec pause = { FAILED_PAUSE_S, 0 };
	char why[sizeof(err->msg)], *p;

	(void)snprintf(why, sizeof(why), "%s", err->msg);
	for (p = why; *p; p++)
		if (*p == '"')
			*p = '\'';
	console_say("failed what=root why=\"%s\"", why);
	while (nanosleep(&pause, &pause) && errno == EINTR)
		;
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		(void)poll(NULL, 0, -1);
}

static int mount_all(struct err *err)
{
	static const struct {
		const char *type, *target, *options;
		unsigned long flags;
		bool optional;
	} mounts[] = {
		{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC, false },
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		/* Not where the machine started without UEFI, or its firmware keeps nothing. */
		{ "efivarfs", "/sys/firmware/efi/efivars", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  true },
	};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
			  mounts[i].options) &&
		    !mounts[i].optional && errno != EBUSY)
			return err_sys(err, -errno, "cannot mount %s", mounts[i].target);
	return 0;
}

/*
 * The command line must name this kernel: both are signed, and so is what older releases had. A
 * kernel of one release with the root of another is nobody's release. The build put the hash of all
 * that this kernel is made of beside this program (scripts/kernel-initramfs.sh).
 */
static int check_kernel(struct err *err)
{
	static char cmdline[4096];
	char id[80], named[80];
	int rc = io_read_file("/kernel-id", id, sizeof(id), NULL);

	if (!rc)
		rc = io_read_file("/proc/cmdline", cmdline, sizeof(cmdline), NULL);
	if (rc)
		return err_sys(err, rc, "cannot tell which kernel this is");
	id[strcspn(id, "\n")] = '\0';
	if (!id[0] || cmdline_get(cmdline, "cairn.kernel", named, sizeof(named)) ||
	    strcmp(id, named) != 0)
		return err_set(err, -EINVAL, "the command line is for another kernel");
	return 0;
}

/* The index into d, or a negative error once the deadline has passed. */
static int find_root(const struct disks_wanted *wanted, struct disks *d,
		     enum bootstate_slot *ret_slot, struct err *err)
{
	struct devpath path;
	const struct devpath *boot = disks_boot_path(&path) ? NULL : &path;
	int64_t deadline_ms = uevent_now_ms() + DISKS_DEADLINE_MS, settled_ms = deadline_ms;
	int fd _cleanup_close_ = uevent_open(err);

	if (fd < 0)
		return fd;
	for (;;) {
		int i;

		disks_scan(wanted, boot, d);
		i = rootpick(d->pick, d->count, ret_slot);
		if (i >= 0 &&
		    (rootpick_settled(d->pick, d->count) || uevent_now_ms() >= settled_ms))
			return i;
		if (uevent_now_ms() >= deadline_ms)
			return err_set(err, -ENOENT,
				       "no partition fits the root hash (%zu disks looked at)",
				       d->count);
		if (i >= 0 && settled_ms == deadline_ms)
			settled_ms = uevent_now_ms() + SETTLE_MS;
		(void)uevent_wait_block(fd, i >= 0 ? settled_ms : deadline_ms);
	}
}

/* For init and the agent; contents: docs of /run/cairn/boot in bootloader/README.md. */
static int write_boot_file(const struct disks *d, int index, enum bootstate_slot slot,
			   const char *root_node, struct err *err)
{
	static const char *const started[] = { "unknown", "controller", "yes" };
	unsigned int holding = 0;
	char text[512];
	size_t i;
	int rc;

	for (i = 0; i < d->count; i++)
		holding += d->pick[i].holds_a || d->pick[i].holds_b;
	(void)snprintf(text, sizeof(text),
		       "disk=/dev/%s\nroot=%s\nrootpart=%d\nslot=%s\ndisks=%u\nstarted=%s\n"
		       "verity=ok\n",
		       d->names[index], root_node, slot == BOOTSTATE_A ? 4 : 6,
		       bootstate_name(slot), holding, started[d->pick[index].match]);
	if (mkdir("/run/cairn", 0755) && errno != EEXIST)
		return err_sys(err, -errno, "cannot make /run/cairn");
	rc = io_replace_file("/run/cairn/boot", text, strlen(text), 0644);
	return rc ? err_sys(err, rc, "cannot write /run/cairn/boot") : 0;
}

static int enter_root(struct err *err)
{
	static const char *const moved[] = { "/dev", "/proc", "/sys", "/run" };
	size_t i;

	/* The memory of this program's file; the kernel holds it until exec. */
	(void)unlink("/init");
	(void)unlink("/kernel-id");
	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		char target[32];

		(void)snprintf(target, sizeof(target), "/newroot%s", moved[i]);
		if (mount(moved[i], target, NULL, MS_MOVE, NULL))
			return err_sys(err, -errno, "cannot move %s", moved[i]);
	}
	if (chdir("/newroot") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return err_sys(err, -errno, "cannot enter the root");
	return 0;
}

static int run(struct err *err)
{
	static struct disks disks;
	static char *const argv[] = { "/sbin/init", NULL };
	static char *const envp[] = { "PATH=/usr/bin:/sbin", NULL };
	char node[DISKS_NODE_MAX], mapped[DM_NODE_MAX];
	struct disks_wanted wanted;
	struct dmverity verity;
	enum bootstate_slot slot;
	int rc, index;

	rc = check_kernel(err);
	if (!rc)
		rc = disks_read_wanted(&wanted, err);
	if (rc)
		return rc;
	index = find_root(&wanted, &disks, &slot, err);
	if (index < 0)
		return index;
	disks_partition_node(disks.names[index], slot == BOOTSTATE_A ? 4 : 6, node);
	verity = (struct dmverity){ node, wanted.data_blocks, wanted.salt, wanted.salt_size,
				    wanted.root };
	rc = dmverity_open("cairn-root", &verity, mapped, err);
	if (!rc)
		rc = write_boot_file(&disks, index, slot, node, err);
	if (rc)
		return rc;
	if (mount(mapped, "/newroot", "squashfs", MS_RDONLY | MS_NODEV | MS_NOSUID, NULL))
		return err_sys(err, -errno, "cannot mount the root on %s", node);
	rc = enter_root(err);
	if (rc)
		return rc;
	(void)execve(argv[0], argv, envp);
	return err_sys(err, -errno, "cannot start %s", argv[0]);
}

int main(void)
{
	struct err err = { "unknown" };
	int rc;

	if (getpid() != 1)
		return 100;
	rc = mount_all(&err);
	console_open();
	if (!rc)
		(void)run(&err);
	fail(&err);
}
