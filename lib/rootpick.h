// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ROOTPICK_H
#define CAIRN_ROOTPICK_H

#include <stdbool.h>
#include <stddef.h>

#include "bootstate.h"
#include "devpath.h"

/*
 * Which of several partitions with the wanted root becomes the root: a machine may hold two Cairn
 * disks (a stick beside the internal one), each with the same release in both slots.
 */
struct rootpick_disk {
	enum devpath_match match; /* with the boot entry of the firmware */
	bool removable;		  /* on USB, or a medium that can be taken out */
	bool holds_a, holds_b;	  /* ROOT-A, ROOT-B is the wanted root */
	bool state_ok;		  /* the boot state could be read */
	struct bootstate state;
};

/*
 * rootpick_settled - the disk that was started is among them and holds the root: no disk that
 * may still appear could be a better choice.
 */
bool rootpick_settled(const struct rootpick_disk *disks, size_t count);

/*
 * rootpick - the disk to use, by these rules, each deciding only what the ones before left open:
 * the disk that the firmware started; one whose boot state says that GRUB started this release
 * from it; a fixed disk; the first.
 * Returns its index, *ret_slot says which of its slots; -1 where no disk holds the root.
 */
int rootpick(const struct rootpick_disk *disks, size_t count, enum bootstate_slot *ret_slot);

#endif
