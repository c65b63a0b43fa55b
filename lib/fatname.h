// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_FATNAME_H
#define CAIRN_FATNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names in a FAT file system (Microsoft, "FAT: General Overview of On-Disk Format" 1.03): ASCII
 * only, and case does not tell two names apart. A name is `len` characters, not terminated.
 */

#define FATNAME_MAX 255
#define FATNAME_SHORT 11 /* 8 and 3, without the dot, blanks after each */

/* fatname_valid - a long-name entry can hold it. */
bool fatname_valid(const char *name, size_t len);

bool fatname_same(const char *a, size_t a_len, const char *b, size_t b_len);

/*
 * fatname_short - the 8.3 name. tail is 0 where the name itself is wanted, or 1 to 9 for the
 * shortened one with ~tail. Returns whether nothing but case was lost on the way.
 */
bool fatname_short(const char *name, size_t len, int tail, uint8_t ret[static FATNAME_SHORT]);

/* fatname_has_lower - its case is more than a short name can tell. */
bool fatname_has_lower(const char *name, size_t len);

/* fatname_label_valid - a volume's label: 1 to 11 characters of A-Z 0-9 - _ */
bool fatname_label_valid(const char *label);

#endif
