// SPDX-License-Identifier: Apache-2.0
#include "bundleget.h"

#include <errno.h>

static int get(const struct piecefeed_source *source, void *ret_buf, uint64_t offset, size_t len,
	       struct err *err)
{
	int rc = source->begin(source->ctx, offset, len, err);

	return rc ? rc : source->pull(source->ctx, ret_buf, len, err);
}

int bundleget_manifest(struct bundleget *g, const struct piecefeed_source *source,
		       const uint8_t *digest, const struct trust *trust, uint64_t now,
		       struct err *err)
{
	size_t total = 0;
	int rc = get(source, g->head, 0, SIGNED_HEAD_MAX, err);

	if (!rc)
		rc = signed_bytes(g->head, SIGNED_HEAD_MAX, &total, err);
	if (!rc && total > sizeof(g->head))
		rc = err_set(err, -EBADMSG, "the manifest is too long");
	if (!rc && total > SIGNED_HEAD_MAX)
		rc = get(source, g->head + SIGNED_HEAD_MAX, SIGNED_HEAD_MAX,
			 total - SIGNED_HEAD_MAX, err);
	return rc ? rc : bundle_open(g->head, total, digest, trust, now, &g->doc, &g->bundle, err);
}

int bundleget_tables(struct bundleget *g, const struct piecefeed_source *source, struct err *err)
{
	int rc;

	if (g->bundle.tables_bytes > sizeof(g->tables))
		return err_set(err, -EBADMSG, "the tables are too long");
	rc = get(source, g->tables, g->doc.total, g->bundle.tables_bytes, err);
	return rc ? rc : bundle_tables_check(&g->bundle, g->tables, g->bundle.tables_bytes, err);
}
