// SPDX-License-Identifier: Apache-2.0
#include "stage1.h"

#include <errno.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"

#define SECTOR_BYTES 512u
/* FAT32's volume number (FAT 1.03, BS_VolID), and what scripts/image.sh puts above. */
#define VOLUME_AT 67
#define VOLUME_MARK 0x4341u

uint32_t stage1_generation(const uint8_t *sector, size_t len)
{
	uint32_t volume;

	if (len < SECTOR_BYTES || le16_load(sector + 510) != 0xaa55)
		return 0;
	volume = le32_load(sector + VOLUME_AT);
	return volume >> 16 == VOLUME_MARK ? volume & 0xffff : 0;
}

/* --- the record --- */

static const char *const phase_names[STAGE1_PHASES] = { "none", "armed", "promoted", "refused" };

void stage1_record_format(const struct stage1_record *r,
			  uint8_t ret_buf[static STAGE1_RECORD_BYTES])
{
	char id[2 * STAGE1_BOOT_ID_BYTES + 1];

	hex_encode(r->boot_id, sizeof(r->boot_id), id);
	memset(ret_buf, 0, STAGE1_RECORD_BYTES);
	(void)snprintf((char *)ret_buf, STAGE1_RECORD_BYTES,
		       "cairn-stage1 1\nphase=%s\ngeneration=%" PRIu32 "\ntries=%" PRIu32
		       "\nboot=%s\nend\n",
		       phase_names[r->phase], r->generation, r->tries, id);
}

int stage1_record_parse(const uint8_t *buf, size_t len, struct stage1_record *ret)
{
	uint8_t again[STAGE1_RECORD_BYTES];
	char text[STAGE1_RECORD_BYTES + 1], phase[12], id[2 * STAGE1_BOOT_ID_BYTES + 1];
	struct stage1_record r = { 0 };
	int i;

	memset(ret, 0, sizeof(*ret));
	if (len != STAGE1_RECORD_BYTES)
		return -EINVAL;
	memcpy(text, buf, len);
	text[len] = '\0';
	if (sscanf(text,
		   "cairn-stage1 1\nphase=%11[a-z]\ngeneration=%" SCNu32 "\ntries=%" SCNu32
		   "\nboot=%32[0-9a-f]\n",
		   phase, &r.generation, &r.tries, id) != 4 ||
	    r.tries > STAGE1_TRIES || hex_decode(id, r.boot_id, sizeof(r.boot_id)))
		return -EINVAL;
	for (i = 0; i < STAGE1_PHASES; i++)
		if (strcmp(phase, phase_names[i]) == 0)
			break;
	if (i == STAGE1_PHASES)
		return -EINVAL;
	r.phase = (enum stage1_phase)i;
	/* What was read must be what would be written, to the last byte. */
	stage1_record_format(&r, again);
	if (memcmp(again, buf, len) != 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

/* --- the decision --- */

static bool is_about(const struct stage1_record *r, enum stage1_phase phase, uint32_t generation)
{
	return r->phase == phase && r->generation == generation;
}

/* The other ESP holds a newer one that has not proven itself. */
static enum stage1_action newer_waits(const struct stage1_facts *f, struct stage1_record *r)
{
	bool armed = is_about(&f->record, STAGE1_ARMED, f->other);

	if (is_about(&f->record, STAGE1_REFUSED, f->other))
		return STAGE1_COPY;
	/* In ESP 1, which is no place for it: a firmware that looks there first would be lost. */
	if (f->esp == 2)
		return STAGE1_COPY;
	if (armed && f->same_boot && f->vars)
		return STAGE1_REST;
	/* PROMOTED: the firmware did not keep to its own BootOrder. */
	if (!f->vars || (armed && f->record.tries >= STAGE1_TRIES) ||
	    is_about(&f->record, STAGE1_PROMOTED, f->other)) {
		*r = (struct stage1_record){ .phase = STAGE1_REFUSED, .generation = f->other };
		return STAGE1_GIVE_UP;
	}
	*r = (struct stage1_record){ .phase = STAGE1_ARMED,
				     .generation = f->other,
				     .tries = armed ? f->record.tries + 1 : 1 };
	return STAGE1_ARM;
}

/* The machine runs with the newer one. */
static enum stage1_action newer_runs(const struct stage1_facts *f, struct stage1_record *r)
{
	bool promoted = is_about(&f->record, STAGE1_PROMOTED, f->here);

	/* ESP 2 was not written to the end, or firmware takes ESP 1 by its own rule. */
	if (f->esp == 1) {
		*r = (struct stage1_record){ .phase = STAGE1_NONE };
		return STAGE1_COPY;
	}
	if (promoted && f->same_boot)
		return STAGE1_REST;
	/* Without variables firmware took this ESP by its own rule and will again. */
	if (promoted || !f->vars) {
		*r = (struct stage1_record){ .phase = STAGE1_NONE };
		return STAGE1_COPY;
	}
	*r = (struct stage1_record){ .phase = STAGE1_PROMOTED, .generation = f->here };
	return STAGE1_PROMOTE;
}

enum stage1_action stage1_next(const struct stage1_facts *f, struct stage1_record *ret_record)
{
	*ret_record = f->record;
	if (!f->here)
		return STAGE1_REST;
	if (f->here == f->other)
		return f->esp == 2 && f->vars && !f->home ? STAGE1_HOME : STAGE1_REST;
	if (!f->other)
		return STAGE1_COPY;
	return f->other > f->here ? newer_waits(f, ret_record) : newer_runs(f, ret_record);
}

const char *stage1_action_name(enum stage1_action action)
{
	static const char *const names[STAGE1_ACTIONS] = { "rest", "arm",  "promote",
							   "copy", "home", "give-up" };

	return action < STAGE1_ACTIONS ? names[action] : "?";
}

bool stage1_takes(const struct stage1_facts *f, uint32_t generation)
{
	return f->esp == 1 && f->here && f->vars && generation > f->here && generation > f->other &&
	       (!f->other || f->other >= f->here) &&
	       !is_about(&f->record, STAGE1_REFUSED, generation);
}

uint32_t stage1_least(const struct stage1_facts *f)
{
	return f->other && f->other < f->here ? f->other : f->here;
}

/* --- the ESP whose first sector is held back --- */

static int hold_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	const struct stage1_hold *h = ctx;
	int rc = h->base->read(h->base->ctx, ret_buf, len, offset_bytes);

	if (!rc && h->held && offset_bytes < SECTOR_BYTES) {
		size_t at = (size_t)offset_bytes, n = SECTOR_BYTES - at;

		memcpy(ret_buf, h->sector + at, n < len ? n : len);
	}
	return rc;
}

static int hold_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	struct stage1_hold *h = ctx;

	if (offset_bytes < SECTOR_BYTES) {
		size_t at = (size_t)offset_bytes, n = SECTOR_BYTES - at;

		if (n > len)
			n = len;
		memcpy(h->sector + at, buf, n);
		h->held = true;
		buf = (const uint8_t *)buf + n;
		len -= n;
		offset_bytes += n;
	}
	return len ? h->base->write(h->base->ctx, buf, len, offset_bytes) : 0;
}

static int hold_flush(void *ctx)
{
	const struct stage1_hold *h = ctx;

	return h->base->flush(h->base->ctx);
}

static int hold_drop_cache(void *ctx)
{
	const struct stage1_hold *h = ctx;

	return h->base->drop_cache ? h->base->drop_cache(h->base->ctx) : 0;
}

static int write_sector(const struct blockio *io, const uint8_t *sector)
{
	alignas(4096) uint8_t back[SECTOR_BYTES];
	int rc = io->write(io->ctx, sector, SECTOR_BYTES, 0);

	if (!rc)
		rc = io->flush(io->ctx);
	if (!rc && io->drop_cache)
		rc = io->drop_cache(io->ctx);
	if (!rc)
		rc = io->read(io->ctx, back, SECTOR_BYTES, 0);
	return rc ? rc : memcmp(back, sector, SECTOR_BYTES) != 0 ? -EILSEQ : 0;
}

int stage1_hold_init(struct stage1_hold *h, const struct blockio *base, struct err *err)
{
	int rc;

	*h = (struct stage1_hold){
		.base = base,
		.io = {
			.ctx = h,
			.size_bytes = base->size_bytes,
			.sector_bytes = base->sector_bytes,
			.read = hold_read,
			.write = hold_write,
			.flush = hold_flush,
			.drop_cache = hold_drop_cache,
		},
	};
	rc = write_sector(base, h->sector);
	return rc ? err_sys(err, rc, "cannot clear the first sector of the ESP") : 0;
}

int stage1_hold_release(struct stage1_hold *h, struct err *err)
{
	int rc;

	if (!h->held)
		return err_set(err, -EINVAL, "the ESP's first sector was never written");
	rc = h->base->flush(h->base->ctx);
	if (!rc)
		rc = write_sector(h->base, h->sector);
	if (rc)
		return err_sys(err, rc, "cannot write the first sector of the ESP");
	h->held = false;
	return 0;
}

/* --- from ESP to ESP --- */

struct pair {
	const struct blockio *from, *to;
	uint8_t *a, *b;
};

/* Both sides' bytes from at on; the number of them, or -errno. */
static int read_both(const struct pair *p, uint64_t at, size_t *ret_n)
{
	uint64_t left = p->from->size_bytes - at;
	size_t n = left < STAGE1_COPY_BYTES ? (size_t)left : STAGE1_COPY_BYTES;
	int rc = p->from->read(p->from->ctx, p->a, n, at);

	*ret_n = n;
	return rc ? rc : p->to->read(p->to->ctx, p->b, n, at);
}

/* All but the first sector; what is right already is not written again. */
static int write_rest(const struct pair *p)
{
	uint64_t at;
	size_t n;
	int rc = 0;

	for (at = 0; !rc && at < p->from->size_bytes; at += n) {
		size_t skip = at ? 0 : SECTOR_BYTES;

		rc = read_both(p, at, &n);
		if (!rc && memcmp(p->a + skip, p->b + skip, n - skip) != 0)
			rc = p->to->write(p->to->ctx, p->a + skip, n - skip, at + skip);
	}
	return rc ? rc : p->to->flush(p->to->ctx);
}

static int compare_rest(const struct pair *p)
{
	uint64_t at;
	size_t n;
	int rc = p->to->drop_cache ? p->to->drop_cache(p->to->ctx) : 0;

	for (at = 0; !rc && at < p->from->size_bytes; at += n) {
		size_t skip = at ? 0 : SECTOR_BYTES;

		rc = read_both(p, at, &n);
		if (!rc && memcmp(p->a + skip, p->b + skip, n - skip) != 0)
			rc = -EILSEQ;
	}
	return rc;
}

int stage1_copy(const struct blockio *from, const struct blockio *to, uint8_t *buf, struct err *err)
{
	const struct pair p = { from, to, buf, buf + STAGE1_COPY_BYTES };
	static const uint8_t zeros[SECTOR_BYTES];
	int rc;

	if (to->size_bytes < from->size_bytes || from->size_bytes < SECTOR_BYTES)
		return err_set(err, -ENOSPC, "the ESPs differ in size");
	rc = write_sector(to, zeros);
	if (!rc)
		rc = write_rest(&p);
	if (!rc)
		rc = compare_rest(&p);
	if (!rc)
		rc = from->read(from->ctx, p.a, SECTOR_BYTES, 0);
	if (!rc)
		rc = write_sector(to, p.a);
	return rc ? err_sys(err, rc, "cannot copy the ESP") : 0;
}
