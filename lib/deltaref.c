// SPDX-License-Identifier: Apache-2.0
#include "deltaref.h"

#include <stdbool.h>

#include "bytes.h"

/* References are not further than this; other words are no references. */
#define REACH (INT32_C(1) << 26)

/* opcodes - which one-byte opcodes take a ModRM byte and are common with a place in memory. */
static const uint32_t opcodes[8] = {
	0x0a0a0a0a,		/* 01 03 09 0b 11 13 19 1b */
	0x0e0e0a0a,		/* 21 23 29 2b 31 32 33 39 3a 3b */
	0x00000000, 0x00000008, /* 63 */
	0x0000ebfb,		/* 80 81 83 84 85 86 87 88 89 8b 8d 8e 8f */
	0x00000000, 0x000000c0, /* c6 c7 */
	0xc0c00000,		/* f6 f7 fe ff */
};

/*
 * x86: how many bytes before a 32-bit distance these are; 0: none. i + 1 < len.
 *     e8, e9         call, jmp
 *     0f 80..8f      conditional jumps
 *     opcode modrm   mod 00, r/m 101: relative to the instruction pointer
 *     0f any modrm
 */
static uint32_t before_ref(const uint8_t *p)
{
	if (p[0] == 0xe8 || p[0] == 0xe9)
		return 1;
	if (p[0] == 0x0f)
		return (p[1] & 0xf0) == 0x80 ? 2 : 0;
	if ((p[1] & 0xc7) == 0x05 && (opcodes[p[0] >> 5] >> (p[0] & 31) & 1))
		return 2;
	return 0;
}

void delta_refs_move(struct delta_map *m, uint32_t op, uint64_t old_pos, uint8_t *buf, uint32_t len)
{
	uint32_t i = 0;

	while (i + 6 <= len) {
		uint32_t n = before_ref(buf + i), word;

		if (n == 0 && i + 7 <= len && buf[i] == 0x0f && (buf[i + 2] & 0xc7) == 0x05)
			n = 3;
		if (n == 0) {
			i++;
			continue;
		}
		word = le32_load(buf + i + n);
		if (word + (uint32_t)REACH > 2 * (uint32_t)REACH) {
			i++;
			continue;
		}
		le32_store(buf + i + n, word + delta_map_predict(m, op, old_pos + i + n, word));
		i += n + 4;
	}
}
