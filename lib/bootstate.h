// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BOOTSTATE_H
#define CAIRN_BOOTSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The boot state: one GRUB environment block, the file S0.ENV on the STATE partition, read and
 * written in place by GRUB (bootloader/grub.cfg) and by the device.
 *
 *     "# GRUB Environment Block\n"
 *     "slot=a\n"      the slot that is wanted: a or b              written by the device
 *     "booted=a\n"    the slot that GRUB tried to start last       written by GRUB
 *     "failed=\n"     a slot that could not be loaded, or nothing  written by both
 *     '#' up to byte 1024
 *
 * All content lies in the first 512 bytes, so one sector's write changes it.
 */

#define BOOTSTATE_SIZE 1024

enum bootstate_slot { BOOTSTATE_NONE, BOOTSTATE_A, BOOTSTATE_B };

struct bootstate {
	enum bootstate_slot slot, booted, failed;
};

/* bootstate_name - "a", "b" or "". */
const char *bootstate_name(enum bootstate_slot slot);

/*
 * bootstate_parse - read an environment block as GRUB 2.06 reads it (grub-core/lib/envblk.c):
 * a value other than a or b is BOOTSTATE_NONE, what follows a broken line is not seen.
 * Errors: -EINVAL not an environment block of BOOTSTATE_SIZE bytes; *ret_state is left alone.
 */
int bootstate_parse(const uint8_t *buf, size_t len, struct bootstate *ret_state);

/* bootstate_format - the whole block. */
void bootstate_format(const struct bootstate *state, uint8_t ret_buf[static BOOTSTATE_SIZE]);

/*
 * What one run of grub.cfg does, as a pure function; tests/e2e/10-grub-emu.sh holds the shipped
 * grub.cfg against it, state by state.
 */
struct bootstate_machine {
	bool readable;		/* state says something: the block was there and valid */
	bool writable;		/* save_env works */
	bool loads_a, loads_b;	/* signature good and the firmware takes the kernel */
	struct bootstate state; /* what is stored; meaningless where !readable */
};

struct bootstate_boot {
	enum bootstate_slot tried[2]; /* in order; BOOTSTATE_NONE where fewer */
	enum bootstate_slot started;  /* BOOTSTATE_NONE: the machine restarts */
	struct bootstate state;	      /* what is stored afterwards */
};

/* bootstate_next - one boot. Defined for every input. */
struct bootstate_boot bootstate_next(const struct bootstate_machine *machine);

/*
 * The STATE partition: a FAT12 file system of 4 MiB that Linux never mounts. Clusters are 4 KiB
 * and lie at multiples of 4 KiB, so that each file has a flash page of its own.
 *
 *     0       boot sector, FATs, root directory (lib/fat.c)
 *     20480   cluster 2: S0.ENV, 1024 bytes of it
 *     24576   cluster 3: S1.ENV; the second copy, nobody reads it yet
 *
 * Everything behind the head is zero.
 */
#define BOOTSTATE_PART_BYTES (4u << 20)
#define BOOTSTATE_HEAD_BYTES 28672u
#define BOOTSTATE_S0_OFFSET 20480u
#define BOOTSTATE_S1_OFFSET 24576u

/*
 * bootstate_mkfs - the head of a STATE partition, both files holding state. The same bytes for
 * the same state, always: image builder, installer and repair on the device share it.
 */
void bootstate_mkfs(const struct bootstate *state, uint8_t ret_head[static BOOTSTATE_HEAD_BYTES]);

/*
 * bootstate_check_fs - is this the head that bootstate_mkfs writes, whatever the two files hold?
 * False: GRUB may find no state there, or write it elsewhere; write the head anew.
 */
bool bootstate_check_fs(const uint8_t *head, size_t len);

#endif
