// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "authenticode.h"
#include "efiauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* No image is let in by keys that let nothing in; and a bare signature is taken apart. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	const struct authenticode_keys none = { .db = buf, .dbx = buf };
	uint8_t digest[SHA256_SIZE];
	struct authenticode a;
	struct err err;

	if (!authenticode_check(buf, len, &none, digest, &err))
		abort();
	if (!authenticode_verify(buf, len, &a, &err) && (a.cert < buf || a.cert_len > len))
		abort();
	return 0;
}
