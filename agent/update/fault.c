// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#ifdef CAIRN_FAULTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

#define FAULT_FILE "/run/cairn/fault"
#define FAULT_NEXT_BOOT "/data/config/fault" /* becomes FAULT_FILE in the next boot, once */

static int fd = -1;

void fault_init(void)
{
	char text[32];
	size_t len;

	if (fd >= 0)
		return;
	fd = open(FAULT_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = open(FAULT_FILE, O_RDWR | O_CLOEXEC);
	else if (!io_read_file(FAULT_NEXT_BOOT, text, sizeof(text), &len) &&
		 !unlink(FAULT_NEXT_BOOT))
		(void)io_pwrite(fd, text, len, 0);
}

void fault_point(const char *name)
{
	char text[32];
	ssize_t n = fd < 0 ? 0 : pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, name) != 0)
		return;
	/* Once: the next life passes. */
	if (ftruncate(fd, 0))
		return;
	(void)dprintf(2, "fault point %s\n", name);
	(void)kill(getpid(), SIGKILL);
}
#else
/* A file of C must hold something. */
extern int fault_none;
#endif
