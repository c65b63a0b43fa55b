// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DISKCONF_H
#define CAIRN_DISKCONF_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "gpt.h"

/*
 * conf/disk.conf: lines key=value, # comments, blank lines. Keys: disk_guid, image_mib, and for
 * partition N from 1 to DISKCONF_PARTS_MAX: pN_name, pN_type, pN_guid, pN_start_mib, pN_size_mib
 * (all five or none). An unknown or repeated key is refused.
 */

#define DISKCONF_MAX 16384 /* bytes of the text */
#define DISKCONF_PARTS_MAX 8

struct diskconf_part {
	char name[GPT_NAME_MAX + 1]; /* empty: no such partition */
	uint8_t type[GPT_GUID_BYTES], guid[GPT_GUID_BYTES];
	uint32_t start_mib, size_mib;
};

struct diskconf {
	uint8_t disk_guid[GPT_GUID_BYTES];
	uint32_t image_mib;
	struct diskconf_part parts[DISKCONF_PARTS_MAX]; /* partition N is parts[N - 1] */
};

/*
 * diskconf_parse - read the text; partitions must lie inside the image, after its first MiB and
 * before its last, and not over each other.
 * Errors: -EINVAL and a sentence with the line, -EFBIG longer than DISKCONF_MAX.
 */
int diskconf_parse(const uint8_t *buf, size_t len, struct diskconf *ret, struct err *err);

/* diskconf_find - number of the partition with a name, 0 where there is none. */
unsigned int diskconf_find(const struct diskconf *conf, const char *name);

#endif
