// SPDX-License-Identifier: Apache-2.0
#ifndef CUT_MODEL_H
#define CUT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootstate.h"
#include "diskconf.h"
#include "err.h"

/*
 * A disk whose power may go at any moment. What was flushed is durable; of what was written since
 * (the epoch), each sector holds any of the contents it was given, or its durable one, or, where
 * the power went in the middle of it, nothing sensible. A state is one such choice.
 *
 * Nobody hashes whole images for each of thousands of states: for every sector it is known which
 * releases it agrees with, and for every area how many sectors differ from each release.
 */

#define CUT_SECTOR 512
#define CUT_RELEASES_MAX 4

/* Regions of the disk that matter. The areas come first: they hold a release's images. */
enum cut_region {
	CUT_BOOT_A,
	CUT_ROOT_A,
	CUT_BOOT_B,
	CUT_ROOT_B,
	CUT_ESP_1,
	CUT_ESP_2,
	CUT_AREAS,
	CUT_STATE = CUT_AREAS,
	CUT_GPT,   /* sectors 0 to 33 and the disk's last 33 */
	CUT_DATA,  /* from partition 7 to the last sectors: anything may happen there */
	CUT_NOONE, /* what belongs to no partition */
};

const char *cut_region_name(enum cut_region region);

struct cut_image {
	const uint8_t *bytes; /* NULL: this release has none */
	size_t len;
};

/* One release, as the images in which it was published. Bytes after an image may be anything. */
struct cut_release {
	const char *name;
	struct cut_image boot, root, esp;
};

/* One sector's content within the epoch, in the order of the log. */
struct cut_piece {
	uint64_t sector;
	const uint8_t *data;
	uint32_t write; /* number of the write in the epoch */
	uint32_t spot;	/* number of its place among the epoch's distinct sectors */
	uint8_t region;
	uint8_t agrees; /* bit r: equals release r there */
};

struct cut_area {
	uint64_t first, sectors; /* 0 sectors: the layout has no such area */
	uint8_t *agrees;	 /* of the durable content, one byte a sector */
	uint32_t differ[CUT_RELEASES_MAX];
};

struct cut_spot {
	uint64_t sector;
	uint8_t region, agrees; /* of the durable content */
};

struct cut_model {
	uint8_t *disk; /* the durable content; the caller's, changed here */
	uint64_t sectors;
	struct cut_area areas[CUT_AREAS];
	uint64_t state_first, data_first;
	uint64_t state_sectors;
	struct cut_release releases[CUT_RELEASES_MAX];
	unsigned int n_releases;
	/* The epoch. */
	struct cut_piece *pieces;
	size_t n_pieces, room_pieces;
	struct cut_spot *spots;
	size_t n_spots, room_spots;
	uint32_t spots_in[CUT_NOONE + 1]; /* by region */
	uint32_t n_writes;
	uint32_t *hash; /* spot + 1 by sector; 0 empty */
	size_t hash_room;
};

/* A state: for each spot of the epoch the content it has, and what follows from that. */
struct cut_state {
	const uint8_t **content; /* by spot; NULL: the durable one */
	uint8_t *agrees;
	size_t room;
	uint32_t differ[CUT_AREAS][CUT_RELEASES_MAX];
};

/*
 * cut_model_init - the areas come from the layout's partition names. disk has size_bytes and is
 * owned by the caller; so are the images of the releases.
 * Errors: -EINVAL the layout lacks a partition, or more releases than CUT_RELEASES_MAX; -ENOMEM.
 */
int cut_model_init(struct cut_model *m, uint8_t *disk, uint64_t size_bytes,
		   const struct diskconf *conf, const struct cut_release *releases,
		   unsigned int n_releases, struct err *err);
void cut_model_release(struct cut_model *m);

/* cut_region_of - where a sector lies. */
enum cut_region cut_region_of(const struct cut_model *m, uint64_t sector);

/* cut_agrees - which releases a content would agree with at a sector. */
uint8_t cut_agrees(const struct cut_model *m, enum cut_region region, uint64_t sector,
		   const uint8_t *content);

/* cut_write - one write joins the epoch; data must live until the next cut_flush. */
int cut_write(struct cut_model *m, uint64_t sector, uint64_t sectors, const uint8_t *data);

/* cut_touch - a spot of the epoch for a sector that nothing wrote: a neighbour that may tear. */
int cut_touch(struct cut_model *m, uint64_t sector, uint32_t *ret_spot);

/* cut_flush - everything in the epoch becomes durable. */
void cut_flush(struct cut_model *m);

/* cut_state_reset - nothing of the epoch has arrived. Errors: -ENOMEM. */
int cut_state_reset(struct cut_state *s, const struct cut_model *m);
/* cut_state_set - a spot has this content (512 bytes that outlive the state). */
void cut_state_set(struct cut_state *s, const struct cut_model *m, uint32_t spot,
		   const uint8_t *content, uint8_t agrees);
/* cut_state_piece - a piece has arrived. */
void cut_state_piece(struct cut_state *s, const struct cut_model *m, const struct cut_piece *p);
void cut_state_release(struct cut_state *s);

/* cut_state_holds - bit r: the area holds exactly release r. */
uint8_t cut_state_holds(const struct cut_state *s, const struct cut_model *m, enum cut_region area);

/* cut_state_read - sectors of the disk as the state has them. */
void cut_state_read(const struct cut_state *s, const struct cut_model *m, uint64_t sector,
		    uint64_t sectors, uint8_t *ret);

#endif
