// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "attestlist.h"
#include "attestrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* Lists of events and records of machines: one form only. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static char text[ATTESTLIST_MAX];
	static struct attest_machine m;
	static struct pcrlist list;
	struct err err;
	size_t n;

	if (attestlist_parse(buf, len, &list, &err) == 0 &&
	    (attestlist_format(&list, text, &n) || n != len || memcmp(text, buf, n) != 0))
		abort();
	if (attestrecord_parse(buf, len, &m, &err) == 0 &&
	    (attestrecord_format(&m, text, &n) || n != len || memcmp(text, buf, n) != 0))
		abort();
	return 0;
}
