// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUB_EMU_H
#define CAIRN_GRUB_EMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bootstate.h"

/* Parts of grub-emu-table: the cases, the stories, and the run of one boot. */

struct grub_emu_case {
	char name[120];
	int loads; /* bit 0: slot a, bit 1: slot b */
	struct bootstate_machine machine;
	bool ours[2];	    /* the copy has the form that bootstate_format gives it */
	bool may_change[2]; /* save_env writes to it, though what it writes may not count */
	uint8_t head[BOOTSTATE_HEAD_BYTES];
};

/* One disk image and how grub-emu finds it. */
struct grub_emu {
	const char *dir;
	char map[4096];
	int fd;
	uint64_t state_offset;
};

extern size_t grub_emu_case_count;
/* grub_emu_cases_make - all of them, in memory; else every state and half of the rest. */
void grub_emu_cases_make(bool all);
const struct grub_emu_case *grub_emu_case(size_t n);

/*
 * grub_emu_boot - one boot of the disk as it is, from ESP 1 or 2. *ret_text, what it printed, is
 * good until the next one. Errors: -EBADMSG grub.cfg ended, or a prompt appeared.
 */
int grub_emu_boot(const struct grub_emu *g, unsigned int esp, struct bootstate_boot *ret_boot,
		  uint8_t ret_head[static BOOTSTATE_HEAD_BYTES], const char **ret_text);

/* grub_emu_stories - tell all; 0, or 1 where one does not end as it should, 111. */
int grub_emu_stories(const struct grub_emu *g);

#endif
