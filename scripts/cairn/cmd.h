// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CMD_H
#define CAIRN_CMD_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * What every subcommand of `cairn` shares. A subcommand gets argv with its own name first and
 * returns 0, one of the exit codes below, or -errno (exit 111); err then holds the sentence that
 * main prints. An empty sentence prints nothing.
 */
enum {
	CMD_OK = 0,
	CMD_REFUSED = 1,  /* signature, policy, content */
	CMD_USAGE = 100,  /* the command line */
	CMD_SYSTEM = 111, /* the system: files, memory, devices */
};

typedef int cmd_fn(int argc, char **argv, struct err *err);

cmd_fn cmd_verity, cmd_fat, cmd_disk, cmd_sign, cmd_slotcfg, cmd_manifest, cmd_flash, cmd_state;
cmd_fn cmd_delta;
cmd_fn cmd_install, cmd_trust, cmd_keys;
cmd_fn cmd_bundle, cmd_channel, cmd_pcr;
cmd_fn cmd_attest;
cmd_fn cmd_data;

/* cmd_usage - CMD_USAGE with a sentence that points at `cairn help NAME`. */
int cmd_usage(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* cmd_number - a decimal number up to max, nothing before or after it; -EINVAL otherwise. */
int cmd_number(const char *text, uint64_t max, uint64_t *ret);

/* cmd_bytes - like cmd_number, with an optional suffix K, M or G (powers of 1024). */
int cmd_bytes(const char *text, uint64_t *ret);

/* cmd_time - seconds since 1970, given as such or as YYYY-MM-DD (UTC); -EINVAL otherwise. */
int cmd_time(const char *text, uint64_t *ret);

/*
 * cmd_load - the whole of a file of at most max bytes on the heap; the caller frees *ret_buf.
 * room extra bytes of zeros follow the content.
 */
int cmd_load(const char *path, size_t max, size_t room, uint8_t **ret_buf, size_t *ret_len,
	     struct err *err);

/* cmd_save - write a file whole or not at all. */
int cmd_save(const char *path, const void *buf, size_t len, struct err *err);

/* cmd_copy_into - copy len bytes of file `path` to `fd` at an offset; runs of zeros become holes
 * of a file that was created empty. */
int cmd_copy_into(int fd, uint64_t offset_bytes, const char *path, uint64_t len, struct err *err);

/* cmd_file_size - size of a regular file or block device. */
int cmd_file_size(const char *path, uint64_t *ret, struct err *err);

#endif
