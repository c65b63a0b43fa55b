// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "updatelog.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static struct updatelog log, again;
	static char text[UPDATELOG_SIZE_MAX];
	struct err err;
	size_t n;

	if (updatelog_parse(buf, len, &log, &err))
		return 0;
	/* What is read is written so that it is read again as the same. */
	n = updatelog_format(&log, text);
	if (n >= sizeof(text) || updatelog_parse((const uint8_t *)text, n, &again, &err) ||
	    again.attempts != log.attempts || again.refuseds != log.refuseds)
		abort();
	return 0;
}
