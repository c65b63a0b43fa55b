// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUBREGEX_H
#define CAIRN_GRUBREGEX_H

#include <stddef.h>

/*
 * The part of POSIX extended regular expressions (POSIX.1-2017, XBD 9.4) that grub.cfg uses, as
 * GRUB's `regexp` matches them: characters, `.`, `[...]` with ranges, `^`, `$`, `( )`, `|`, `*`,
 * `+`, `?`, and `\` before a character that would mean something else. Leftmost, longest match.
 * Nothing is allocated; the work is bounded.
 */

#define GRUBREGEX_GROUPS 8 /* group 0 is the whole match */
#define GRUBREGEX_PATTERN_MAX 256
#define GRUBREGEX_TEXT_MAX 2048

struct grubregex_span {
	int begin, end; /* bytes of the text; -1: the group took no part */
};

/*
 * grubregex_match - returns 1 with ret_groups filled in, 0 where nothing matches.
 * Errors: -EINVAL no regular expression, or one outside of the part above; -E2BIG pattern, text or
 * the work to match them are over a limit.
 */
int grubregex_match(const char *pattern, const char *text,
		    struct grubregex_span ret_groups[static GRUBREGEX_GROUPS]);

#endif
