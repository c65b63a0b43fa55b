// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_BUNDLEKIT_H
#define CAIRN_TEST_BUNDLEKIT_H

#include <stddef.h>
#include <stdint.h>

#include "bundle.h"
#include "piecefeed.h"

/*
 * Small releases and bundles of them in memory, without signatures: what is under test begins
 * where those were checked. Images are of many frames and pieces, so that faults have places.
 */

#define KIT_BOOT_BYTES (192u << 10)
#define KIT_ROOT_BYTES (2048u << 10)
#define KIT_FRAME_BYTES (320u << 10) /* no multiple of a chunk */
#define KIT_HEAD_BYTES 777u	     /* what stands for the signed document */

struct kit_release {
	uint8_t *boot, *root; /* KIT_BOOT_BYTES, KIT_ROOT_BYTES */
	uint8_t *tree;	      /* of root */
	size_t tree_bytes;
	uint8_t roothash[SHA256_SIZE];
};

/* kit_release_make - number 1, 2...: each is the one before with changes. */
void kit_release_make(struct kit_release *r, unsigned int number);
void kit_release_free(struct kit_release *r);

struct kit_bundle {
	struct bundle bundle;
	uint8_t *file; /* head, tables, payload */
	size_t file_bytes;
	const uint8_t *tables;
};

/* Not 0: frames of zstd claim a window of so many bits. */
extern int kit_window_log;

/* kit_bundle_make - of a release; from is what a delta goes on from, else NULL. */
void kit_bundle_make(struct kit_bundle *b, const struct kit_release *r,
		     enum bundle_encoding encoding, const struct kit_release *from);
void kit_bundle_free(struct kit_bundle *b);

/* A bundle as a source, which fails or damages one pull. */
struct kit_source {
	const struct kit_bundle *bundle;
	uint64_t at, end;
	unsigned int begins, pulls;
	unsigned int fail_at;	/* this pull: -ETIMEDOUT; 0 never */
	unsigned int damage_at; /* this pull gives a wrong byte */
	unsigned int damages;	/* and so many after it */
};

/* kit_source - *s over b, without faults; *ret is its form for piecefeed. */
void kit_source(struct kit_source *s, const struct kit_bundle *b, struct piecefeed_source *ret);

#endif
