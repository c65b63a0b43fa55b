// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_CLOCK_H
#define CAIRN_INIT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* clock_boot_ms - since kernel start, suspended time included; never set back. */
uint64_t clock_boot_ms(void);

/*
 * clock_raise - a machine without a battery wakes in 1970, and certificates are then not yet
 * valid: the wall clock never shows less than a time that has certainly passed. Moves the clock
 * forward to floor_s (Unix seconds) if it is behind; never back.
 * Returns 1 when moved, 0 when it was right, -errno.
 */
int clock_raise(int64_t floor_s);

/*
 * clock_parse_time - Unix seconds in decimal, one line. Refused (-EINVAL) outside 2024..2200:
 * a damaged file must not send the clock where no certificate is valid.
 */
int clock_parse_time(const char *text, int64_t *ret_s);

/* clock_build_time - `build_time=` of the release file, or 0 when there is none. */
int64_t clock_build_time(const char *release_text);

#endif
