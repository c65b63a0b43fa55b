// SPDX-License-Identifier: Apache-2.0
#include "x86branch.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bytes.h"

/*
 * The first place from i on, before end, where a pattern may begin; end where none does. Two bytes
 * behind end can be read. Most of an image is passed here, so 16 bytes at once where that can be.
 */
static size_t next_place(const uint8_t *buf, size_t i, size_t end)
{
#ifdef __SSE2__
	const __m128i call = _mm_set1_epi8((char)0xe8), call_bits = _mm_set1_epi8((char)0xfe);
	const __m128i rex = _mm_set1_epi8(0x48), rex_bits = _mm_set1_epi8((char)0xfb);
	const __m128i modrm = _mm_set1_epi8(0x05), modrm_bits = _mm_set1_epi8((char)0xc7);

	for (; i < end && end - i >= 16; i += 16) {
		__m128i first = _mm_loadu_si128((const __m128i *)(const void *)(buf + i));
		__m128i third = _mm_loadu_si128((const __m128i *)(const void *)(buf + i + 2));
		__m128i calls = _mm_cmpeq_epi8(_mm_and_si128(first, call_bits), call);
		__m128i loads =
			_mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(first, rex_bits), rex),
				      _mm_cmpeq_epi8(_mm_and_si128(third, modrm_bits), modrm));
		int places = _mm_movemask_epi8(_mm_or_si128(calls, loads));

		if (places)
			return i + (size_t)__builtin_ctz((unsigned int)places);
	}
#endif
	while (i < end && (buf[i] & 0xfe) != 0xe8 &&
	       ((buf[i] & 0xfb) != 0x48 || (buf[i + 2] & 0xc7) != 0x05))
		i++;
	return i;
}

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
	size_t whole = len < X86BRANCH_LONGEST ? 0 : len - X86BRANCH_LONGEST + 1;
	size_t fast = stop < whole ? stop : whole, i = from;

	while (i < stop && (last || len - i >= X86BRANCH_LONGEST)) {
		size_t at;

		i = next_place(buf, i, fast);
		if (i >= stop || (!last && len - i < X86BRANCH_LONGEST))
			break;
		at = distance_at(buf + i, len - i);
		if (at)
			to_distance(buf + i + at, (int64_t)pos + (int64_t)i);
		i += at ? at + 4 : 1;
	}
	return i;
}
