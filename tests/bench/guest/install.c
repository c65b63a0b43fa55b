// SPDX-License-Identifier: Apache-2.0
/*
 * `cairn install` as the device would have it: musl, mbedTLS, static. Says on stderr what memory
 * it and the process that reads back have taken at most. For the bench of updates.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "io.h"
#include "scripts/cairn/cmd.h"

static void say_memory(void)
{
	char text[4096];
	const char *peak;
	struct rusage children = { 0 };
	long kib = 0;

	if (io_read_file("/proc/self/status", text, sizeof(text), NULL) == 0) {
		peak = strstr(text, "VmHWM:");
		if (peak)
			(void)sscanf(peak, "VmHWM: %ld", &kib);
	}
	(void)getrusage(RUSAGE_CHILDREN, &children);
	(void)fprintf(stderr, "peak_kib=%ld\nreader_peak_kib=%ld\n", kib, children.ru_maxrss);
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	int rc = cmd_install(argc, argv, &err);

	if (rc)
		(void)fprintf(stderr, "install: %s\n", err.msg);
	say_memory();
	return rc < 0 ? CMD_SYSTEM : rc;
}
