// SPDX-License-Identifier: Apache-2.0
/* floor: the smallest /init: says on the serial line how long the kernel took, and switches off. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec t;
	char line[64];
	int fd, n;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	(void)mkdir("/dev", 0755);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	n = snprintf(line, sizeof(line), "\nfloor: up %lld ms\n",
		     (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000);
	fd = open("/dev/ttyS0", O_WRONLY | O_NOCTTY);
	if (fd >= 0 && write(fd, line, (size_t)n) == n)
		(void)fsync(fd);
	(void)reboot(RB_POWER_OFF);
	for (;;)
		(void)pause();
}
