// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "datafile.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct datafile_head head;
	const uint8_t *body;
	struct err err;

	if (datafile_head(buf, len, &head, &body, &err) == 0 &&
	    ((size_t)(body - buf) + head.body_len != len || head.format > DATAFILE_FORMAT_MAX))
		abort();
	return 0;
}
