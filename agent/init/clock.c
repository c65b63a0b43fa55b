// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define EARLIEST_S 1704067200ll /* 2024-01-01 */
#define LATEST_S 7258118400ll	/* 2200-01-01 */

uint64_t clock_boot_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int clock_raise(int64_t floor_s)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t))
		return -errno;
	if (t.tv_sec >= floor_s)
		return 0;
	t.tv_sec = (time_t)floor_s;
	t.tv_nsec = 0;
	return clock_settime(CLOCK_REALTIME, &t) ? -errno : 1;
}

int clock_parse_time(const char *text, int64_t *ret_s)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 11; i++)
		v = v * 10 + (text[i] - '0');
	if (!i || (text[i] && strcmp(text + i, "\n") != 0) || v < EARLIEST_S || v > LATEST_S)
		return -EINVAL;
	*ret_s = v;
	return 0;
}

int64_t clock_build_time(const char *release_text)
{
	static const char key[] = "build_time=";
	const char *p = release_text;

	while (p) {
		if (!strncmp(p, key, sizeof(key) - 1)) {
			char value[16] = { 0 };
			size_t len = strcspn(p + sizeof(key) - 1, "\n");
			int64_t s;

			if (len < sizeof(value)) {
				memcpy(value, p + sizeof(key) - 1, len);
				if (!clock_parse_time(value, &s))
					return s;
			}
		}
		p = strchr(p, '\n');
		if (p)
			p++;
	}
	return 0;
}
