// SPDX-License-Identifier: Apache-2.0
#include "blockdev.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "io.h"

/* First line of a sysfs file without blanks at its end; empty where there is none. */
static void read_attribute(const char *dir, const char *name, char *ret, size_t size)
{
	char path[PATH_MAX];
	size_t len = 0;

	ret[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    io_read_file(path, ret, size, &len)) {
		ret[0] = '\0';
		return;
	}
	ret[strcspn(ret, "\n")] = '\0';
	len = strlen(ret);
	while (len && ret[len - 1] == ' ')
		ret[--len] = '\0';
}

static uint64_t read_number(const char *dir, const char *name)
{
	char text[32];

	read_attribute(dir, name, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

static bool exists(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static const char *find_transport(const char *sysfs, const char *name)
{
	char type[16];

	if (strncmp(name, "loop", 4) == 0)
		return "loop";
	if (strncmp(name, "nvme", 4) == 0)
		return "nvme";
	if (strncmp(name, "mmcblk", 6) == 0) {
		read_attribute(sysfs, "device/type", type, sizeof(type));
		return strcmp(type, "SD") == 0 ? "sd" : "mmc";
	}
	if (strstr(sysfs, "/usb"))
		return "usb";
	if (strstr(sysfs, "/ata"))
		return "sata";
	if (strstr(sysfs, "/virtio"))
		return "virtio";
	return "?";
}

static void find_model(const char *sysfs, char *ret, size_t size)
{
	char vendor[64], model[64];

	read_attribute(sysfs, "device/vendor", vendor, sizeof(vendor));
	read_attribute(sysfs, "device/model", model, sizeof(model));
	if (!model[0])
		read_attribute(sysfs, "device/name", model, sizeof(model));
	/* A vendor of PCI or virtio is only a number. */
	if (strncmp(vendor, "0x", 2) == 0)
		vendor[0] = '\0';
	(void)snprintf(ret, size, "%s%s%s", vendor, vendor[0] && model[0] ? " " : "", model);
	if (!ret[0])
		(void)snprintf(ret, size, "unnamed");
}

static void parse_dev(const char *text, dev_t *ret)
{
	unsigned int major_no = 0, minor_no = 0;

	*ret = sscanf(text, "%u:%u", &major_no, &minor_no) == 2 ? makedev(major_no, minor_no) : 0;
}

static void note_use(struct blockdev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note_use(struct blockdev *dev, const char *fmt, ...)
{
	va_list ap;

	if (dev->used_by[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(dev->used_by, sizeof(dev->used_by), fmt, ap);
	va_end(ap);
}

/* mountinfo(5): field 3 is the device, 5 the place, and after " - " type and source. A file
 * system over several disks has a device of its own; its source then names one of them. */
static void look_for_mounts(struct blockdev *dev, dev_t number, const char *name)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		char device[32], place[256], source[256] = "";
		const char *dash = strstr(line, " - ");
		struct stat st;
		dev_t mounted;

		if (sscanf(line, "%*s %*s %31s %*s %255s", device, place) != 2)
			continue;
		if (dash)
			(void)sscanf(dash, " - %*s %255s", source);
		parse_dev(device, &mounted);
		if (mounted == number || (source[0] == '/' && stat(source, &st) == 0 &&
					  S_ISBLK(st.st_mode) && st.st_rdev == number))
			note_use(dev, "%s is mounted on %s", name, place);
	}
	if (f)
		(void)fclose(f);
}

static void look_for_swap(struct blockdev *dev, dev_t number, const char *name)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[4096], path[256];
	struct stat st;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%255s", path) == 1 && stat(path, &st) == 0 &&
		    S_ISBLK(st.st_mode) && st.st_rdev == number)
			note_use(dev, "%s is swap", name);
	if (f)
		(void)fclose(f);
}

static void look_for_holders(struct blockdev *dev, const char *sysfs, const char *name)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (snprintf(path, sizeof(path), "%s/holders", sysfs) >= (int)sizeof(path))
		return;
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			note_use(dev, "%s belongs to %s (LVM, RAID or encryption)", name,
				 e->d_name);
	if (d)
		(void)closedir(d);
}

static void look_for_use(struct blockdev *dev, const char *sysfs, const char *name)
{
	char text[32];
	dev_t number;

	read_attribute(sysfs, "dev", text, sizeof(text));
	parse_dev(text, &number);
	look_for_mounts(dev, number, name);
	look_for_swap(dev, number, name);
	look_for_holders(dev, sysfs, name);
}

static void look_at_partitions(struct blockdev *dev, const char *sysfs)
{
	DIR *d = opendir(sysfs);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[PATH_MAX];

		if (e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", sysfs, e->d_name) >= (int)sizeof(path) ||
		    !exists(path, "partition"))
			continue;
		dev->partitions++;
		look_for_use(dev, path, e->d_name);
	}
	if (d)
		(void)closedir(d);
}

int blockdev_look(const char *path, struct blockdev *ret, struct err *err)
{
	char link[64], sysfs[PATH_MAX];
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	if (stat(path, &st))
		return err_sys(err, -errno, "look at %s", path);
	if (!S_ISBLK(st.st_mode))
		return err_set(err, -ENOTBLK, "%s is no block device", path);
	(void)snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_rdev),
		       minor(st.st_rdev));
	if (!realpath(link, sysfs))
		return err_sys(err, -errno, "find %s in %s", path, link);
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", strrchr(sysfs, '/') + 1);
	if (exists(sysfs, "partition"))
		return err_set(err, -EINVAL, "%s is a partition; name the whole disk", path);
	ret->size_bytes = read_number(sysfs, "size") * 512;
	ret->sector_bytes = (uint32_t)read_number(sysfs, "queue/logical_block_size");
	ret->read_only = read_number(sysfs, "ro") != 0;
	(void)snprintf(ret->transport, sizeof(ret->transport), "%s",
		       find_transport(sysfs, ret->name));
	ret->removable = read_number(sysfs, "removable") != 0 ||
			 strcmp(ret->transport, "usb") == 0 || strcmp(ret->transport, "sd") == 0;
	find_model(sysfs, ret->model, sizeof(ret->model));
	look_for_use(ret, sysfs, ret->name);
	look_at_partitions(ret, sysfs);
	return 0;
}
