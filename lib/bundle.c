// SPDX-License-Identifier: Apache-2.0
#include "bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctext.h"

static const char *const image_names[BUNDLE_IMAGES] = { "boot", "root", "esp" };
static const char *const encoding_names[BUNDLE_ENCODINGS] = { "raw", "zstd", "delta", "x86-zstd" };

const char *bundle_image_name(enum bundle_image_id id)
{
	return image_names[id];
}

const char *bundle_encoding_name(enum bundle_encoding encoding)
{
	return encoding_names[encoding];
}

static enum bundle_encoding read_encoding(struct doctext_in *in)
{
	int i;

	doctext_lit(in, "\nencoding=");
	for (i = 0; i < BUNDLE_ENCODINGS; i++) {
		if (doctext_next(in, encoding_names[i])) {
			doctext_lit(in, encoding_names[i]);
			return (enum bundle_encoding)i;
		}
	}
	doctext_fail(in);
	return BUNDLE_RAW;
}

static void read_root(struct doctext_in *in, struct bundle_image *m)
{
	doctext_lit(in, "\nsalt=");
	m->salt_len = doctext_hex_upto(in, m->salt, sizeof(m->salt));
	doctext_lit(in, "\nroothash=");
	doctext_hex(in, m->roothash, sizeof(m->roothash));
}

static void read_image(struct doctext_in *in, struct bundle_image *m, enum bundle_image_id id)
{
	uint64_t max = id == BUNDLE_ROOT ? BUNDLE_IMAGE_MAX : BUNDLE_FAT_MAX;

	doctext_lit(in, "image=");
	doctext_lit(in, image_names[id]);
	doctext_lit(in, "\nsize=");
	m->size_bytes = doctext_u64(in, BUNDLE_BLOCK_BYTES, max);
	doctext_lit(in, "\nsha256=");
	doctext_hex(in, m->sha256, sizeof(m->sha256));
	m->encoding = read_encoding(in);
	doctext_lit(in, "\npayload=");
	m->payload_bytes = doctext_u64(in, 1, 2 * BUNDLE_IMAGE_MAX);
	doctext_lit(in, "\nframe=");
	m->frame_bytes = (uint32_t)doctext_u64(in, BUNDLE_BLOCK_BYTES, BUNDLE_FRAME_MAX);
	if (m->encoding == BUNDLE_DELTA) {
		doctext_lit(in, "\nbase_size=");
		m->base_size_bytes = doctext_u64(in, 1, BUNDLE_IMAGE_MAX);
		doctext_lit(in, "\nbase_sha256=");
		doctext_hex(in, m->base_sha256, sizeof(m->base_sha256));
	}
	if (id == BUNDLE_ROOT)
		read_root(in, m);
	if (id == BUNDLE_ESP) {
		doctext_lit(in, "\ngeneration=");
		m->generation = (uint32_t)doctext_u64(in, 1, UINT32_MAX);
	}
	doctext_lit(in, "\n");
	m->present = !in->failed;
}

static void read_pcrs(struct doctext_in *in, struct pcrrelease *r)
{
	doctext_lit(in, "\nkernel=");
	doctext_hex(in, r->kernel, sizeof(r->kernel));
	while (doctext_next(in, "\nmeasured=") && r->events < PCRRELEASE_EVENTS_MAX) {
		struct pcrrelease_event *e = &r->event[r->events++];

		doctext_lit(in, "\nmeasured=");
		doctext_hex(in, e->digest, sizeof(e->digest));
		doctext_lit(in, " ");
		doctext_word(in, e->what, sizeof(e->what));
	}
	doctext_lit(in, "\npcr9=");
	doctext_hex(in, r->pcr9, sizeof(r->pcr9));
	while (doctext_next(in, "\nloader=") && r->loaders < PCRRELEASE_LOADERS_MAX) {
		struct pcrrelease_loader *l = &r->loader[r->loaders++];

		doctext_lit(in, "\nloader=");
		l->generation = (uint32_t)doctext_u64(in, 1, UINT32_MAX);
		doctext_lit(in, " ");
		doctext_hex(in, l->hash, sizeof(l->hash));
		doctext_lit(in, " ");
		doctext_hex(in, l->pcr4, sizeof(l->pcr4));
	}
}

static void read_head(struct doctext_in *in, struct bundle *b)
{
	doctext_lit(in, "cairn-bundle 1\ncompatible=");
	doctext_word(in, b->compatible, sizeof(b->compatible));
	doctext_lit(in, "\narchitecture=");
	doctext_word(in, b->architecture, sizeof(b->architecture));
	doctext_lit(in, "\nversion=");
	doctext_word(in, b->version, sizeof(b->version));
	doctext_lit(in, "\nrelease=");
	b->release = doctext_u64(in, 1, UINT64_MAX);
	doctext_lit(in, "\nfloor=");
	/* A floor above the release itself would be one that it cannot meet. */
	b->floor = doctext_u64(in, 0, b->release);
	doctext_lit(in, "\nstage1=");
	b->stage1 = (uint32_t)doctext_u64(in, 0, UINT32_MAX);
	doctext_lit(in, "\nencryption=none\nkind=");
	b->delta = doctext_next(in, "delta");
	doctext_lit(in, b->delta ? "delta\nbase=" : "full\nbase=-");
	if (b->delta)
		doctext_hex(in, b->base, sizeof(b->base));
	read_pcrs(in, &b->pcrs);
	doctext_lit(in, "\ntables=");
	b->tables_bytes = (uint32_t)doctext_u64(in, 1, BUNDLE_TABLES_MAX);
	doctext_lit(in, " ");
	doctext_hex(in, b->tables_sha256, sizeof(b->tables_sha256));
	doctext_lit(in, "\n");
}

static void write_image(struct doctext_out *out, const struct bundle_image *m,
			enum bundle_image_id id)
{
	doctext_put(out, "image=%s\nsize=%" PRIu64 "\nsha256=", image_names[id], m->size_bytes);
	doctext_put_hex(out, m->sha256, sizeof(m->sha256));
	doctext_put(out, "\nencoding=%s\npayload=%" PRIu64 "\nframe=%" PRIu32 "\n",
		    encoding_names[m->encoding], m->payload_bytes, m->frame_bytes);
	if (m->encoding == BUNDLE_DELTA) {
		doctext_put(out, "base_size=%" PRIu64 "\nbase_sha256=", m->base_size_bytes);
		doctext_put_hex(out, m->base_sha256, sizeof(m->base_sha256));
		doctext_put(out, "\n");
	}
	if (id == BUNDLE_ROOT) {
		doctext_put(out, "salt=");
		doctext_put_hex(out, m->salt, m->salt_len);
		doctext_put(out, "\nroothash=");
		doctext_put_hex(out, m->roothash, sizeof(m->roothash));
		doctext_put(out, "\n");
	}
	if (id == BUNDLE_ESP)
		doctext_put(out, "generation=%" PRIu32 "\n", m->generation);
}

static void write_pcrs(struct doctext_out *out, const struct pcrrelease *r)
{
	uint32_t i;

	doctext_put(out, "\nkernel=");
	doctext_put_hex(out, r->kernel, sizeof(r->kernel));
	for (i = 0; i < r->events; i++) {
		doctext_put(out, "\nmeasured=");
		doctext_put_hex(out, r->event[i].digest, SHA256_SIZE);
		doctext_put(out, " ");
		doctext_put_word(out, r->event[i].what, sizeof(r->event[i].what));
	}
	doctext_put(out, "\npcr9=");
	doctext_put_hex(out, r->pcr9, sizeof(r->pcr9));
	for (i = 0; i < r->loaders; i++) {
		doctext_put(out, "\nloader=%" PRIu32 " ", r->loader[i].generation);
		doctext_put_hex(out, r->loader[i].hash, SHA256_SIZE);
		doctext_put(out, " ");
		doctext_put_hex(out, r->loader[i].pcr4, SHA256_SIZE);
	}
}

static void write_document(const struct bundle *b, struct doctext_out *out)
{
	int i;

	doctext_put(out, "cairn-bundle 1\ncompatible=");
	doctext_put_word(out, b->compatible, sizeof(b->compatible));
	doctext_put(out, "\narchitecture=");
	doctext_put_word(out, b->architecture, sizeof(b->architecture));
	doctext_put(out, "\nversion=");
	doctext_put_word(out, b->version, sizeof(b->version));
	doctext_put(out,
		    "\nrelease=%" PRIu64 "\nfloor=%" PRIu64 "\nstage1=%" PRIu32
		    "\nencryption=none\nkind=%s\nbase=",
		    b->release, b->floor, b->stage1, b->delta ? "delta" : "full");
	if (b->delta)
		doctext_put_hex(out, b->base, sizeof(b->base));
	else
		doctext_put(out, "-");
	write_pcrs(out, &b->pcrs);
	doctext_put(out, "\ntables=%" PRIu32 " ", b->tables_bytes);
	doctext_put_hex(out, b->tables_sha256, sizeof(b->tables_sha256));
	doctext_put(out, "\n");
	for (i = 0; i < BUNDLE_IMAGES; i++)
		if (b->image[i].present)
			write_image(out, &b->image[i], (enum bundle_image_id)i);
	doctext_put(out, "end\n");
}

/* Each loader may start the release, and the bundle's own is among them. */
static int loaders_fit(const struct bundle *b, struct err *err)
{
	const struct bundle_image *esp = &b->image[BUNDLE_ESP];
	bool own = !esp->present;
	uint32_t i;
	int rc = pcrrelease_check(&b->pcrs, err);

	if (rc)
		return rc;
	for (i = 0; i < b->pcrs.loaders; i++)
		own |= b->pcrs.loader[i].generation == esp->generation;
	if (b->pcrs.loader[0].generation < b->stage1)
		return err_set(err, -EBADMSG, "a stage-1 loader that is too old for it");
	return own ? 0 : err_set(err, -EBADMSG, "its own stage-1 loader is not among the loaders");
}

/* What the form does not say. */
static int fits(const struct bundle *b, struct err *err)
{
	bool delta = false;
	int i;

	for (i = 0; i < BUNDLE_IMAGES; i++) {
		const struct bundle_image *m = &b->image[i];

		if (!m->present)
			continue;
		if (m->size_bytes % BUNDLE_BLOCK_BYTES || m->frame_bytes % BUNDLE_BLOCK_BYTES)
			return err_set(err, -EBADMSG, "%s: size or frame is no multiple of %u",
				       image_names[i], BUNDLE_BLOCK_BYTES);
		if (m->encoding == BUNDLE_RAW && m->payload_bytes != m->size_bytes)
			return err_set(err, -EBADMSG, "%s: a raw payload of another size",
				       image_names[i]);
		delta |= m->encoding == BUNDLE_DELTA;
	}
	if (delta != b->delta)
		return err_set(err, -EBADMSG, "the kind does not fit the encodings");
	if (b->image[BUNDLE_ROOT].size_bytes < 2 * BUNDLE_BLOCK_BYTES)
		return err_set(err, -EBADMSG, "root: too small for a hash tree");
	if (b->image[BUNDLE_ESP].present && b->image[BUNDLE_ESP].generation < b->stage1)
		return err_set(err, -EBADMSG, "the bundle's own stage-1 loader is too old for it");
	if (bundle_tables_bytes(b) != b->tables_bytes)
		return err_set(err, -EBADMSG, "the tables' size does not fit the images");
	return loaders_fit(b, err);
}

int bundle_parse(const uint8_t *buf, size_t len, struct bundle *ret, struct err *err)
{
	char again[SIGNED_DOCUMENT_MAX];
	struct doctext_out out;
	struct doctext_in in;
	int rc;

	memset(ret, 0, sizeof(*ret));
	doctext_in(&in, buf, len);
	read_head(&in, ret);
	read_image(&in, &ret->image[BUNDLE_BOOT], BUNDLE_BOOT);
	read_image(&in, &ret->image[BUNDLE_ROOT], BUNDLE_ROOT);
	if (doctext_next(&in, "image="))
		read_image(&in, &ret->image[BUNDLE_ESP], BUNDLE_ESP);
	doctext_lit(&in, "end\n");
	if (!doctext_done(&in))
		return err_set(err, -EBADMSG, "the manifest is of an unknown form at byte %zu",
			       (size_t)(in.at - in.start));
	rc = fits(ret, err);
	if (rc)
		return rc;
	doctext_out(&out, again, sizeof(again));
	write_document(ret, &out);
	if (!doctext_same(&out, buf, len))
		return err_set(err, -EBADMSG, "the manifest is not in canonical form");
	return 0;
}

int bundle_format(const struct bundle *b, uint8_t ret_buf[static SIGNED_DOCUMENT_MAX],
		  size_t *ret_len)
{
	struct doctext_out out;
	struct bundle again;
	int i;

	if (b->pcrs.events > PCRRELEASE_EVENTS_MAX || b->pcrs.loaders > PCRRELEASE_LOADERS_MAX)
		return -EINVAL;
	for (i = 0; i < BUNDLE_IMAGES; i++)
		if ((int)b->image[i].encoding < 0 || b->image[i].encoding >= BUNDLE_ENCODINGS ||
		    b->image[i].salt_len > VERITY_SALT_MAX)
			return -EINVAL;
	doctext_out(&out, ret_buf, SIGNED_DOCUMENT_MAX);
	write_document(b, &out);
	if (out.failed || bundle_parse(ret_buf, out.len, &again, NULL))
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

int bundle_open(const uint8_t *buf, size_t len, const uint8_t *digest, const struct trust *trust,
		uint64_t now, struct signed_doc *ret_doc, struct bundle *ret, struct err *err)
{
	struct bundle b = { .release = 0 };
	int rc = signed_split(buf, len, ret_doc, err);

	if (rc)
		return rc;
	if (digest && memcmp(digest, ret_doc->digest, SHA256_SIZE) != 0)
		return err_set(err, -EXDEV, "this is another bundle than the one that was named");
	rc = trust_check(trust, TRUST_RELEASE, ret_doc, now, err);
	if (!rc)
		rc = bundle_parse(ret_doc->document, ret_doc->document_len, &b, err);
	if (!rc)
		*ret = b;
	return rc;
}

int bundle_check(const struct bundle *b, const struct bundle_want *want, struct err *err)
{
	if (strcmp(b->compatible, want->compatible) != 0)
		return err_set(err, -EXDEV, "the bundle is for %s, this machine is %s",
			       b->compatible, want->compatible);
	if (strcmp(b->architecture, want->architecture) != 0)
		return err_set(err, -EXDEV, "the bundle is for %s, this machine is %s",
			       b->architecture, want->architecture);
	if (b->release < want->floor)
		return err_set(err, -EPERM, "release %" PRIu64 " is below the floor %" PRIu64,
			       b->release, want->floor);
	if (b->release <= want->release && !want->older_allowed)
		return err_set(err, -EPERM, "release %" PRIu64 " is not newer than %" PRIu64,
			       b->release, want->release);
	/* Not even one that brings it: the slot would be tried before that has proven itself. */
	if (b->stage1 > want->stage1)
		return err_set(err, -ENOTSUP,
			       "it needs generation %" PRIu32 " of the stage-1 loader, %" PRIu32
			       " is here",
			       b->stage1, want->stage1);
	return 0;
}
