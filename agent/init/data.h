// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_DATA_H
#define CAIRN_INIT_DATA_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/*
 * The program of service `data` (data_main.c): DATA is GPT partition 7 of the disk the machine
 * was started from. data_disk.c finds and grows it, data_fs.c makes, checks and mounts the file
 * system, data_keep.c keeps the clock's floor and the entropy seed on it.
 */

#define DATA_PARTITION 7
#define DATA_TYPE_GUID "63616972-6e00-4000-8000-000000000007"

/*
 * Factory reset: with this file on DATA, the next start of `data` wipes it before anything else
 * uses it. ALL makes the file system anew; KEEP removes all files but those below
 * DATA_IDENTITY. The order comes from service update, whose folder the file is in.
 */
#define DATA_RESET_FILE "cairn/update/factory-reset"
#define DATA_RESET_ALL "all\n"
#define DATA_RESET_KEEP "keep-identity\n"
#define DATA_IDENTITY "cairn/identity"

/* Where things are; the tests put them elsewhere. */
struct data_places {
	const char *boot;     /* /run/cairn/boot, from the root finder */
	const char *mount;    /* /data */
	const char *report;   /* /run/cairn/data */
	const char *programs; /* folder of mke2fs and e2fsck */
};

/* state= of the report. */
enum data_state {
	DATA_OK,
	DATA_CREATED,  /* made in this boot */
	DATA_REPAIRED, /* was damaged; what e2fsck could save is there */
	DATA_FULL,     /* only the reserve of the system's own state is left */
	DATA_FAILED,   /* unusable, untouched; a small tmpfs stands in its place */
	DATA_MISSING,  /* no such partition; likewise */
};

struct data_disk {
	char disk[64], part[72];	  /* device nodes */
	uint64_t start_bytes, size_bytes; /* of the partition, as the table says */
};

/*
 * data_disk_find - the partition, by number and type. Errors: -ENOENT with the reason in err:
 * the disk has none; others: the disk cannot be read.
 */
int data_disk_find(const char *boot_file, struct data_disk *ret, struct err *err);

/*
 * data_disk_grow - where the disk has room behind DATA, extend it, in the table and in the
 * kernel; mend a damaged copy of the table. The only writer of the table in the field.
 * Idempotent: a cut anywhere is made good by the next call. *ret_note says what was done, or "".
 */
int data_disk_grow(struct data_disk *d, struct err *ret_note, struct err *err);

/*
 * data_fs_open - judge the head (lib/datahead), make or check the file system as that says,
 * mount it and grow it to its partition. *ret_state is CREATED, REPAIRED or OK.
 * Errors: the reason in err; nothing is mounted, and nothing was made over unknown content.
 */
int data_fs_open(const struct data_disk *d, const struct data_places *p, enum data_state *ret_state,
		 struct err *err);

/* data_fs_stand_in - the small tmpfs for a machine whose DATA cannot be used. */
int data_fs_stand_in(const char *mount_point, struct err *err);

/* data_keep_open - after the mount: folders, clock floor, entropy, host name. Notes go to stderr.
 */
void data_keep_open(const char *mount_point);
/* data_keep_save - the time, and at the end a new seed. 0 or -errno. */
int data_keep_save(const char *mount_point, bool with_seed);

/*
 * data_feed - tells init that this program is alive (WATCHDOG=1), while something long runs.
 */
void data_feed(void);

enum data_reset { DATA_RESET_NOT, DATA_RESET_WHOLE, DATA_RESET_KEEPING };

/* data_reset_wanted - what the marker on a mounted DATA says. */
enum data_reset data_reset_wanted(const char *mount_point);

/*
 * data_reset_keep - remove everything but DATA_IDENTITY, the marker last. A power cut before that
 * finds the marker and begins again.
 */
int data_reset_keep(const char *mount_point, struct err *err);

#endif
