// SPDX-License-Identifier: Apache-2.0
/* The tables of a bundle: where each frame's payload lies, and the hashes of frames and pieces. */
#include "bundle.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

enum { HEAD_BYTES = 8, FRAME_BYTES = 4 + SHA256_SIZE };

uint32_t bundle_frames(const struct bundle_image *image)
{
	if (!image->present)
		return 0;
	return (uint32_t)((image->size_bytes + image->frame_bytes - 1) / image->frame_bytes);
}

uint32_t bundle_pieces(const struct bundle_image *image)
{
	if (!image->present)
		return 0;
	return (uint32_t)((image->payload_bytes + BUNDLE_PIECE_BYTES - 1) / BUNDLE_PIECE_BYTES);
}

static uint64_t image_bytes(const struct bundle_image *image)
{
	if (!image->present)
		return 0;
	return HEAD_BYTES + (uint64_t)bundle_frames(image) * FRAME_BYTES +
	       (uint64_t)bundle_pieces(image) * SHA256_SIZE;
}

uint64_t bundle_tables_bytes(const struct bundle *b)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < BUNDLE_IMAGES; i++)
		sum += image_bytes(&b->image[i]);
	return sum;
}

/* Where an image's part of the tables begins. */
static const uint8_t *part(const struct bundle *b, const uint8_t *tables, enum bundle_image_id id)
{
	int i;

	for (i = 0; i < (int)id; i++)
		tables += image_bytes(&b->image[i]);
	return tables;
}

static int check_image(const struct bundle *b, const uint8_t *tables, enum bundle_image_id id,
		       struct err *err)
{
	const struct bundle_image *m = &b->image[id];
	const uint8_t *p = part(b, tables, id);
	struct bundle_frame f;
	uint64_t sum = 0;

	if (le32_load(p) != bundle_frames(m) || le32_load(p + 4) != bundle_pieces(m))
		return err_set(err, -EBADMSG,
			       "%s: the tables have another number of frames or pieces",
			       bundle_image_name(id));
	bundle_frame_first(b, tables, id, &f);
	do {
		if (!f.payload_bytes ||
		    (m->encoding == BUNDLE_RAW && f.payload_bytes != f.output_bytes))
			return err_set(err, -EBADMSG, "%s: a frame with a payload of %lu bytes",
				       bundle_image_name(id), (unsigned long)f.payload_bytes);
		sum += f.payload_bytes;
	} while (bundle_frame_next(b, tables, id, &f));
	if (sum != m->payload_bytes)
		return err_set(err, -EBADMSG, "%s: the frames are not the whole payload",
			       bundle_image_name(id));
	return 0;
}

int bundle_tables_check(const struct bundle *b, const uint8_t *tables, size_t len, struct err *err)
{
	uint8_t digest[SHA256_SIZE];
	int i, rc;

	if (len != b->tables_bytes || len != bundle_tables_bytes(b))
		return err_set(err, -EBADMSG, "the tables have another size");
	sha256(tables, len, digest);
	if (memcmp(digest, b->tables_sha256, sizeof(digest)) != 0)
		return err_set(err, -EKEYREJECTED, "the tables are not those of the manifest");
	for (i = 0; i < BUNDLE_IMAGES; i++) {
		if (!b->image[i].present)
			continue;
		rc = check_image(b, tables, (enum bundle_image_id)i, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The frame's entry, and how much output is its. */
static void fill(const struct bundle_image *m, const uint8_t *entry, struct bundle_frame *f)
{
	uint64_t rest = m->size_bytes - f->output_at;

	f->payload_bytes = le32_load(entry);
	f->output_bytes = rest < m->frame_bytes ? (uint32_t)rest : m->frame_bytes;
	f->sha256 = entry + 4;
}

void bundle_frame_first(const struct bundle *b, const uint8_t *tables, enum bundle_image_id id,
			struct bundle_frame *ret)
{
	ret->payload_at = ret->output_at = 0;
	fill(&b->image[id], part(b, tables, id) + HEAD_BYTES, ret);
}

bool bundle_frame_next(const struct bundle *b, const uint8_t *tables, enum bundle_image_id id,
		       struct bundle_frame *frame)
{
	const struct bundle_image *m = &b->image[id];

	(void)tables;
	if (m->size_bytes - frame->output_at <= m->frame_bytes)
		return false;
	frame->payload_at += frame->payload_bytes;
	frame->output_at += m->frame_bytes;
	fill(m, frame->sha256 + SHA256_SIZE, frame);
	return true;
}

const uint8_t *bundle_piece_sha256(const struct bundle *b, const uint8_t *tables,
				   enum bundle_image_id id, uint32_t piece)
{
	return part(b, tables, id) + HEAD_BYTES +
	       (uint64_t)bundle_frames(&b->image[id]) * FRAME_BYTES + (uint64_t)piece * SHA256_SIZE;
}

uint64_t bundle_payload_at(const struct bundle *b, size_t head, enum bundle_image_id id)
{
	uint64_t at = head + (uint64_t)b->tables_bytes;
	int i;

	for (i = 0; i < (int)id; i++)
		if (b->image[i].present)
			at += b->image[i].payload_bytes;
	return at;
}
