// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* What parses can be hashed, and an unsigned image can be signed with the same hash. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const uint8_t pkcs7[21] = { 0x30, 0x13 };
	uint8_t digest[SHA256_SIZE], again[SHA256_SIZE], *copy;
	struct pe pe;
	size_t total = pe_signed_bytes(len, sizeof(pkcs7));

	if (pe_parse(buf, len, &pe, NULL))
		return 0;
	pe_hash(buf, len, &pe, pe.cert_bytes ? 0 : pe_pad(len), digest);
	if (pe.cert_bytes)
		return 0;
	copy = malloc(total);
	if (!copy)
		return 0;
	memcpy(copy, buf, len);
	if (pe_attach(copy, len, &pe, pkcs7, sizeof(pkcs7)) || pe_parse(copy, total, &pe, NULL))
		abort();
	pe_hash(copy, total, &pe, 0, again);
	if (memcmp(digest, again, sizeof(digest)) != 0)
		abort();
	free(copy);
	return 0;
}
