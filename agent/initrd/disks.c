// SPDX-License-Identifier: Apache-2.0
#include "disks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/cmdline.h"
#include "lib/hex.h"
#include "lib/io.h"
#include "lib/verity.h"

/* Numbers of the partitions: conf/disk.conf. */
enum { PART_STATE = 2, PART_ROOT_A = 4, PART_ROOT_B = 6 };

#define EFIVARS "/sys/firmware/efi/efivars/"
#define EFI_GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"

int disks_read_wanted(struct disks_wanted *ret, struct err *err)
{
	static char cmdline[4096];
	char text[2 * VERITY_SALT_MAX + 1], *end;
	int rc = io_read_file("/proc/cmdline", cmdline, sizeof(cmdline), NULL);

	if (rc)
		return err_sys(err, rc, "cannot read /proc/cmdline");
	if (cmdline_get(cmdline, "cairn.roothash", text, sizeof(text)) ||
	    hex_decode(text, ret->root, sizeof(ret->root)))
		return err_set(err, -EINVAL, "the command line has no valid cairn.roothash");
	if (cmdline_get(cmdline, "cairn.salt", text, sizeof(text)) ||
	    hex_decode(text, ret->salt, strlen(text) / 2))
		return err_set(err, -EINVAL, "the command line has no valid cairn.salt");
	ret->salt_size = strlen(text) / 2;
	if (cmdline_get(cmdline, "cairn.rootblocks", text, sizeof(text)) || !text[0] ||
	    strspn(text, "0123456789") != strlen(text))
		text[0] = '\0';
	errno = 0;
	ret->data_blocks = strtoull(text, &end, 10);
	if (errno || !verity_tree_blocks(ret->data_blocks))
		return err_set(err, -EINVAL, "the command line has no valid cairn.rootblocks");
	return 0;
}

/* efivarfs puts the variable's attributes, 4 bytes, before its data. */
static int read_variable(const char *name, uint8_t *ret, size_t max, size_t *ret_len)
{
	char path[128];
	uint8_t buf[DEVPATH_SIZE_MAX + 8];
	size_t len;
	int rc;

	(void)snprintf(path, sizeof(path), EFIVARS "%s-" EFI_GLOBAL, name);
	rc = io_read_file(path, buf, sizeof(buf), &len);
	if (rc)
		return rc;
	if (len < 4 || len - 4 > max)
		return -EINVAL;
	memcpy(ret, buf + 4, len - 4);
	*ret_len = len - 4;
	return 0;
}

int disks_boot_path(struct devpath *ret)
{
	uint8_t buf[DEVPATH_SIZE_MAX];
	char name[16];
	size_t len;
	int rc = read_variable("BootCurrent", buf, sizeof(buf), &len);

	if (rc)
		return rc;
	if (len != 2)
		return -EINVAL;
	(void)snprintf(name, sizeof(name), "Boot%04X", le16_load(buf));
	rc = read_variable(name, buf, sizeof(buf), &len);
	return rc ? rc : devpath_of_option(buf, len, ret);
}

/* A number from a file of sysfs, or `otherwise`. */
static int64_t sysfs_number(int64_t otherwise, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int64_t sysfs_number(int64_t otherwise, const char *fmt, ...)
{
	char path[PATH_MAX], text[32], *end;
	va_list ap;
	int64_t v;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(path) || io_read_file(path, text, sizeof(text), NULL))
		return otherwise;
	v = strtoll(text, &end, 10);
	return end == text ? otherwise : v;
}

/* Ports of the controller's USB 2 root hub, where the disk hangs on its USB 3 one; else 0. */
static unsigned int usb_offset(const char *sysfs)
{
	char dir[PATH_MAX];
	const char *usb = strstr(sysfs, "/usb");
	unsigned int bus, n;

	if (!usb || sscanf(usb, "/usb%u/", &bus) != 1 || usb - sysfs >= PATH_MAX)
		return 0;
	memcpy(dir, sysfs, (size_t)(usb - sysfs));
	dir[usb - sysfs] = '\0';
	if (sysfs_number(0, "%s/usb%u/speed", dir, bus) < 5000)
		return 0;
	/* xhci registers its two root hubs one after the other. */
	for (n = bus > 1 ? bus - 1 : 1; n <= bus + 1; n++)
		if (n != bus && sysfs_number(0, "%s/usb%u/speed", dir, n) == 480)
			return (unsigned int)sysfs_number(0, "%s/usb%u/maxchild", dir, n);
	return 0;
}

static enum devpath_match match(const struct devpath *boot, const char *sysfs)
{
	struct devpath_disk d = { sysfs, -1, 0, -1, 0 };
	const char *ata = strstr(sysfs, "/ata"), *pci = strstr(sysfs, "/pci");
	unsigned int port;

	if (!boot)
		return DEVPATH_NO;
	if (pci)
		d.root_uid = sysfs_number(-1, "/sys/devices/%.*s/firmware_node/uid",
					  (int)strcspn(pci + 1, "/"), pci + 1);
	d.nvme_nsid = (uint32_t)sysfs_number(0, "%s/nsid", sysfs);
	if (ata && sscanf(ata, "/ata%u/", &port) == 1)
		d.ata_port = (int)sysfs_number(0, "%.*s/ata%u/ata_port/ata%u/port_no",
					       (int)(ata - sysfs), sysfs, port, port) -
			     1;
	d.usb_offset = usb_offset(sysfs);
	return devpath_match(boot, &d);
}

void disks_partition_node(const char *disk, unsigned int number, char ret[static DISKS_NODE_MAX])
{
	char last = disk[0] ? disk[strlen(disk) - 1] : 'x';

	(void)snprintf(ret, DISKS_NODE_MAX, "/dev/%.31s%s%u", disk,
		       last >= '0' && last <= '9' ? "p" : "", number);
}

static int read_partition(const char *disk, unsigned int number, void *ret, size_t len,
			  uint64_t offset_bytes)
{
	char node[DISKS_NODE_MAX];
	int fd _cleanup_close_ = -1;

	disks_partition_node(disk, number, node);
	fd = open(node, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : io_pread(fd, ret, len, offset_bytes);
}

static bool holds(const char *disk, unsigned int number, const struct disks_wanted *w)
{
	uint8_t block[VERITY_BLOCK_BYTES];

	return read_partition(disk, number, block, sizeof(block),
			      w->data_blocks * VERITY_BLOCK_BYTES) == 0 &&
	       verity_top_check(block, w->salt, w->salt_size, w->root);
}

static void look_at(const char *name, const struct disks_wanted *wanted, const struct devpath *boot,
		    struct rootpick_disk *ret)
{
	char node[DISKS_NODE_MAX], link[64], sysfs[PATH_MAX];
	struct bootstate_copy copies[2] = { { 0 }, { 0 } };
	uint8_t block[BOOTSTATE_SIZE];
	int fd _cleanup_close_ = -1;
	int n, newest;

	memset(ret, 0, sizeof(*ret));
	(void)snprintf(link, sizeof(link), "/sys/class/block/%.31s", name);
	(void)snprintf(node, sizeof(node), "/dev/%.31s", name);
	/* Opening the disk waits until the kernel has read its partition table. */
	fd = open(node, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !realpath(link, sysfs))
		return;
	ret->match = match(boot, sysfs);
	ret->removable = strstr(sysfs, "/usb") || sysfs_number(0, "%s/removable", sysfs) == 1;
	ret->holds_a = holds(name, PART_ROOT_A, wanted);
	ret->holds_b = holds(name, PART_ROOT_B, wanted);
	for (n = 0; n < 2; n++)
		if (read_partition(name, PART_STATE, block, sizeof(block),
				   n ? BOOTSTATE_S1_OFFSET : BOOTSTATE_S0_OFFSET) == 0)
			(void)bootstate_parse(block, sizeof(block), &copies[n]);
	newest = bootstate_newest(copies);
	ret->state_ok = newest >= 0;
	if (ret->state_ok)
		ret->state = copies[newest].state;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

void disks_scan(const struct disks_wanted *wanted, const struct devpath *boot, struct disks *ret)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	size_t i;

	ret->count = 0;
	while (dir && (e = readdir(dir)) && ret->count < DISKS_MAX) {
		char path[PATH_MAX];

		/* Only what hangs on hardware has a device: no loop, ram or device-mapper disks. */
		(void)snprintf(path, sizeof(path), "/sys/block/%s/device", e->d_name);
		if (e->d_name[0] == '.' || strlen(e->d_name) >= DISKS_NAME_MAX ||
		    access(path, F_OK))
			continue;
		(void)strcpy(ret->names[ret->count++], e->d_name);
	}
	if (dir)
		(void)closedir(dir);
	qsort(ret->names, ret->count, sizeof(ret->names[0]), compare_names);
	for (i = 0; i < ret->count; i++)
		look_at(ret->names[i], wanted, boot, &ret->pick[i]);
}
