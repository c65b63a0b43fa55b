// SPDX-License-Identifier: Apache-2.0
/* What is sealed, for people. */
#include <errno.h>
#include <stdio.h>

#include "agent/trust/volume.h"
#include "hex.h"

size_t volume_text(struct volume *v, char *ret_text, size_t size)
{
	static const char *const policies[] = { "require", "prefer", "none" };
	struct keyhead h;
	struct err err = { "" };
	uint64_t counter = 0;
	size_t used;
	uint32_t i;
	int rc = v->fd < 0 ? -ENOENT : keyhead_read(&v->io, &h, NULL, &err);
	int n = snprintf(ret_text, size, "policy=%s\n", policies[v->policy]);

	if (rc)
		return (size_t)n;
	if (tpm_counter_read(v->tpm, h.nv_index, &counter, &err))
		counter = 0;
	used = (size_t)n;
	n = snprintf(ret_text + used, size - used,
		     "counter=%llu\nfloor=%llu\ngood=%llu\nrecovery=%s\nsealed=%u\n",
		     (unsigned long long)counter, (unsigned long long)h.floor,
		     (unsigned long long)h.good_release, h.recovery_len ? "yes" : "no", h.blobs);
	used += (size_t)n;
	for (i = 0; i < h.blobs && used + 128 < size; i++) {
		const struct keyhead_blob *b = &h.blob[i];
		char root[17];

		hex_encode(b->roothash, 8, root);
		n = snprintf(ret_text + used, size - used,
			     "sealed%u=\"release=%llu loader=%u counter=%llu root=%s\"\n", i,
			     (unsigned long long)b->release, b->generation,
			     (unsigned long long)b->counter, root);
		used += (size_t)n;
	}
	return used;
}
