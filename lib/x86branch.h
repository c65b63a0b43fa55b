// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_X86BRANCH_H
#define CAIRN_X86BRANCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A filter that makes x86-64 code compress better, without loss for any bytes: programs say where
 * they call to and what they load by distance, so the same target looks different at each place.
 * The filter makes absolute positions of the 32-bit distances in
 *
 *     e8, e9                                       call, jmp
 *     48 or 4c, 39 3b 89 8b 8d, mod 0 with rm 5    cmp, mov, lea relative to the instruction
 *
 * A block is at most X86BRANCH_SPAN bytes, positions count from its start, and blocks know nothing
 * of each other. With p the first byte's position, a distance d in [-p, SPAN - p) becomes d + p,
 * one in [SPAN - p, SPAN) becomes d - SPAN, every other stays: both ways are one to one.
 */

#define X86BRANCH_SPAN (1u << 24)
#define X86BRANCH_LONGEST 7 /* bytes of the longest pattern */

/* x86branch_encode - filter a whole block in place. */
void x86branch_encode(uint8_t *block, size_t len);

/*
 * x86branch_decode - undo it in place, in slices. buf holds len bytes of the block from position
 * pos on; patterns that begin in [from, stop) are undone, and the scan ends early at the first
 * one for which bytes might be missing, unless the block ends with the buffer (last).
 * Returns where to go on: what is before is done.
 */
size_t x86branch_decode(uint8_t *buf, size_t len, uint32_t pos, size_t from, size_t stop,
			bool last);

#endif
