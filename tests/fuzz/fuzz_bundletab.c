// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

static uint64_t take(const uint8_t **buf, size_t *len, size_t bytes)
{
	uint64_t v = 0;

	for (; bytes && *len; bytes--, (*buf)++, (*len)--)
		v = v << 8 | **buf;
	return v;
}

/*
 * Signed tables of a manifest made of the input's first bytes: those that are taken can be walked
 * and hold together.
 */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct bundle b;
	uint8_t *tables;
	int i;

	memset(&b, 0, sizeof(b));
	for (i = 0; i < BUNDLE_IMAGES; i++) {
		struct bundle_image *m = &b.image[i];

		m->size_bytes = BUNDLE_BLOCK_BYTES * (1 + take(&buf, &len, 2));
		m->frame_bytes = BUNDLE_BLOCK_BYTES * (1 + (uint32_t)take(&buf, &len, 1));
		m->payload_bytes = 1 + take(&buf, &len, 3);
		m->present = i != BUNDLE_ESP || take(&buf, &len, 1) % 2;
		m->encoding = take(&buf, &len, 1) % 2 ? BUNDLE_RAW : BUNDLE_ZSTD;
	}
	if (len > BUNDLE_TABLES_MAX || !(tables = malloc(len ? len : 1)))
		return 0;
	memcpy(tables, buf, len);
	b.tables_bytes = (uint32_t)len;
	sha256(tables, len, b.tables_sha256);
	if (bundle_tables_check(&b, tables, len, NULL) == 0) {
		for (i = 0; i < BUNDLE_IMAGES; i++) {
			enum bundle_image_id id = (enum bundle_image_id)i;
			struct bundle_frame f;
			uint64_t out = 0;
			uint32_t n = 0;

			if (!b.image[i].present)
				continue;
			bundle_frame_first(&b, tables, id, &f);
			do {
				if (f.output_at != out || f.sha256 < tables ||
				    f.sha256 + SHA256_SIZE > tables + len)
					abort();
				out += f.output_bytes;
				n++;
			} while (bundle_frame_next(&b, tables, id, &f));
			if (out != b.image[i].size_bytes || n != bundle_frames(&b.image[i]) ||
			    f.payload_at + f.payload_bytes != b.image[i].payload_bytes)
				abort();
			if (bundle_piece_sha256(&b, tables, id, bundle_pieces(&b.image[i]) - 1) +
				    SHA256_SIZE >
			    tables + len)
				abort();
		}
	}
	free(tables);
	return 0;
}
