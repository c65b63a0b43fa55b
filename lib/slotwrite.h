// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SLOTWRITE_H
#define CAIRN_SLOTWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "bundle.h"
#include "err.h"
#include "piecefeed.h"

/*
 * Writes the images of a bundle into a slot, from a source that gives the payload as it comes.
 * What comes in is believed only because of the tables, and the tables because of the manifest,
 * both of which the caller has checked (bundle_open, bundle_tables_check).
 *
 *     source -> piece (checked) -> decoder -> chunk -> hash of the frame, tree, device -> flush
 *
 * Nothing is kept beside the slot. Where an earlier try ended is found by hashing what the slot
 * holds, frame by frame, until so many in a row are wrong that the end must lie before them: a
 * frame that is right already is neither fetched nor written. Each frame
 * is flushed before the next one begins, so a cut costs one frame. Everything is read back from
 * the medium and compared (slotverify.h).
 *
 * Memory is struct slotwrite and nothing else, whatever the size of an image.
 */

/* The unit of writing and hashing. Every write of data but an image's last has this length. */
#define SLOTWRITE_CHUNK_BYTES (256u << 10)
/* So many frames in a row that are not right: behind them nothing is looked for. */
#define SLOTWRITE_WRONG_FRAMES 2u
/* More frames than fit into the tables. */
#define SLOTWRITE_FRAMES_MAX 32768u

/* One image and where it goes. */
struct slotwrite_target {
	enum bundle_image_id id;
	const struct blockio *dst; /* the partition */
	const char *label;	   /* its name in sentences: root-b */
	const struct blockio *old; /* what a delta goes on from; else NULL */
	const char *old_label;
};

enum slotwrite_phase { SLOTWRITE_CHECK, SLOTWRITE_WRITE, SLOTWRITE_VERIFY };

/* How far a phase is, in bytes of all images. Not 0: stop with this as the result. */
typedef int slotwrite_progress_fn(void *ctx, enum slotwrite_phase phase, uint64_t done,
				  uint64_t total);

struct slotwrite_job;

/* Who reads back beside the writing (slotfork.h). */
struct slotwrite_beside {
	void *ctx;
	/* The first bytes of a target are durable; of a root with UINT64_MAX its tree, too. */
	void (*durable)(void *ctx, size_t target, uint64_t bytes);
	/* All is: wait for what it found, and pass its progress on. As slotverify_run. */
	int (*finish)(void *ctx, const struct slotwrite_job *job, struct err *err);
};

/* What to do; all of it outlives the calls. */
struct slotwrite_job {
	const struct bundle *bundle; /* opened, its signatures checked */
	const uint8_t *tables;	     /* checked */
	size_t head_bytes;	     /* of the bundle file before the tables */
	const struct slotwrite_target *targets;
	size_t count;
	const struct piecefeed_source *source;
	slotwrite_progress_fn *progress; /* NULL: none */
	void *progress_ctx;
	const struct slotwrite_beside *beside; /* NULL: nobody; it is read back at the end */
};

struct slotwrite_result {
	uint64_t fetched_bytes; /* pulled from the source */
	uint64_t written_bytes; /* handed to the devices, the tree included */
	uint64_t skipped_bytes; /* of images, found in the slot already */
	uint64_t frames_written;
};

struct slotwrite;

/* slotwrite_new - the memory for any number of runs, or NULL where there is none; free(3) it. */
struct slotwrite *slotwrite_new(void);

/*
 * slotwrite_check_base - do the old partitions hold what the deltas were made from? Reads all of
 * them and writes nothing: to be called before a slot is given up for a delta.
 * Errors: -ESTALE one holds something else, so that only a full bundle helps; or of the reading.
 */
int slotwrite_check_base(struct slotwrite *w, const struct slotwrite_job *job, struct err *err);

/*
 * slotwrite_run - write the images in the order of the targets, flush, read everything back.
 * *ret_result counts on failure too. After a failure the next run goes on where this one ended.
 * Errors: -ENOSPC a partition is too small, -EPROTO the source gives something else than the
 * tables say, -EBADMSG a frame does, though its pieces are right: a bad bundle, or a delta whose
 * old partition changed, -EILSEQ the medium gives back something else than was written, or of
 * source, devices and progress. The sentence names the partition and the byte in it.
 */
int slotwrite_run(struct slotwrite *w, const struct slotwrite_job *job,
		  struct slotwrite_result *ret_result, struct err *err);

/* slotwrite_phase_name - check, write, verify. */
const char *slotwrite_phase_name(enum slotwrite_phase phase);

#endif
