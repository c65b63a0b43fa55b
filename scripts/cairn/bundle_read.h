// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BUNDLE_READ_H
#define CAIRN_BUNDLE_READ_H

#include <stddef.h>
#include <stdint.h>

#include "bundle.h"
#include "err.h"

/* A bundle file opened on a host. Everything in it is checked against its manifest; whether the
 * manifest is signed by someone who may is asked only where there is a trust. */
struct bundle_file {
	const char *path; /* the caller's */
	int fd;
	uint64_t size_bytes;
	uint8_t head[SIGNED_MAX];
	struct signed_doc doc;
	struct bundle b;
	uint8_t *tables;
};

/*
 * bundle_file_open - read head and tables and check them. trust may be NULL: signatures are then
 * not looked at. bundle_file_close releases it, also after a failure.
 * Errors: CMD_REFUSED where the content is not what it must be, or -errno.
 */
int bundle_file_open(const char *path, const struct trust *trust, uint64_t now,
		     struct bundle_file *ret, struct err *err);
void bundle_file_close(struct bundle_file *f);

/* bundle_file_pieces - does every piece of an image's payload have its hash? */
int bundle_file_pieces(const struct bundle_file *f, enum bundle_image_id id, struct err *err);

/*
 * bundle_file_image - decode an image (a delta needs its base and is refused),
 * checking pieces, frames and the whole; the bytes are written to out_fd from its offset 0 on,
 * -1: nowhere.
 */
int bundle_file_image(const struct bundle_file *f, enum bundle_image_id id, int out_fd,
		      struct err *err);

#endif
