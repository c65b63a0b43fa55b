// SPDX-License-Identifier: Apache-2.0
#include "bootstateio.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

/* For O_DIRECT. */
#define ALIGN_BYTES 4096

static const uint64_t offset_of[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
static const char *const name_of[2] = { "S0.ENV", "S1.ENV" };

static int settle(const struct blockio *io, struct err *err)
{
	int rc = io->flush(io->ctx);

	if (!rc && io->drop_cache)
		rc = io->drop_cache(io->ctx);
	return rc ? err_sys(err, rc, "cannot flush the boot state") : 0;
}

static void load_copy(const struct blockio *io, struct bootstateio *s, int n)
{
	alignas(ALIGN_BYTES) uint8_t got[BOOTSTATE_SIZE];
	uint8_t want[BOOTSTATE_SIZE];
	struct bootstate_copy *copy = &s->copies[n];

	memset(copy, 0, sizeof(*copy));
	s->damaged[n] = true;
	if (io->read(io->ctx, got, sizeof(got), offset_of[n]) ||
	    bootstate_parse(got, sizeof(got), copy))
		return;
	bootstate_format(&copy->state, copy->sequence, want);
	s->damaged[n] = memcmp(got, want, sizeof(got)) != 0;
}

static bool check_fs(const struct blockio *io)
{
	alignas(ALIGN_BYTES) uint8_t head[BOOTSTATE_FS_BYTES];

	return io->read(io->ctx, head, sizeof(head), 0) == 0 &&
	       bootstate_check_fs(head, sizeof(head));
}

int bootstateio_load(const struct blockio *io, enum bootstate_slot running, struct bootstateio *ret,
		     struct err *err)
{
	struct bootstateio s = { 0 };
	int newest, rc = settle(io, err);

	if (rc)
		return rc;
	s.fs_damaged = !check_fs(io);
	load_copy(io, &s, 0);
	load_copy(io, &s, 1);
	newest = bootstate_newest(s.copies);
	s.lost = newest < 0;
	s.state = s.lost ? bootstate_factory(running) : s.copies[newest].state;
	*ret = s;
	return 0;
}

bool bootstateio_needs_repair(const struct bootstateio *s)
{
	return s->fs_damaged || s->damaged[0] || s->damaged[1];
}

/* Durable and equal when read back, or an error. */
static int write_block(const struct blockio *io, const uint8_t *buf, uint8_t *back, size_t len,
		       uint64_t offset)
{
	int rc = io->write(io->ctx, buf, len, offset);

	if (!rc)
		rc = io->flush(io->ctx);
	if (!rc && io->drop_cache)
		rc = io->drop_cache(io->ctx);
	if (!rc)
		rc = io->read(io->ctx, back, len, offset);
	if (!rc && memcmp(buf, back, len) != 0)
		rc = -EILSEQ;
	return rc;
}

static int store_to(const struct blockio *io, struct bootstateio *s, int n, unsigned int sequence)
{
	alignas(ALIGN_BYTES) uint8_t block[BOOTSTATE_SIZE];
	alignas(ALIGN_BYTES) uint8_t back[BOOTSTATE_SIZE];
	int rc;

	bootstate_format(&s->state, sequence, block);
	s->damaged[n] = true;
	rc = write_block(io, block, back, sizeof(block), offset_of[n]);
	if (rc)
		return rc;
	s->damaged[n] = false;
	return bootstate_parse(block, sizeof(block), &s->copies[n]);
}

int bootstateio_store(const struct blockio *io, struct bootstateio *s, struct err *err)
{
	int newest = bootstate_newest(s->copies), rc;
	int target = newest == 0 ? 1 : 0;
	unsigned int sequence = newest < 0 ? 0 : s->copies[newest].sequence;

	rc = store_to(io, s, target, sequence + 1);
	if (rc)
		rc = store_to(io, s, !target, sequence);
	if (rc)
		return err_sys(err, rc, "cannot write the boot state");
	s->lost = false;
	return 0;
}

static int repair_fs(const struct blockio *io, struct bootstateio *s, struct err *err)
{
	alignas(ALIGN_BYTES) uint8_t head[BOOTSTATE_HEAD_BYTES];
	alignas(ALIGN_BYTES) uint8_t back[BOOTSTATE_FS_BYTES];
	int rc;

	bootstate_mkfs(&s->state, head);
	rc = write_block(io, head, back, sizeof(back), 0);
	if (rc)
		return err_sys(err, rc, "cannot repair the boot state's file system");
	s->fs_damaged = false;
	return 0;
}

int bootstateio_repair(const struct blockio *io, struct bootstateio *s, struct err *err)
{
	int rc = s->fs_damaged ? repair_fs(io, s, err) : 0;
	int newest = bootstate_newest(s->copies), first = newest == 0 ? 1 : 0, n;

	/*
	 * The copy that does not count is written first, even where only the other one is damaged
	 * (it says something, but not in our words): until it is whole, the other one stays.
	 */
	for (n = first; s->damaged[first] || s->damaged[!first]; n = !first) {
		unsigned int sequence = newest < 0 ? 0 : s->copies[newest].sequence;
		int rc_copy = store_to(io, s, n, sequence + 1);

		if (rc_copy)
			return rc ? rc : err_sys(err, rc_copy, "cannot repair %s", name_of[n]);
		newest = n;
		s->lost = false;
	}
	return rc;
}
