// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_RECORDS_H
#define CAIRN_UPDATE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "datafile.h"
#include "err.h"
#include "trust.h"
#include "updatelog.h"

/*
 * What the service keeps in its folder on DATA. A file that is not there or cannot be read is as
 * on a new machine, and said; nothing here is needed to boot.
 *
 *   log.F     history and what is refused (lib/updatelog.h, lib/datafile.h)
 *   keep.F    the numbers below
 *   trust     each trust taken, one after another (trust_chain)
 */

#define RECORDS_TRUST_FILE "trust"

struct records {
	char dir[64];
	struct updatelog log;
	/* keep.1 */
	uint8_t seed[SHA256_SIZE]; /* of the jitter; made once */
	uint64_t polls;		   /* how far that row is */
	uint64_t sequence;	   /* of the newest channel taken; 0 none */
	bool has_digest;
	uint8_t digest[SHA256_SIZE]; /* of its document */
	int64_t floor_s;	     /* lib/updatetime.h */
	uint64_t version_floor;	     /* highest floor of a release that was good here */
	bool paused;
};

/* records_load - everything; what could not be read is said on stderr. */
void records_load(struct records *r, const char *dir);
/* records_save_log, records_save_keep - durable on return; a failure is said and returned. */
int records_save_log(struct records *r);
int records_save_keep(struct records *r);

/*
 * records_trust - the trust to go by: the release's, and from there along the file.
 * Errors: as trust_open; the file's own damage is said and passed over.
 */
int records_trust(const struct records *r, const char *shipped, struct trust *ret, struct err *err);
/* records_add_trust - a signed document that trust_next has taken goes to the end of the file. */
int records_add_trust(const struct records *r, const uint8_t *buf, size_t len, struct err *err);

#endif
