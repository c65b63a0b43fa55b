// SPDX-License-Identifier: Apache-2.0
#include "bundlekit.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "bytes.h"
#include "scripts/cairn/delta.h"
#include "verity.h"
#include "x86branch.h"

static const uint8_t salt[32] = { 's', 'a', 'l', 't' };

int kit_window_log;

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* Compresses to about a half: bytes of a small alphabet, another run of them for every seed. */
static void noise(uint8_t *p, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 28);
	}
}

static int keep_block(void *ctx, uint64_t block, const uint8_t bytes[static VERITY_BLOCK_BYTES])
{
	memcpy((uint8_t *)ctx + block * VERITY_BLOCK_BYTES, bytes, VERITY_BLOCK_BYTES);
	return 0;
}

void kit_release_make(struct kit_release *r, unsigned int number)
{
	struct verity *v = must(malloc(sizeof(*v)));
	unsigned int n;

	r->boot = must(malloc(KIT_BOOT_BYTES));
	r->root = must(malloc(KIT_ROOT_BYTES));
	noise(r->boot, KIT_BOOT_BYTES, 7 * number);
	noise(r->root, KIT_ROOT_BYTES, 1);
	/* Each release has a few places of its own, one near the end, and moves a part. */
	for (n = 2; n <= number; n++) {
		noise(r->root + 70000 * n, 3000, 100 + n);
		memmove(r->root + 400000 + 512 * n, r->root + 400000, 600000);
		noise(r->root + KIT_ROOT_BYTES - 9000 - 5000 * n, 2000, 200 + n);
	}
	r->tree_bytes = (size_t)verity_tree_blocks(KIT_ROOT_BYTES / VERITY_BLOCK_BYTES) *
			VERITY_BLOCK_BYTES;
	r->tree = must(malloc(r->tree_bytes));
	if (verity_init(v, KIT_ROOT_BYTES / VERITY_BLOCK_BYTES, salt, sizeof(salt), keep_block,
			r->tree) ||
	    verity_feed(v, r->root, KIT_ROOT_BYTES) || verity_finish(v, r->roothash))
		abort();
	free(v);
}

void kit_release_free(struct kit_release *r)
{
	free(r->boot);
	free(r->root);
	free(r->tree);
}

/* --- bundles --- */

/* The payload of one image, frame by frame, with the hashes of its frames. */
struct payload {
	uint8_t *bytes;
	size_t len;
	uint32_t frame_bytes[64];
	uint8_t frame_sha256[64][SHA256_SIZE];
};

static void add(struct payload *p, const uint8_t *bytes, size_t len)
{
	p->bytes = must(realloc(p->bytes, p->len + len + 1));
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static uint32_t add_zstd(struct payload *p, const uint8_t *out, size_t n)
{
	ZSTD_CCtx *c = must(ZSTD_createCCtx());
	size_t max = ZSTD_compressBound(n), len, left;
	uint8_t *buf = must(malloc(max));
	ZSTD_inBuffer from = { out, n, 0 };
	ZSTD_outBuffer to = { buf, max, 0 };

	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 3);
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog,
				     kit_window_log ? kit_window_log : BUNDLE_WINDOW_LOG);
	/* In two steps, so that the frame says its window and not its length. */
	left = ZSTD_compressStream2(c, &to, &from, ZSTD_e_flush);
	assert(left == 0);
	left = ZSTD_compressStream2(c, &to, &from, ZSTD_e_end);
	assert(left == 0);
	len = to.pos;
	add(p, buf, len);
	free(buf);
	(void)ZSTD_freeCCtx(c);
	return (uint32_t)len;
}

static void make_payload(struct payload *p, struct bundle_image *image, const uint8_t *bytes,
			 const uint8_t *old)
{
	struct delta_maker *maker = NULL;
	uint64_t at;
	uint32_t i = 0;

	memset(p, 0, sizeof(*p));
	p->bytes = must(malloc(1));
	if (image->encoding == BUNDLE_DELTA &&
	    delta_maker_new(old, image->base_size_bytes, bytes, image->size_bytes,
			    image->frame_bytes, &maker, NULL))
		abort();
	for (at = 0; at < image->size_bytes; at += image->frame_bytes, i++) {
		uint64_t left = image->size_bytes - at;
		size_t n = left < image->frame_bytes ? (size_t)left : image->frame_bytes;
		uint8_t *frame;

		sha256(bytes + at, n, p->frame_sha256[i]);
		if (image->encoding == BUNDLE_ZSTD) {
			p->frame_bytes[i] = add_zstd(p, bytes + at, n);
		} else if (image->encoding == BUNDLE_X86_ZSTD) {
			frame = memcpy(must(malloc(n)), bytes + at, n);
			x86branch_encode(frame, n);
			p->frame_bytes[i] = add_zstd(p, frame, n);
			free(frame);
		} else if (image->encoding == BUNDLE_DELTA) {
			if (delta_maker_frame(maker, i, &frame, &p->frame_bytes[i], NULL))
				abort();
			add(p, frame, p->frame_bytes[i]);
			free(frame);
		} else {
			add(p, bytes + at, n);
			p->frame_bytes[i] = (uint32_t)n;
		}
	}
	if (maker)
		delta_maker_free(maker);
	image->payload_bytes = p->len;
}

static uint8_t *put_table(uint8_t *at, const struct bundle_image *image, const struct payload *p)
{
	uint32_t frames = bundle_frames(image), pieces = bundle_pieces(image), i;

	le32_store(at, frames);
	le32_store(at + 4, pieces);
	at += 8;
	for (i = 0; i < frames; i++, at += 4 + SHA256_SIZE) {
		le32_store(at, p->frame_bytes[i]);
		memcpy(at + 4, p->frame_sha256[i], SHA256_SIZE);
	}
	for (i = 0; i < pieces; i++, at += SHA256_SIZE) {
		size_t from = (size_t)i * BUNDLE_PIECE_BYTES, left = p->len - from;

		sha256(p->bytes + from, left < BUNDLE_PIECE_BYTES ? left : BUNDLE_PIECE_BYTES, at);
	}
	return at;
}

static void describe(struct bundle_image *image, const uint8_t *bytes, size_t len,
		     enum bundle_encoding encoding, const uint8_t *old)
{
	image->present = true;
	image->size_bytes = len;
	image->frame_bytes = KIT_FRAME_BYTES;
	image->encoding = encoding;
	sha256(bytes, len, image->sha256);
	if (encoding == BUNDLE_DELTA) {
		image->base_size_bytes = len;
		sha256(old, len, image->base_sha256);
	}
}

void kit_bundle_make(struct kit_bundle *b, const struct kit_release *r,
		     enum bundle_encoding encoding, const struct kit_release *from)
{
	struct bundle_image *boot = &b->bundle.image[BUNDLE_BOOT];
	struct bundle_image *root = &b->bundle.image[BUNDLE_ROOT];
	struct payload of_boot, of_root;
	uint8_t *tables, *at;

	memset(b, 0, sizeof(*b));
	/* A boot image goes whole in a delta, as a signed kernel does. */
	describe(boot, r->boot, KIT_BOOT_BYTES, encoding == BUNDLE_RAW ? BUNDLE_RAW : BUNDLE_ZSTD,
		 NULL);
	describe(root, r->root, KIT_ROOT_BYTES, encoding, from ? from->root : NULL);
	root->salt_len = sizeof(salt);
	memcpy(root->salt, salt, sizeof(salt));
	memcpy(root->roothash, r->roothash, SHA256_SIZE);
	b->bundle.delta = encoding == BUNDLE_DELTA;
	if (from)
		memcpy(b->bundle.base, from->roothash, SHA256_SIZE);
	b->bundle.pcrs.events = b->bundle.pcrs.loaders = 1;
	strcpy(b->bundle.pcrs.event[0].what, "vmlinuz");
	b->bundle.pcrs.loader[0].generation = 1;
	pcrrelease_finish(&b->bundle.pcrs);
	make_payload(&of_boot, boot, r->boot, NULL);
	make_payload(&of_root, root, r->root, from ? from->root : NULL);
	b->bundle.tables_bytes = (uint32_t)bundle_tables_bytes(&b->bundle);
	b->file_bytes = (size_t)bundle_payload_at(&b->bundle, KIT_HEAD_BYTES, BUNDLE_IMAGES);
	b->file = must(calloc(1, b->file_bytes));
	tables = b->file + KIT_HEAD_BYTES;
	at = put_table(put_table(tables, boot, &of_boot), root, &of_root);
	assert(at == tables + b->bundle.tables_bytes);
	sha256(tables, b->bundle.tables_bytes, b->bundle.tables_sha256);
	memcpy(at, of_boot.bytes, of_boot.len);
	memcpy(at + of_boot.len, of_root.bytes, of_root.len);
	free(of_boot.bytes);
	free(of_root.bytes);
	b->tables = tables;
	if (bundle_tables_check(&b->bundle, tables, b->bundle.tables_bytes, NULL))
		abort();
}

void kit_bundle_free(struct kit_bundle *b)
{
	free(b->file);
}

/* --- the source --- */

static int begin(void *ctx, uint64_t offset, uint64_t len, struct err *err)
{
	struct kit_source *s = ctx;

	s->begins++;
	if (len > s->bundle->file_bytes || offset > s->bundle->file_bytes - len)
		return err_set(err, -ENODATA, "beyond the file");
	s->at = offset;
	s->end = offset + len;
	return 0;
}

static int pull(void *ctx, void *ret_buf, size_t len, struct err *err)
{
	struct kit_source *s = ctx;

	s->pulls++;
	if (s->pulls == s->fail_at)
		return err_set(err, -ETIMEDOUT, "the link is lost");
	if (len > s->end - s->at)
		return err_set(err, -ENODATA, "more than was asked for");
	memcpy(ret_buf, s->bundle->file + s->at, len);
	if (s->damage_at && s->pulls >= s->damage_at && s->pulls <= s->damage_at + s->damages)
		((uint8_t *)ret_buf)[len / 3] ^= 1;
	s->at += len;
	return 0;
}

void kit_source(struct kit_source *s, const struct kit_bundle *b, struct piecefeed_source *ret)
{
	memset(s, 0, sizeof(*s));
	s->bundle = b;
	*ret = (struct piecefeed_source){ s, begin, pull };
}
