// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>

#include "ndopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct ndopt_rdnss rdnss;

	if (ndopt_read_rdnss(buf, len, &rdnss) > 0 && rdnss.count > NDOPT_DNS_MAX)
		__builtin_trap();
	return 0;
}
