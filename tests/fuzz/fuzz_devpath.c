// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "devpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* Up to the first NUL: a path of sysfs; behind it: a load option and a device path. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	const uint8_t *end = memchr(buf, 0, len);
	struct devpath_disk disk = { NULL, -1, 1, 0, 4 };
	struct devpath path;
	size_t rest, prefix_len = strlen("/sys/devices/pci0000:00/");
	char *sysfs;

	if (!end)
		return 0;
	sysfs = malloc(prefix_len + (size_t)(end - buf) + 1);
	if (!sysfs)
		return 0;
	memcpy(sysfs, "/sys/devices/pci0000:00/", prefix_len);
	memcpy(sysfs + prefix_len, buf, (size_t)(end - buf) + 1);
	disk.sysfs = sysfs;
	rest = len - (size_t)(end - buf) - 1;
	if (devpath_of_option(end + 1, rest, &path) == 0)
		(void)devpath_match(&path, &disk);
	if (devpath_parse(end + 1, rest, &path) == 0)
		(void)devpath_match(&path, &disk);
	free(sysfs);
	return 0;
}
