// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "installspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct installspec s;
	struct err err;

	if (installspec_parse((const char *)buf, len, &s, &err) == 0 &&
	    (s.transport >= INSTALL_OTHER || strlen(s.model) >= sizeof(s.model)))
		abort();
	return 0;
}
