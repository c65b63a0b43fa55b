// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_FAT_H
#define CAIRN_FAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "fatname.h"

/*
 * A FAT file system made in one go and never changed after (Microsoft, "FAT: General Overview of
 * On-Disk Format" 1.03): same arguments, same bytes. Times are 1980-01-01, every file lies in
 * consecutive clusters, names longer than 8.3 get long-name entries.
 *
 *     boot sector, reserved | FAT 1 | FAT 2 | root (12, 16) | folders | files in order
 *
 * Everything before the files is the metadata: small, made in memory by fat_format.
 */

#define FAT_SECTOR_BYTES 512
#define FAT_FILES_MAX 64
#define FAT_NODES_MAX 128 /* files, folders and the root */

struct fat_spec {
	uint64_t size_bytes;	/* of the whole file system; a multiple of 512 */
	unsigned int bits;	/* 12, 16 or 32 */
	uint32_t cluster_bytes; /* 512 ... 32768, a power of two */
	uint32_t align_bytes;	/* each file begins at a multiple of it, counted from the start */
	uint32_t volume_id;
	const char *label; /* 1 to 11 characters of A-Z 0-9 - _ */
};

/* One file, owned by the caller. path: names joined by /, none at its ends; must outlive plan. */
struct fat_file {
	const char *path;
	uint64_t size_bytes;
	uint64_t ret_offset_bytes; /* where its content belongs; 0 for an empty file */
};

struct fat_node {
	const char *name; /* inside a path; not terminated */
	size_t name_len;
	int parent; /* node number; the root is 0 and its own parent */
	bool is_folder;
	bool long_name;
	uint8_t short_name[FATNAME_SHORT];
	uint32_t entries; /* of a folder: directory entries of 32 bytes */
	uint32_t first_cluster, clusters;
	uint32_t size_bytes;
};

struct fat_plan {
	struct fat_spec spec;
	uint32_t total_sectors, reserved_sectors, fat_sectors, root_sectors, clusters;
	uint32_t used_clusters;
	uint64_t data_bytes;	 /* offset of cluster 2 */
	uint64_t metadata_bytes; /* what fat_format fills */
	int n_nodes;
	struct fat_node nodes[FAT_NODES_MAX];
};

/*
 * fat_plan_make - lay out the file system; sets each file's ret_offset_bytes.
 * Errors: -EINVAL the sentence says which argument or name and why, -ENOSPC files do not fit.
 */
int fat_plan_make(const struct fat_spec *spec, struct fat_file *files, size_t n_files,
		  struct fat_plan *ret, struct err *err);

/* fat_format - write the metadata into buf, which holds plan->metadata_bytes. */
void fat_format(const struct fat_plan *plan, uint8_t *buf);

#endif
