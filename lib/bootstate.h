// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BOOTSTATE_H
#define CAIRN_BOOTSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The boot state: two copies, the files S0.ENV and S1.ENV on the STATE partition, each a GRUB
 * environment block, read and written in place by GRUB (bootloader/grub.cfg) and by the device.
 *
 *     "# GRUB Environment Block\n"
 *     "open=0\n"      0, 1, 2: the sequence, counted modulo 3
 *     "primary=a\n"   a, b: the slot to start while it has tries left
 *     "a_good=1\n"    1: slot a was healthy once in what it holds now
 *     "a_tries=3\n"   0..3: starts of slot a that are left before the other one's turn
 *     "b_good=1\n" "b_tries=3\n"
 *     "booted=a\n"    a, b: the slot that GRUB started last
 *     "esp=1\n"       1, 2: the ESP that GRUB itself came from
 *     "close=0\n"     equal to open, or the copy is half written
 *     '#' up to byte 1024
 *
 * All content lies in the first 512 bytes, so one sector's write changes it; the two copies lie in
 * different blocks of 4 KiB. A copy is valid if every line has one of its values and open equals
 * close. Of two valid copies the one whose sequence is the other's plus 1 is the newest, of two
 * alike S0. Who writes, writes the older (or invalid) copy with the next sequence, never both.
 */

#define BOOTSTATE_SIZE 1024
#define BOOTSTATE_TRIES 3
#define BOOTSTATE_SEQUENCES 3

enum bootstate_slot { BOOTSTATE_NONE, BOOTSTATE_A, BOOTSTATE_B };

struct bootstate_mark {
	bool good;
	uint8_t tries; /* 0..BOOTSTATE_TRIES */
};

struct bootstate {
	enum bootstate_slot primary; /* A or B */
	struct bootstate_mark a, b;
	enum bootstate_slot booted; /* A or B */
	uint8_t esp;		    /* 1, 2 */
};

/* One copy as it was read. */
struct bootstate_copy {
	bool valid;	  /* else the rest is zero */
	uint8_t sequence; /* 0, 1, 2 */
	struct bootstate state;
};

/* bootstate_name - "a", "b" or "". */
const char *bootstate_name(enum bootstate_slot slot);
/* bootstate_other - the other slot; of NONE, NONE. */
enum bootstate_slot bootstate_other(enum bootstate_slot slot);
/* bootstate_mark_of - the marks of slot A or B. */
struct bootstate_mark *bootstate_mark_of(struct bootstate *state, enum bootstate_slot slot);
const struct bootstate_mark *bootstate_mark_get(const struct bootstate *state,
						enum bootstate_slot slot);
bool bootstate_equal(const struct bootstate *x, const struct bootstate *y);

/*
 * bootstate_factory - of a new disk, and what counts where no copy is valid: both slots good with
 * all tries, slot (A or B) primary and booted. Nothing known is no reason to hold a slot for bad.
 */
struct bootstate bootstate_factory(enum bootstate_slot slot);

/*
 * bootstate_parse - read an environment block as GRUB 2.06 reads it (grub-core/lib/envblk.c).
 * Errors: -EINVAL not an environment block of BOOTSTATE_SIZE bytes, or not valid; *ret_copy is
 * then zero.
 */
int bootstate_parse(const uint8_t *buf, size_t len, struct bootstate_copy *ret_copy);

/* bootstate_format - the whole block; sequence is taken modulo 3. */
void bootstate_format(const struct bootstate *state, unsigned int sequence,
		      uint8_t ret_buf[static BOOTSTATE_SIZE]);

/* bootstate_newest - 0 or 1: the copy that counts; -1 where none is valid. */
int bootstate_newest(const struct bootstate_copy copies[static 2]);

/*
 * The events of the running system: pure; who calls stores the result (lib/bootstateio.h) before
 * it acts on it. All return 0, or -EINVAL where slot is neither A nor B.
 *
 *     begin      before the first byte of a slot is written: not good, no tries; the booted one
 *                becomes primary
 *     activate   the slot is complete: 3 tries, primary; the other one's tries are filled if good
 *     mark_good  the running slot is healthy: good, 3 tries, primary, booted
 *     mark_bad   not good, no tries; the other one becomes primary where that is good
 *     select     primary becomes slot, which is running: after a fallback
 *     rollback   the slot other than booted becomes primary with 3 tries; a booted slot on trial
 *                has failed
 */

/*
 * bootstate_begin - -EBUSY: slot is the booted one; -EAGAIN: slot is good and the booted one is
 * still on trial, so the only good slot would be lost.
 */
int bootstate_begin(struct bootstate *state, enum bootstate_slot slot);
/* bootstate_activate - -EBUSY: slot is the booted one. */
int bootstate_activate(struct bootstate *state, enum bootstate_slot slot);
int bootstate_mark_good(struct bootstate *state, enum bootstate_slot slot);
int bootstate_mark_bad(struct bootstate *state, enum bootstate_slot slot);
int bootstate_select(struct bootstate *state, enum bootstate_slot slot);
/* bootstate_rollback - -ENOENT: the other slot is not good. */
int bootstate_rollback(struct bootstate *state);

/*
 * bootstate_pick - the slot that GRUB tries next, and what it notes before it starts it: booted
 * and one try less.
 *
 *     primary has tries                  primary
 *     else the other is good, has tries  the other
 *     else one is good                   the good ones get 3 tries; primary if good, or the other
 *     else                               the one not booted last, so that both have their turn
 */
enum bootstate_slot bootstate_pick(struct bootstate *state);

/*
 * bootstate_cannot_load - GRUB could not load slot: it has no tries left. Returns whether the
 * next boot takes the other one, for which that gets its tries back where it is good.
 */
bool bootstate_cannot_load(struct bootstate *state, enum bootstate_slot slot);

/*
 * What one run of grub.cfg does, as a pure function; tests/e2e/10-grub-emu.sh holds the shipped
 * grub.cfg against it, state by state.
 */
struct bootstate_machine {
	struct bootstate_copy copy[2];
	bool takes[2];	       /* what save_env writes to this copy is read back so */
	bool loads_a, loads_b; /* signature good and the firmware takes the kernel */
	uint8_t esp;	       /* 1, 2: where GRUB came from */
};

struct bootstate_boot {
	enum bootstate_slot tried[2]; /* in order; BOOTSTATE_NONE where fewer */
	enum bootstate_slot started;  /* BOOTSTATE_NONE: the machine restarts */
	struct bootstate_copy copy[2];
};

/* bootstate_next - one boot. Defined for every input. */
struct bootstate_boot bootstate_next(const struct bootstate_machine *machine);

/*
 * The STATE partition: a FAT12 file system of 4 MiB that Linux never mounts. Clusters are 4 KiB
 * and lie at multiples of 4 KiB, so that each file has a flash page of its own.
 *
 *     0       boot sector, FATs, root directory (lib/fat.c)
 *     20480   cluster 2: S0.ENV, 1024 bytes of it
 *     24576   cluster 3: S1.ENV
 *
 * Everything behind the head is zero.
 */
#define BOOTSTATE_PART_BYTES (4u << 20)
#define BOOTSTATE_HEAD_BYTES 28672u
#define BOOTSTATE_S0_OFFSET 20480u
#define BOOTSTATE_S1_OFFSET 24576u
#define BOOTSTATE_FS_BYTES BOOTSTATE_S0_OFFSET

/*
 * bootstate_mkfs - the head of a STATE partition, both files holding state, S1 the newest. The
 * same bytes for the same state, always: image builder, installer and repair on the device share
 * it.
 */
void bootstate_mkfs(const struct bootstate *state, uint8_t ret_head[static BOOTSTATE_HEAD_BYTES]);

/*
 * bootstate_check_fs - is this the head that bootstate_mkfs writes, whatever the two files hold?
 * False: GRUB may find no state there, or write it elsewhere; write the head anew.
 */
bool bootstate_check_fs(const uint8_t *head, size_t len);

#endif
