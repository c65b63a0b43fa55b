// SPDX-License-Identifier: Apache-2.0
#include "x86branch.h"

#include "bytes.h"

/* Where the distance lies in the pattern that begins here; 0: none does. */
static size_t distance_at(const uint8_t *p, size_t left)
{
	if (left >= 5 && (p[0] & 0xfe) == 0xe8)
		return 1;
	if (left < X86BRANCH_LONGEST || (p[0] & 0xfb) != 0x48 || (p[2] & 0xc7) != 0x05)
		return 0;
	switch (p[1]) {
	case 0x39:
	case 0x3b:
	case 0x89:
	case 0x8b:
	case 0x8d:
		return 3;
	default:
		return 0;
	}
}

static void to_absolute(uint8_t *p, int64_t pos)
{
	int64_t d = (int32_t)le32_load(p);

	if (d >= -pos && d < (int64_t)X86BRANCH_SPAN - pos)
		d += pos;
	else if (d >= (int64_t)X86BRANCH_SPAN - pos && d < (int64_t)X86BRANCH_SPAN)
		d -= X86BRANCH_SPAN;
	le32_store(p, (uint32_t)d);
}

static void to_distance(uint8_t *p, int64_t pos)
{
	int64_t d = (int32_t)le32_load(p);

	if (d >= 0 && d < (int64_t)X86BRANCH_SPAN)
		d -= pos;
	else if (d >= -pos && d < 0)
		d += X86BRANCH_SPAN;
	le32_store(p, (uint32_t)d);
}

void x86branch_encode(uint8_t *block, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t at = distance_at(block + i, len - i);

		if (at)
			to_absolute(block + i + at, (int64_t)i);
		i += at ? at + 4 : 1;
	}
}

size_t x86branch_decode(uint8_t *buf, size_t len, uint32_t pos, size_t from, size_t stop, bool last)
{
	size_t i = from;

	while (i < stop && (last || len - i >= X86BRANCH_LONGEST)) {
		size_t at = distance_at(buf + i, len - i);

		if (at)
			to_distance(buf + i + at, (int64_t)pos + (int64_t)i);
		i += at ? at + 4 : 1;
	}
	return i;
}
