// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>

#include "credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const uint8_t seed[SHA256_SIZE] = { 1 }, name[TPM2_NAME_SIZE] = { 0, 0x0b };
	uint8_t secret[CREDENTIAL_SECRET_MAX];
	struct credential c;
	struct err err;
	size_t n;

	if (credential_parse(buf, len, &c, &err) == 0)
		(void)credential_open(&c, seed, name, secret, &n);
	return 0;
}
