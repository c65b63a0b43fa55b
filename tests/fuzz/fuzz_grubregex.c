// SPDX-License-Identifier: Apache-2.0
/* Pattern, NUL, text. A match lies in the text, and a pattern of plain characters is strstr. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grubregex.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct grubregex_span groups[GRUBREGEX_GROUPS];
	char *copy = malloc(len + 1);
	const char *text;
	int i, rc;

	if (!copy)
		abort();
	if (len)
		memcpy(copy, buf, len);
	copy[len] = '\0';
	text = strlen(copy) < len ? copy + strlen(copy) + 1 : "";
	rc = grubregex_match(copy, text, groups);
	for (i = 0; rc == 1 && i < GRUBREGEX_GROUPS; i++) {
		int begin = groups[i].begin, end = groups[i].end;

		if ((begin < 0) != (end < 0) || begin > end || end > (int)strlen(text) ||
		    (begin >= 0 && (begin < groups[0].begin || end > groups[0].end)))
			abort();
	}
	if (rc >= 0 && !strpbrk(copy, "^$.[]()|*+?{}\\")) {
		const char *at = strstr(text, copy);

		if ((at != NULL) != (rc == 1) || (at && groups[0].begin != at - text))
			abort();
	}
	free(copy);
	return 0;
}
