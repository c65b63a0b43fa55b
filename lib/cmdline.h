// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CMDLINE_H
#define CAIRN_CMDLINE_H

#include <stddef.h>

/*
 * cmdline_get - the value of a word `key=value` of a kernel command line, by the kernel's
 * rules (lib/cmdline.c, next_arg): words are parted by white space, double quotes keep white
 * space and are taken off. The first such word counts; a word `key` alone has the value "".
 * ret_value may be NULL to ask only whether it is there.
 * Errors: -ENOENT not there, -ENAMETOOLONG it does not fit in max bytes with its NUL.
 */
int cmdline_get(const char *cmdline, const char *key, char *ret_value, size_t max);

#endif
