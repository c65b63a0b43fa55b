// SPDX-License-Identifier: Apache-2.0
/* The reader of recorded writes; the tests' own, so its source comes along. */
#include <stdlib.h>

#include "../cut/dmlog.c"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct dmlog_entry e = { 0 };
	struct dmlog l = { 0 };
	volatile uint8_t sum = 0; /* every byte that it points at can be read */

	if (dmlog_open(buf, len, &l, NULL) || !l.sector_bytes)
		return 0;
	while (dmlog_next(&l, &e, NULL) == 1) {
		if (e.offset_bytes + e.len_bytes > DMLOG_DISK_MAX_BYTES || l.next > l.entries)
			abort();
		for (uint64_t i = 0; e.kind == DMLOG_WRITE && i < e.len_bytes; i++)
			sum = (uint8_t)(sum ^ e.data[i]);
	}
	return 0;
}
