// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

void sha256(const void *buf, size_t len, uint8_t ret_digest[static SHA256_SIZE])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, buf, len);
	sha256_final(&h, ret_digest);
}
