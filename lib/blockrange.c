// SPDX-License-Identifier: Apache-2.0
#include "blockrange.h"

#include <errno.h>

static int check(const struct blockrange *r, size_t len, uint64_t offset)
{
	return offset > r->io.size_bytes || len > r->io.size_bytes - offset ? -EINVAL : 0;
}

static int range_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	const struct blockrange *r = ctx;
	int rc = check(r, len, offset_bytes);

	return rc ? rc : r->base->read(r->base->ctx, ret_buf, len, r->offset_bytes + offset_bytes);
}

static int range_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	const struct blockrange *r = ctx;
	int rc = check(r, len, offset_bytes);

	return rc ? rc : r->base->write(r->base->ctx, buf, len, r->offset_bytes + offset_bytes);
}

static int range_flush(void *ctx)
{
	const struct blockrange *r = ctx;

	return r->base->flush(r->base->ctx);
}

static int range_zero(void *ctx, uint64_t len, uint64_t offset_bytes)
{
	const struct blockrange *r = ctx;
	int rc = check(r, len, offset_bytes);

	if (!r->base->zero)
		return -EOPNOTSUPP;
	return rc ? rc : r->base->zero(r->base->ctx, len, r->offset_bytes + offset_bytes);
}

static int range_drop_cache(void *ctx)
{
	const struct blockrange *r = ctx;

	return r->base->drop_cache ? r->base->drop_cache(r->base->ctx) : 0;
}

void blockrange_init(struct blockrange *r, const struct blockio *base, uint64_t offset_bytes,
		     uint64_t size_bytes)
{
	*r = (struct blockrange){
		.base = base,
		.offset_bytes = offset_bytes,
		.io = {
			.ctx = r,
			.size_bytes = size_bytes,
			.sector_bytes = base->sector_bytes,
			.read = range_read,
			.write = range_write,
			.flush = range_flush,
			.zero = range_zero,
			.drop_cache = range_drop_cache,
		},
	};
}
