// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BUNDLEGET_H
#define CAIRN_BUNDLEGET_H

#include <stdint.h>

#include "bundle.h"
#include "err.h"
#include "piecefeed.h"

/*
 * Manifest and tables of a bundle from a source of its bytes. Nothing is parsed before the
 * signatures hold; the payload is piecefeed.h's.
 */

/* 1.1 MB, owned by the caller; of the tables only what the bundle has is touched. */
struct bundleget {
	struct signed_doc doc; /* points into head */
	struct bundle bundle;
	uint8_t head[SIGNED_MAX];
	uint8_t tables[BUNDLE_TABLES_MAX];
};

/*
 * bundleget_manifest - the signed manifest, checked by bundle_open with these arguments.
 * Errors: as that, or of the source.
 */
int bundleget_manifest(struct bundleget *g, const struct piecefeed_source *source,
		       const uint8_t *digest, const struct trust *trust, uint64_t now,
		       struct err *err);

/* bundleget_tables - then its tables. Errors: as bundle_tables_check, or of the source. */
int bundleget_tables(struct bundleget *g, const struct piecefeed_source *source, struct err *err);

#endif
