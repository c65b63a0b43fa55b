// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "diskconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* Every layout that is accepted makes a table that fits its image. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static struct gpt g;
	struct diskconf conf;
	struct err err;
	unsigned int i;

	if (diskconf_parse(buf, len, &conf, &err))
		return 0;
	if (gpt_init(&g, (uint64_t)conf.image_mib * GPT_ALIGN_SECTORS, conf.disk_guid))
		abort();
	for (i = 0; i < DISKCONF_PARTS_MAX; i++) {
		const struct diskconf_part *p = &conf.parts[i];
		struct gpt_part part = {
			.type = { 1 },
			.first_lba = (uint64_t)p->start_mib * GPT_ALIGN_SECTORS,
			.last_lba = ((uint64_t)p->start_mib + p->size_mib) * GPT_ALIGN_SECTORS - 1,
		};

		if (p->name[0] && gpt_set(&g, i + 1, &part))
			abort();
	}
	return 0;
}
