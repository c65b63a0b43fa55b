// SPDX-License-Identifier: Apache-2.0
#include "rootpick.h"

static bool holds(const struct rootpick_disk *d)
{
	return d->holds_a || d->holds_b;
}

/* GRUB notes the slot before it starts it. */
static bool state_agrees(const struct rootpick_disk *d)
{
	return d->state_ok && ((d->state.booted == BOOTSTATE_A && d->holds_a) ||
			       (d->state.booted == BOOTSTATE_B && d->holds_b));
}

/* A larger number is a better disk; the weights keep the order of the rules. */
static int score(const struct rootpick_disk *d)
{
	return (int)d->match * 4 + state_agrees(d) * 2 + !d->removable;
}

bool rootpick_settled(const struct rootpick_disk *disks, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (holds(&disks[i]) && disks[i].match == DEVPATH_EXACT)
			return true;
	return false;
}

int rootpick(const struct rootpick_disk *disks, size_t count, enum bootstate_slot *ret_slot)
{
	const struct rootpick_disk *best = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (holds(&disks[i]) && (!best || score(&disks[i]) > score(best)))
			best = &disks[i];
	if (!best)
		return -1;
	if (best->holds_a && best->holds_b)
		/* Both the same: without a state GRUB takes a first. */
		*ret_slot = best->state_ok && best->state.booted == BOOTSTATE_B ? BOOTSTATE_B
										: BOOTSTATE_A;
	else
		*ret_slot = best->holds_a ? BOOTSTATE_A : BOOTSTATE_B;
	return (int)(best - disks);
}
