// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SHA256CORE_H
#define CAIRN_SHA256CORE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The compression function of SHA-256 (FIPS 180-4, 6.2.2), twice: portable, and with the SHA
 * instructions of x86-64, which are four to five times as fast. The device's backend of crypto.h
 * is made of these; hosts have libcrypto's.
 */

#define SHA256_BLOCK_BYTES 64

/* Takes whole blocks into the eight words of state. */
typedef void sha256core_fn(uint32_t state[static 8], const uint8_t *data, size_t blocks);

sha256core_fn sha256core_portable;

/*
 * sha256core_best - the fastest that this processor can do. Asks the processor at each call, so
 * keep the answer.
 */
sha256core_fn *sha256core_best(void);

/* sha256core_shani - the one with instructions; NULL where compiler or processor has none. */
sha256core_fn *sha256core_shani(void);

#endif
