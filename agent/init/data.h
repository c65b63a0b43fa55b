// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_DATA_H
#define CAIRN_INIT_DATA_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/status.h"

/*
 * The program of service `data` (data_main.c): DATA is GPT partition 7 of the disk the machine
 * was started from (docs/data.md). data_disk.c finds and grows it, data_open.c decides with
 * service `trust` what becomes of it, data_crypt.c puts the device mapper on it, data_fs.c makes,
 * checks and mounts the file system, data_keep.c keeps the clock's floor and the entropy seed on
 * it.
 */

#define DATA_PARTITION 7
#define DATA_TYPE_GUID "63616972-6e00-4000-8000-000000000007"

/*
 * Factory reset: with this file on DATA, the next start of `data` wipes it before anything else
 * uses it. ALL destroys the key and makes all of it anew; KEEP removes all files but those below
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
	const char *trust;    /* socket of service trust */
};

/* state= of the report. */
enum data_state {
	DATA_OK,
	DATA_CREATED,  /* made in this boot */
	DATA_REPAIRED, /* was damaged; what e2fsck could save is there */
	DATA_FULL,     /* only the reserve of the system's own state is left */
	DATA_FAILED,   /* unusable, untouched; a small tmpfs stands in its place */
	DATA_MISSING,  /* no such partition; likewise */
	DATA_LOCKED,   /* there is no key for it here and now; untouched; likewise */
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

/* What the file system lies on: the partition itself, or what the device mapper makes of it. */
struct data_volume {
	char node[72];
	uint64_t size_bytes;
	bool encrypted, authenticated;
};

/* What data_open found and did. */
struct data_opened {
	enum data_state state; /* CREATED, REPAIRED, OK; FAILED, LOCKED */
	struct data_volume volume;
	struct err note; /* why it is not encrypted; "": nothing is to be said */
};

/*
 * data_open - judge the head (lib/datahead), ask trust, do what lib/dataplan says of both: make,
 * check and mount; do a factory reset that was ordered; grow the file system to its partition.
 * Errors: the reason in err, the state FAILED or LOCKED; nothing is mounted, and nothing was made
 * over unknown content.
 */
int data_open(const struct data_disk *d, const struct data_places *p, struct data_opened *ret,
	      struct err *err);

/* data_sealed - to what trust says that the key is sealed, in words; "" where it is not. */
void data_sealed(const struct data_places *p, char ret_text[static STATUS_TEXT_SIZE]);

struct trustd_key;

/*
 * data_crypt_open - dm-crypt, where the key says so over dm-integrity, on the partition from
 * DATAHEAD_VOLUME_AT on. fresh: nothing is in there yet. The key is the caller's to wipe.
 */
int data_crypt_open(const struct data_disk *d, const struct trustd_key *key, bool fresh,
		    struct data_volume *ret, struct err *err);
/* data_crypt_close - forget the key. Nothing happens where none is there. */
void data_crypt_close(void);
/* data_crypt_found - is there a volume that data_crypt_open made before? */
bool data_crypt_found(void);

/*
 * data_fs_before_growth - before it is mounted: where the volume has tags and is larger than the
 * file system, write what the kernel reads when it grows: the begin of each new group of blocks
 * (its bitmaps) and the last block. 0 or -errno.
 */
int data_fs_before_growth(const struct data_volume *v);

/*
 * data_fs_make, data_fs_check, data_fs_mount, data_fs_grow - ext4 on a volume. Growing is the
 * kernel's, online and journalled; that it fails is said on stderr and does no harm.
 */
int data_fs_make(const struct data_volume *v, const struct data_places *p, struct err *err);
int data_fs_check(const struct data_volume *v, const struct data_places *p, bool *ret_repaired,
		  struct err *err);
int data_fs_mount(const struct data_volume *v, const char *mount_point, struct err *err);
void data_fs_grow(const struct data_volume *v, const char *mount_point);

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
