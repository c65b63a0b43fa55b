// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "stage1.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* The record of a stage-1 replacement: what is taken is written back the same. And an ESP's head.
 */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	uint8_t sector[STAGE1_RECORD_BYTES] = { 0 }, back[STAGE1_RECORD_BYTES];
	struct stage1_record r, again;

	(void)stage1_generation(buf, len);
	(void)stage1_record_parse(buf, len, &r);
	memcpy(sector, buf, len < sizeof(sector) ? len : sizeof(sector));
	if (stage1_record_parse(sector, sizeof(sector), &r))
		return 0;
	if (r.phase >= STAGE1_PHASES || r.tries > STAGE1_TRIES)
		abort();
	stage1_record_format(&r, back);
	if (stage1_record_parse(back, sizeof(back), &again) || again.phase != r.phase ||
	    again.generation != r.generation || again.tries != r.tries ||
	    memcmp(again.boot_id, r.boot_id, sizeof(r.boot_id)) != 0)
		abort();
	return 0;
}
