// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "datahead.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* A head of the right size; nothing but zeros is ever formatted without a mark or a label of ours.
 */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const uint8_t zero[DATAHEAD_BYTES];
	uint8_t head[DATAHEAD_BYTES] = { 0 };
	enum datahead what;

	memcpy(head, buf, len < sizeof(head) ? len : sizeof(head));
	what = datahead_judge(head);
	if (!datahead_name(what))
		abort();
	if (what == DATAHEAD_EMPTY && memcmp(head, zero, sizeof(head)) != 0)
		abort();
	if (what == DATAHEAD_MAKING && memcmp(head, "CAIRN-DATA", 10) != 0 &&
	    memcmp(head + 1024 + 0x78, DATAHEAD_LABEL, sizeof(DATAHEAD_LABEL)) != 0)
		abort();
	return 0;
}
