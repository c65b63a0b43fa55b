// SPDX-License-Identifier: Apache-2.0
/* A log is the reference of itself: what pcrlist_add_firmware takes from it, it must match. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pcr4.h"
#include "pcrlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static struct pcrlist list;
	struct pcrlist_result result;
	struct eventlog_pcrs pcrs;
	struct pcr4_split split;
	uint8_t pcr[SHA256_SIZE];
	struct err err;

	pcrlist_init(&list, 0xefu); /* all of the firmware's but PCR 4 */
	if (pcrlist_add_firmware(&list, buf, len, &err) == 0) {
		if (pcrlist_check(&list, buf, len, &result, &err) ||
		    result.verdict != PCRLIST_MATCH)
			abort();
	}
	/* Whatever a log holds, its differences from an empty list can be told. */
	pcrlist_init(&list, 0xffffffu);
	if (pcrlist_check(&list, buf, len, &result, &err) == 0)
		pcrlist_explain(&result, &err);
	if (pcr4_split(buf, len, &split, &err) == 0) {
		/* Replaced by themselves, PCR 4 is what it was. */
		if (pcr4_on_machine(buf, len, split.loader, split.kernel, pcr, &err) ||
		    eventlog_replay(buf, len, &pcrs, &err) ||
		    memcmp(pcr, pcrs.pcr[4], SHA256_SIZE) != 0)
			abort();
	}
	return 0;
}
