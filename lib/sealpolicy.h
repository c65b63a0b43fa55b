// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SEALPOLICY_H
#define CAIRN_SEALPOLICY_H

#include <stdint.h>

#include "crypto.h"
#include "keyhead.h"

/*
 * When a sealed object opens, as the TPM computes it: PolicyPCR, then PolicyNV. Computed here and
 * not asked of the TPM, because the PCRs of a release that has not run yet are not in it.
 */

/*
 * The counter, one a device: an NV index of type counter that the owner may read and only the
 * holder of its authorisation value may raise. It is exempt from the dictionary lockout. What is
 * below is also what its Name is made of, so an index of another kind at the same place does not
 * do (TPM 2.0 Part 2 r1.59, TPMA_NV: AUTHWRITE, TPM_NT_COUNTER, OWNERREAD, NO_DA; WRITTEN).
 */
#define SEALPOLICY_NV_INDEX 0x0180ca10u
#define SEALPOLICY_NV_ATTRIBUTES 0x02020014u
#define SEALPOLICY_NV_WRITTEN 0x20000000u
#define SEALPOLICY_NV_BYTES 8u
#define SEALPOLICY_NAME_BYTES (2 + SHA256_SIZE)

/* sealpolicy_nv_name - the Name of the counter's index, once it was written (Part 1 r1.59, 16). */
void sealpolicy_nv_name(uint32_t nv_index, uint8_t ret_name[static SEALPOLICY_NAME_BYTES]);

/*
 * sealpolicy - PolicyPCR(SHA-256 bank, mask, values), PolicyNV(counter == value) (Part 3 r1.59,
 * 23.7 and 23.9). pcr: one value for each bit of the mask, ascending.
 */
void sealpolicy(uint32_t pcr_mask, const uint8_t pcr[][SHA256_SIZE], uint32_t nv_index,
		uint64_t counter, uint8_t ret_policy[static SHA256_SIZE]);

#endif
