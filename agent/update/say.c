// SPDX-License-Identifier: Apache-2.0
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STEP_PERCENT 10u

void say_line(const char *fmt, ...)
{
	static char last[384];
	char text[sizeof(last)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(text, last) == 0)
		return;
	memcpy(last, text, sizeof(last));
	(void)dprintf(2, "cairn: update %s\n", text);
}

void say_progress(const struct update *u)
{
	static uint64_t release;
	static unsigned int said;
	const struct writer_report *r = &u->progress;
	unsigned int percent;

	if (r->phase != WRITER_WRITING || !r->total)
		return;
	percent = (unsigned int)(r->done * 100 / r->total) / STEP_PERCENT * STEP_PERCENT;
	if (u->job.release == release && percent == said)
		return;
	release = u->job.release;
	said = percent;
	say_line("%u %% of release=%llu, %llu KiB fetched, %llu KiB/s", percent,
		 (unsigned long long)release, (unsigned long long)(r->fetched / 1024),
		 (unsigned long long)(u->speed.bytes_s / 1024));
}
