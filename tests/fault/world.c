// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "bootstateio.h"

#define BOOT_ROOM (256u << 10)
#define ROOT_ROOM (KIT_ROOT_BYTES + (128u << 10))

static const struct {
	uint64_t at, len;
} layout[WORLD_PARTS] = {
	[WORLD_STATE] = { 0, 64u << 10 },
	[WORLD_BOOT_A] = { 64u << 10, BOOT_ROOM },
	[WORLD_ROOT_A] = { (64u << 10) + BOOT_ROOM, ROOT_ROOM },
	[WORLD_BOOT_B] = { (64u << 10) + BOOT_ROOM + ROOT_ROOM, BOOT_ROOM },
	[WORLD_ROOT_B] = { (64u << 10) + 2 * BOOT_ROOM + ROOT_ROOM, ROOT_ROOM },
};

static uint64_t end_of(enum world_part part)
{
	return layout[part].at + layout[part].len;
}

static void wrong(struct world *w, const char *rule)
{
	if (!w->wrong)
		w->wrong = rule;
}

/* The newest copy of the boot state on the medium. */
static bool stored(const struct memdisk *d, struct bootstate *ret)
{
	struct bootstate_copy copies[2];
	int newest;

	(void)bootstate_parse(d->medium + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &copies[0]);
	(void)bootstate_parse(d->medium + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE, &copies[1]);
	newest = bootstate_newest(copies);
	if (newest >= 0)
		*ret = copies[newest].state;
	return newest >= 0;
}

/* At each write: never the running slot; the other one only while GRUB would not pick it. */
static void watch(void *ctx, const struct memdisk *d, uint64_t offset, size_t len)
{
	struct world *w = ctx;
	bool b_runs = w->running == BOOTSTATE_B;
	uint64_t from = layout[b_runs ? WORLD_BOOT_B : WORLD_BOOT_A].at;
	uint64_t to = end_of(b_runs ? WORLD_ROOT_B : WORLD_ROOT_A);
	struct bootstate s;

	if (offset < end_of(WORLD_STATE)) {
		if (offset + len > end_of(WORLD_STATE))
			wrong(w, "a write over the end of STATE");
		return;
	}
	if (offset < to && offset + len > from)
		wrong(w, "a write into the running slot");
	if (!stored(d, &s))
		wrong(w, "a write into a slot while no boot state is readable");
	else if (s.primary != w->running)
		wrong(w, "a write into a slot after it was activated");
	else if (bootstate_mark_get(&s, bootstate_other(w->running))->good ||
		 bootstate_mark_get(&s, bootstate_other(w->running))->tries)
		wrong(w, "a write into a slot that GRUB may still pick");
}

static void fill(struct memdisk *d, enum world_part boot, enum world_part root,
		 const struct kit_release *r)
{
	memcpy(d->medium + layout[boot].at, r->boot, KIT_BOOT_BYTES);
	memcpy(d->medium + layout[root].at, r->root, KIT_ROOT_BYTES);
	memcpy(d->medium + layout[root].at + KIT_ROOT_BYTES, r->tree, r->tree_bytes);
}

void world_init(struct world *w, const struct kit_release *older, const struct kit_release *old,
		const struct kit_release *new)
{
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	int i;

	memset(w, 0, sizeof(*w));
	w->older = older;
	w->old = old;
	w->new = new;
	w->running = BOOTSTATE_A;
	memdisk_init(&w->disk, end_of(WORLD_ROOT_B));
	w->disk.watch = watch;
	w->disk.watch_ctx = w;
	w->disk_io = memdisk_io(&w->disk);
	for (i = 0; i < WORLD_PARTS; i++)
		blockrange_init(&w->part[i], &w->disk_io, layout[i].at, layout[i].len);
	bootstate_mkfs(&s, w->disk.medium);
	fill(&w->disk, WORLD_BOOT_A, WORLD_ROOT_A, old);
	fill(&w->disk, WORLD_BOOT_B, WORLD_ROOT_B, older);
	memcpy(w->disk.cache, w->disk.medium, w->disk.size);
	w->w = slotwrite_new();
	if (!w->w)
		abort();
}

void world_release(struct world *w)
{
	memdisk_release(&w->disk);
	free(w->w);
}

void world_reset(struct world *w, const struct memdisk *pristine)
{
	memdisk_copy(&w->disk, pristine);
	w->running = BOOTSTATE_A;
	w->wrong = NULL;
}

int world_update(struct world *w, const struct kit_bundle *b, const struct piecefeed_source *source,
		 struct slotwrite_result *ret, bool *ret_activated, struct err *err)
{
	const struct slotwrite_target targets[] = {
		{ BUNDLE_BOOT, &w->part[WORLD_BOOT_B].io, "boot-b", &w->part[WORLD_BOOT_A].io,
		  "boot-a" },
		{ BUNDLE_ROOT, &w->part[WORLD_ROOT_B].io, "root-b", &w->part[WORLD_ROOT_A].io,
		  "root-a" },
	};
	const struct slotwrite_job job = {
		.bundle = &b->bundle,
		.tables = b->tables,
		.head_bytes = KIT_HEAD_BYTES,
		.targets = targets,
		.count = 2,
		.source = source,
	};
	enum slotinstall_step step;
	int rc;

	*ret_activated = false;
	rc = slotinstall_write(&w->part[WORLD_STATE].io, w->running, BOOTSTATE_B, w->w, &job, ret,
			       &step, err);
	if (rc)
		return rc;
	/* Nobody can tell a device that lies about a flush from one that does not. */
	if (w->disk.fault != MEMDISK_FLUSH_LIES && !world_holds(w, BOOTSTATE_B, w->new))
		wrong(w, "a slot that is not right counts as right");
	*ret_activated = true;
	return slotinstall_activate(&w->part[WORLD_STATE].io, w->running, BOOTSTATE_B, err);
}

bool world_holds(const struct world *w, enum bootstate_slot slot, const struct kit_release *r)
{
	const uint8_t *boot =
		w->disk.medium + layout[slot == BOOTSTATE_A ? WORLD_BOOT_A : WORLD_BOOT_B].at;
	const uint8_t *root =
		w->disk.medium + layout[slot == BOOTSTATE_A ? WORLD_ROOT_A : WORLD_ROOT_B].at;

	return memcmp(boot, r->boot, KIT_BOOT_BYTES) == 0 &&
	       memcmp(root, r->root, KIT_ROOT_BYTES) == 0 &&
	       memcmp(root + KIT_ROOT_BYTES, r->tree, r->tree_bytes) == 0;
}

/* One run of grub.cfg, which writes what it notes. */
static enum bootstate_slot grub(struct world *w)
{
	static const uint32_t at[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	struct bootstate_machine m = {
		.takes = { true, true }, .loads_a = true, .loads_b = true, .esp = 1
	};
	struct bootstate_boot boot;
	int i;

	for (i = 0; i < 2; i++)
		(void)bootstate_parse(w->disk.medium + at[i], BOOTSTATE_SIZE, &m.copy[i]);
	boot = bootstate_next(&m);
	for (i = 0; i < 2; i++)
		if (boot.copy[i].valid)
			bootstate_format(&boot.copy[i].state, boot.copy[i].sequence,
					 w->disk.medium + at[i]);
	memcpy(w->disk.cache, w->disk.medium, w->disk.size);
	return boot.started;
}

static bool runs(const struct world *w, enum bootstate_slot slot)
{
	return slot != BOOTSTATE_NONE &&
	       (world_holds(w, slot, w->old) || world_holds(w, slot, w->new));
}

enum bootstate_slot world_boot_patiently(struct world *w, unsigned int times)
{
	while (times--) {
		w->running = grub(w);
		if (runs(w, w->running))
			return w->running;
	}
	wrong(w, "the slot that GRUB picks holds neither the old nor the new release");
	return BOOTSTATE_NONE;
}

enum bootstate_slot world_boot(struct world *w)
{
	return world_boot_patiently(w, 1);
}

int world_mark_good(struct world *w, struct err *err)
{
	struct bootstateio s;
	int rc = bootstateio_load(&w->part[WORLD_STATE].io, w->running, &s, err);

	if (!rc)
		rc = bootstate_mark_good(&s.state, w->running);
	return rc ? rc : bootstateio_store(&w->part[WORLD_STATE].io, &s, err);
}
