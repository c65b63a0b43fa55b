// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "tpm2parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* First byte: which structure. What is read and written again must be the same. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	uint8_t again[TPM2_ATTEST_MAX], rs[P256_SIGNATURE_SIZE];
	struct tpm2_public p;
	struct tpm2_attest a;
	struct err err;

	if (len == 0)
		return 0;
	switch (*buf++ % 3) {
	case 0:
		if (tpm2_public_parse(buf, len - 1, &p, &err) == 0) {
			(void)tpm2_public_is_ak(&p, &err);
			(void)tpm2_public_is_identity(&p, &err);
			(void)tpm2_public_is_ek(&p, &err);
			if (p.modulus_len && p.modulus[0] == p.modulus[p.modulus_len - 1])
				return 0;
		}
		break;
	case 1:
		if (tpm2_attest_parse(buf, len - 1, &a, &err) == 0 &&
		    (a.type == TPM2_TYPE_QUOTE || a.type == TPM2_TYPE_CERTIFY) &&
		    (tpm2_attest_format(&a, again) != len - 1 || memcmp(again, buf, len - 1) != 0))
			abort();
		break;
	default:
		(void)tpm2_signature_parse(buf, len - 1, rs, &err);
		break;
	}
	return 0;
}
