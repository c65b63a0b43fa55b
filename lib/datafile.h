// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DATAFILE_H
#define CAIRN_DATAFILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * A file of the system's own on DATA that outlives updates and rollbacks. A release writes one
 * format of it and reads that one and all older ones. Format F of NAME is the file NAME.F:
 *
 *     cairn-data 1\n
 *     name=<NAME> format=<F> sequence=<n> bytes=<n> sha256=<64 hex>\n
 *     <bytes of the body, as format F has it>
 *
 * This head is the same in every format, so an older release reads the sequence of a newer file
 * whose body it cannot read.
 *
 *   forward   the newest readable file (highest sequence) is read and, at the next write, NAME.F
 *             is written with a higher sequence. The file of the older format stays as it was.
 *   back      an older release finds its own NAME.F as it left it, and writes it with a sequence
 *             above all others.
 *   forward   again: the newer release takes up what the older one wrote last. What only the newer
 *             format holds is then as the reader of the older format makes it up.
 *
 * A file whose sum does not hold counts as not there: io_replace_file leaves the old or the new
 * one after a cut, so only a broken disk makes one.
 */

#define DATAFILE_NAME_SIZE 24 /* with NUL: [a-z0-9-] */
#define DATAFILE_FORMAT_MAX                                                                        \
	9 /* one digit, so that NAME.F sorts and a folder is read with few tries */
#define DATAFILE_HEAD_MAX 192 /* bytes of the two lines */
#define DATAFILE_BODY_MAX 32768

struct datafile_head {
	char name[DATAFILE_NAME_SIZE];
	unsigned int format;	     /* 1..DATAFILE_FORMAT_MAX */
	uint64_t sequence;	     /* 1... */
	size_t body_len;	     /* bytes */
	uint8_t sha256[SHA256_SIZE]; /* of the body */
};

/*
 * datafile_head - read a file's head. *ret_body points behind it; the body itself is not looked
 * at. Errors: -EBADMSG not such a head, or the body is not of this length.
 */
int datafile_head(const uint8_t *buf, size_t len, struct datafile_head *ret_head,
		  const uint8_t **ret_body, struct err *err);

/* Where the files of a folder are; read and write one format of a name each. */
struct datafile_store {
	void *ctx;
	/* the whole file into buf; -ENOENT where there is none, -EFBIG */
	int (*read)(void *ctx, const char *name, unsigned int format, uint8_t *buf, size_t size,
		    size_t *ret_len);
	/* replaces the file so that a cut leaves the old or the new one */
	int (*write)(void *ctx, const char *name, unsigned int format, const uint8_t *buf,
		     size_t len);
};

/* Memory of one load or save; the caller's, so that it may be shared. */
struct datafile_work {
	uint8_t buf[2][DATAFILE_HEAD_MAX + DATAFILE_BODY_MAX];
};

/*
 * datafile_load - the newest body among the formats 1..format that is whole.
 * *ret_body points into *work, *ret_format says which format it has.
 * Errors: -ENOENT none is there. Files that cannot be read are passed over; err then names the
 * last of them, also where another one was good (0 is returned, err->msg is not empty).
 */
int datafile_load(const struct datafile_store *store, const char *name, unsigned int format,
		  struct datafile_work *work, const uint8_t **ret_body, size_t *ret_len,
		  unsigned int *ret_format, struct err *err);

/*
 * datafile_save - write NAME.format with a sequence above that of every format there is, the
 * newer ones too. Errors: -EINVAL name, format or length, or of the store.
 */
int datafile_save(const struct datafile_store *store, const char *name, unsigned int format,
		  const void *body, size_t len, struct datafile_work *work, struct err *err);

#endif
