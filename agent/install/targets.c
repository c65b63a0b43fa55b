// SPDX-License-Identifier: Apache-2.0
#include "targets.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"

/* One line of a file of the disk in sysfs, without blanks at its end. "" where there is none. */
static void attribute(const char *sysfs, const char *file, char *ret, size_t max)
{
	char path[PATH_MAX];
	size_t len;

	if (snprintf(path, sizeof(path), "%s/%s", sysfs, file) >= (int)sizeof(path) ||
	    io_read_file(path, ret, max, &len))
		len = 0;
	while (len && (ret[len - 1] == '\n' || ret[len - 1] == ' '))
		len--;
	ret[len] = '\0';
}

/*
 * A disk on USB comes first, because it has SCSI below it as SATA has. A card that can be taken
 * out is not internal, although it is on the same kind of controller as eMMC.
 */
static enum install_transport transport_of(const char *sysfs)
{
	char type[16];

	if (strstr(sysfs, "/usb"))
		return INSTALL_OTHER;
	if (strstr(sysfs, "/nvme/"))
		return INSTALL_NVME;
	if (strstr(sysfs, "/mmc_host/")) {
		attribute(sysfs, "device/type", type, sizeof(type));
		return strcmp(type, "MMC") == 0 ? INSTALL_MMC : INSTALL_OTHER;
	}
	if (strstr(sysfs, "/ata"))
		return INSTALL_SATA;
	if (strstr(sysfs, "/virtio"))
		return INSTALL_VIRTIO;
	return INSTALL_OTHER;
}

static void describe(const char *name, const char *sysfs, struct installpick_disk *ret)
{
	char text[64], *p;

	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->name, sizeof(ret->name), "%.31s", name);
	ret->transport = transport_of(sysfs);
	attribute(sysfs, "device/model", text, sizeof(text));
	if (!text[0])
		attribute(sysfs, "device/name", text, sizeof(text));
	for (p = text; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '"')
			*p = '?';
	(void)snprintf(ret->model, sizeof(ret->model), "%s", text);
	attribute(sysfs, "size", text, sizeof(text));
	ret->size_bytes = strtoull(text, NULL, 10) * 512;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct installpick_disk *)a)->name,
		      ((const struct installpick_disk *)b)->name);
}

size_t targets_list(const char *source_name, struct installpick_disk *ret, size_t max)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	size_t count = 0;

	while (dir && (e = readdir(dir)) && count < max) {
		char link[PATH_MAX], sysfs[PATH_MAX];

		(void)snprintf(link, sizeof(link), "/sys/block/%s/device", e->d_name);
		/* mmcblk0boot0 and mmcblk0rpmb are parts of a chip, not disks. */
		if (e->d_name[0] == '.' || strlen(e->d_name) > 31 || access(link, F_OK) ||
		    strstr(e->d_name, "boot") || strstr(e->d_name, "rpmb"))
			continue;
		(void)snprintf(link, sizeof(link), "/sys/block/%s", e->d_name);
		if (!realpath(link, sysfs))
			continue;
		describe(e->d_name, sysfs, &ret[count]);
		ret[count].is_source = strcmp(e->d_name, source_name) == 0;
		count += ret[count].size_bytes > 0;
	}
	if (dir)
		(void)closedir(dir);
	qsort(ret, count, sizeof(*ret), compare);
	return count;
}
