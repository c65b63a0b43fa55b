// SPDX-License-Identifier: Apache-2.0
#include "sha256core.h"

#include "bytes.h"

static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static inline uint32_t ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* The names of FIPS 180-4. */
static inline uint32_t small0(uint32_t x)
{
	return ror(x, 7) ^ ror(x, 18) ^ x >> 3;
}

static inline uint32_t small1(uint32_t x)
{
	return ror(x, 17) ^ ror(x, 19) ^ x >> 10;
}

static inline uint32_t big0(uint32_t x)
{
	return ror(x, 2) ^ ror(x, 13) ^ ror(x, 22);
}

static inline uint32_t big1(uint32_t x)
{
	return ror(x, 6) ^ ror(x, 11) ^ ror(x, 25);
}

/* One round without moving the variables: the caller renames them. */
static inline void step(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f,
			uint32_t g, uint32_t *h, uint32_t kw)
{
	uint32_t t = *h + big1(e) + (g ^ (e & (f ^ g))) + kw;

	*d += t;
	*h = t + big0(a) + ((a & b) | (c & (a | b)));
}

static void block(uint32_t state[static 8], const uint8_t *p)
{
	uint32_t w[64], a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	unsigned int i;

	for (i = 0; i < 16; i++)
		w[i] = be32_load(p + 4 * i);
	for (; i < 64; i++)
		w[i] = small1(w[i - 2]) + w[i - 7] + small0(w[i - 15]) + w[i - 16];
	for (i = 0; i < 64; i += 8) {
		step(a, b, c, &d, e, f, g, &h, k[i] + w[i]);
		step(h, a, b, &c, d, e, f, &g, k[i + 1] + w[i + 1]);
		step(g, h, a, &b, c, d, e, &f, k[i + 2] + w[i + 2]);
		step(f, g, h, &a, b, c, d, &e, k[i + 3] + w[i + 3]);
		step(e, f, g, &h, a, b, c, &d, k[i + 4] + w[i + 4]);
		step(d, e, f, &g, h, a, b, &c, k[i + 5] + w[i + 5]);
		step(c, d, e, &f, g, h, a, &b, k[i + 6] + w[i + 6]);
		step(b, c, d, &e, f, g, h, &a, k[i + 7] + w[i + 7]);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void sha256core_portable(uint32_t state[static 8], const uint8_t *data, size_t blocks)
{
	for (; blocks; blocks--, data += SHA256_BLOCK_BYTES)
		block(state, data);
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/*
 * Four rounds an instruction pair. m0 holds the next four words of the schedule; while they are
 * used, m3's successor is prepared from m0 to m3 (Intel, "Intel SHA Extensions", July 2013).
 */
#define ROUNDS(m, i)                                                                               \
	do {                                                                                       \
		msg = _mm_add_epi32(m, _mm_loadu_si128((const __m128i *)(const void *)(k + (i)))); \
		s1 = _mm_sha256rnds2_epu32(s1, s0, msg);                                           \
		s0 = _mm_sha256rnds2_epu32(s0, s1, _mm_shuffle_epi32(msg, 0x0e));                  \
	} while (0)

/* The four words after m3, which replace m0. */
#define NEXT(m0, m1, m2, m3)                                                                       \
	_mm_sha256msg2_epu32(                                                                      \
		_mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4)), m3)

__attribute__((target("sha,sse4.1,ssse3"))) static void shani(uint32_t state[static 8],
							      const uint8_t *data, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
	__m128i s0, s1, msg, m0, m1, m2, m3, was0, was1;
	unsigned int i;

	/* The instructions want the state as ABEF and CDGH. */
	s0 = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
	s1 = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);
	msg = _mm_alignr_epi8(s0, s1, 8);
	s1 = _mm_blend_epi16(s1, s0, 0xf0);
	s0 = msg;
	for (; blocks; blocks--, data += SHA256_BLOCK_BYTES) {
		const __m128i *in = (const __m128i *)(const void *)data;

		was0 = s0;
		was1 = s1;
		m0 = _mm_shuffle_epi8(_mm_loadu_si128(in), swap);
		m1 = _mm_shuffle_epi8(_mm_loadu_si128(in + 1), swap);
		m2 = _mm_shuffle_epi8(_mm_loadu_si128(in + 2), swap);
		m3 = _mm_shuffle_epi8(_mm_loadu_si128(in + 3), swap);
		for (i = 0; i < 48; i += 16) {
			ROUNDS(m0, i);
			m0 = NEXT(m0, m1, m2, m3);
			ROUNDS(m1, i + 4);
			m1 = NEXT(m1, m2, m3, m0);
			ROUNDS(m2, i + 8);
			m2 = NEXT(m2, m3, m0, m1);
			ROUNDS(m3, i + 12);
			m3 = NEXT(m3, m0, m1, m2);
		}
		ROUNDS(m0, 48);
		ROUNDS(m1, 52);
		ROUNDS(m2, 56);
		ROUNDS(m3, 60);
		s0 = _mm_add_epi32(s0, was0);
		s1 = _mm_add_epi32(s1, was1);
	}
	s0 = _mm_shuffle_epi32(s0, 0x1b);
	s1 = _mm_shuffle_epi32(s1, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(s0, s1, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(s1, s0, 8));
}

/* CPUID leaf 1 ECX: SSSE3, SSE4.1; leaf 7 EBX: SHA. */
sha256core_fn *sha256core_shani(void)
{
	enum { SSSE3 = 1 << 9, SSE41 = 1 << 19, SHA = 1 << 29 };
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & SSSE3) || !(c & SSE41))
		return NULL;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & SHA))
		return NULL;
	return shani;
}
#else
sha256core_fn *sha256core_shani(void)
{
	return NULL;
}
#endif

sha256core_fn *sha256core_best(void)
{
	sha256core_fn *fast = sha256core_shani();

	return fast ? fast : sha256core_portable;
}
