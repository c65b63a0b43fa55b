// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTA_FILE_H
#define CAIRN_DELTA_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* A file's bytes, mapped; p is not NULL for an empty one either. */
struct mapped {
	const uint8_t *p;
	uint64_t len;
};

/* mapped_fd - map what fd has now; name is for err. mapped_release undoes it. */
int mapped_fd(int fd, const char *name, struct mapped *ret, struct err *err);
void mapped_release(struct mapped *m);

/* delta_file_make - write the delta of two files (deltafile.h). */
int delta_file_make(const char *old_path, const char *new_path, const char *out, struct err *err);

/*
 * delta_file_apply - the inverse, as a device does it: a stream with bounded memory. OUT appears
 * whole or not at all. Errors: CMD_REFUSED the delta is malformed or for another file.
 */
int delta_file_apply(const char *old_path, const char *delta, const char *out, struct err *err);

#endif
