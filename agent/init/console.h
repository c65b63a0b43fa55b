// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_CONSOLE_H
#define CAIRN_INIT_CONSOLE_H

#include <stddef.h>

/*
 * console_open - open every device the kernel prints to, found through /sys and /dev; called
 * again it only does what did not work before. Writing never blocks for long: a console that takes
 * nothing loses text, init goes on.
 */
void console_open(void);

/* console_write - bytes as they are; len at most a few KiB. */
void console_write(const char *buf, size_t len);

/* console_say - one line "cairn: ..." to the consoles, and to the kernel's log for dmesg. */
void console_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
