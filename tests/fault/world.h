// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_WORLD_H
#define CAIRN_TEST_WORLD_H

#include <stdbool.h>

#include "blockrange.h"
#include "bootstate.h"
#include "bundlekit.h"
#include "memdisk.h"
#include "slotinstall.h"

/*
 * A machine of which only the disk is there: slot A runs `old`, slot B holds what was before that.
 * It boots as the table in lib/bootstate.c says, which grub.cfg is held against elsewhere.
 */

enum world_part {
	WORLD_STATE,
	WORLD_BOOT_A,
	WORLD_ROOT_A,
	WORLD_BOOT_B,
	WORLD_ROOT_B,
	WORLD_PARTS
};

struct world {
	struct memdisk disk;
	struct blockio disk_io;
	struct blockrange part[WORLD_PARTS];
	const struct kit_release *older, *old, *new;
	enum bootstate_slot running;
	struct slotwrite *w;
	const char *wrong; /* a rule that was broken, or NULL */
};

void world_init(struct world *w, const struct kit_release *older, const struct kit_release *old,
		const struct kit_release *new);
void world_release(struct world *w);

/* world_reset - the disk as world_init left it, slot A running. */
void world_reset(struct world *w, const struct memdisk *pristine);

/*
 * world_update - one try at the update into slot B; activated is set when it came to the last
 * step. Whatever is broken on the way stands in w->wrong.
 */
int world_update(struct world *w, const struct kit_bundle *b, const struct piecefeed_source *source,
		 struct slotwrite_result *ret, bool *ret_activated, struct err *err);

/*
 * world_boot - power on, with what is on the medium. Returns the slot that runs, or
 * BOOTSTATE_NONE with w->wrong where it holds neither the old nor the new release whole.
 */
enum bootstate_slot world_boot(struct world *w);

/* world_boot_patiently - as a machine whose trial hangs or panics: up to `times` boots. */
enum bootstate_slot world_boot_patiently(struct world *w, unsigned int times);

/* world_mark_good - the running system is healthy. */
int world_mark_good(struct world *w, struct err *err);

/* world_holds - is this release in the slot, tree and all? */
bool world_holds(const struct world *w, enum bootstate_slot slot, const struct kit_release *r);

#endif
