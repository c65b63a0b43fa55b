// SPDX-License-Identifier: Apache-2.0
#include "sealpolicy.h"

#include <string.h>

#include "bytes.h"

#define CC_POLICY_NV 0x00000149u
#define CC_POLICY_PCR 0x0000017fu
#define ALG_SHA256 0x000bu
#define EO_EQ 0x0000u

void sealpolicy_nv_name(uint32_t nv_index, uint8_t ret_name[static SEALPOLICY_NAME_BYTES])
{
	uint8_t area[14];

	be32_store(area, nv_index);
	be16_store(area + 4, ALG_SHA256);
	be32_store(area + 6, SEALPOLICY_NV_ATTRIBUTES | SEALPOLICY_NV_WRITTEN);
	be16_store(area + 10, 0); /* no policy */
	be16_store(area + 12, SEALPOLICY_NV_BYTES);
	be16_store(ret_name, ALG_SHA256);
	sha256(area, sizeof(area), ret_name + 2);
}

void sealpolicy(uint32_t pcr_mask, const uint8_t pcr[][SHA256_SIZE], uint32_t nv_index,
		uint64_t counter, uint8_t ret_policy[static SHA256_SIZE])
{
	uint8_t policy[SHA256_SIZE] = { 0 }, digest[SHA256_SIZE], name[SEALPOLICY_NAME_BYTES];
	uint8_t head[4 + 4 + 2 + 1 + 3], operand[8 + 2 + 2], cc[4];
	struct sha256 h;
	uint32_t rest;
	size_t n = 0;

	sha256_init(&h);
	for (rest = pcr_mask; rest; rest &= rest - 1)
		sha256_update(&h, pcr[n++], SHA256_SIZE);
	sha256_final(&h, digest);

	be32_store(head, CC_POLICY_PCR);
	be32_store(head + 4, 1);
	be16_store(head + 8, ALG_SHA256);
	head[10] = 3;
	head[11] = (uint8_t)pcr_mask;
	head[12] = (uint8_t)(pcr_mask >> 8);
	head[13] = (uint8_t)(pcr_mask >> 16);
	sha256_init(&h);
	sha256_update(&h, policy, sizeof(policy));
	sha256_update(&h, head, sizeof(head));
	sha256_update(&h, digest, sizeof(digest));
	sha256_final(&h, policy);

	be32_store(operand, (uint32_t)(counter >> 32));
	be32_store(operand + 4, (uint32_t)counter);
	be16_store(operand + 8, 0); /* offset */
	be16_store(operand + 10, EO_EQ);
	sha256(operand, sizeof(operand), digest);
	be32_store(cc, CC_POLICY_NV);
	sealpolicy_nv_name(nv_index, name);
	sha256_init(&h);
	sha256_update(&h, policy, sizeof(policy));
	sha256_update(&h, cc, sizeof(cc));
	sha256_update(&h, digest, sizeof(digest));
	sha256_update(&h, name, sizeof(name));
	sha256_final(&h, ret_policy);
}
