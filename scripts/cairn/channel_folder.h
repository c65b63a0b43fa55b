// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CHANNEL_FOLDER_H
#define CAIRN_CHANNEL_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "err.h"
#include "trust.h"

/*
 * The folder of a channel, as channel.h says: `channel`, `trust/<number>`, `bundles/<hex>.cairn`.
 * Content that is not what it must be gives CMD_REFUSED.
 */

#define CHANNEL_FOLDER_NEWEST UINT64_MAX

/* channel_folder_path - DIR/name. */
int channel_folder_path(const char *dir, const char *name, char ret[static PATH_MAX],
			struct err *err);

/* channel_folder_bundle - DIR/bundles/<digest>.cairn. */
int channel_folder_bundle(const char *dir, const uint8_t digest[static SHA256_SIZE],
			  char ret[static PATH_MAX], struct err *err);

/* channel_folder_make - the folder and those in it, where they are not there. */
int channel_folder_make(const char *dir, struct err *err);

/* channel_folder_follow - from *t on along trust/<number>, as far as they go, at most to `upto`. */
int channel_folder_follow(const char *dir, uint64_t upto, struct trust *t, struct err *err);

/* channel_folder_trust - trust/1 as the start, then on from it. */
int channel_folder_trust(const char *dir, uint64_t upto, struct trust *ret, struct err *err);

/*
 * channel_folder_load - the channel that is published, signed under this trust.
 * *ret_there is false, and all else untouched, where there is none.
 */
int channel_folder_load(const char *dir, const struct trust *trust, struct channel *ret,
			bool *ret_there, struct err *err);

/*
 * channel_folder_put - make content durable under its final name; `from` is a file of `size`
 * bytes. One of that size that is there already stays: names are hashes.
 */
int channel_folder_put(const char *from, const char *to, uint64_t size, struct err *err);

/* channel_folder_put_trust - copy a trust to trust/<number>. */
int channel_folder_put_trust(const char *dir, const char *from, struct err *err);

/* channel_folder_sync - what was put is on the medium, names included. */
int channel_folder_sync(const char *dir, struct err *err);

#endif
