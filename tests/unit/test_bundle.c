// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "bundle.h"
#include "bytes.h"
#include "testkeys.h"

#define NOW UINT64_C(1800000000)
enum { TABLES_ROOM = 4096 };

/* Tables that fit the images: frames share the payload evenly, hashes are their own number. */
static void make_tables(struct bundle *b, uint8_t *tables)
{
	uint8_t *p = tables;
	int id;

	for (id = 0; id < BUNDLE_IMAGES; id++) {
		const struct bundle_image *m = &b->image[id];
		uint32_t frames = bundle_frames(m), pieces = bundle_pieces(m), i;
		uint64_t rest = m->payload_bytes, out = m->size_bytes;

		if (!m->present)
			continue;
		le32_store(p, frames);
		le32_store(p + 4, pieces);
		p += 8;
		for (i = 0; i < frames; i++) {
			uint64_t n = i + 1 == frames ? rest : m->payload_bytes / frames;

			if (m->encoding == BUNDLE_RAW)
				n = out < m->frame_bytes ? out : m->frame_bytes;
			le32_store(p, (uint32_t)n);
			memset(p + 4, (int)(0x10 * (id + 1) + (int)i), SHA256_SIZE);
			rest -= n;
			out -= m->frame_bytes;
			p += 4 + SHA256_SIZE;
		}
		for (i = 0; i < pieces; i++, p += SHA256_SIZE)
			memset(p, (int)(0x80 + 0x10 * (id + 1) + (int)i), SHA256_SIZE);
	}
	b->tables_bytes = (uint32_t)(p - tables);
	sha256(p - b->tables_bytes, b->tables_bytes, b->tables_sha256);
}

static void make(struct bundle *b, uint8_t *tables)
{
	struct bundle_image *m;
	uint32_t i;

	memset(b, 0, sizeof(*b));
	strcpy(b->compatible, "cairn-x86_64");
	strcpy(b->architecture, "x86_64");
	strcpy(b->version, "0.2.0");
	b->release = 7;
	b->floor = 3;
	b->stage1 = 2;
	memset(b->pcrs.kernel, 0x4e, SHA256_SIZE);
	b->pcrs.events = 2;
	strcpy(b->pcrs.event[0].what, "slot.cfg");
	memset(b->pcrs.event[0].digest, 0x51, SHA256_SIZE);
	strcpy(b->pcrs.event[1].what, "LoadOptions");
	memset(b->pcrs.event[1].digest, 0x52, SHA256_SIZE);
	b->pcrs.loaders = 2;
	for (i = 0; i < 2; i++) {
		b->pcrs.loader[i].generation = 2 + i;
		memset(b->pcrs.loader[i].hash, (int)(0x70 + i), SHA256_SIZE);
	}
	pcrrelease_finish(&b->pcrs);
	m = &b->image[BUNDLE_BOOT];
	m->present = true;
	m->size_bytes = 3 * 65536 + 4096;
	m->encoding = BUNDLE_ZSTD;
	m->payload_bytes = 2 * BUNDLE_PIECE_BYTES + 1;
	m->frame_bytes = 65536;
	memset(m->sha256, 0xb0, SHA256_SIZE);
	m = &b->image[BUNDLE_ROOT];
	m->present = true;
	m->size_bytes = 2 * 4096;
	m->encoding = BUNDLE_RAW;
	m->payload_bytes = 2 * 4096;
	m->frame_bytes = 4096;
	m->salt_len = 32;
	memset(m->salt, 0xc0, m->salt_len);
	memset(m->roothash, 0xde, SHA256_SIZE);
	make_tables(b, tables);
}

/* The same as a delta, with an ESP. */
static void make_delta(struct bundle *b, uint8_t *tables)
{
	struct bundle_image *m;

	make(b, tables);
	b->delta = true;
	memset(b->base, 0xba, SHA256_SIZE);
	m = &b->image[BUNDLE_ROOT];
	m->encoding = BUNDLE_DELTA;
	m->payload_bytes = 100;
	m->base_size_bytes = 8192;
	memset(m->base_sha256, 0xbb, SHA256_SIZE);
	m = &b->image[BUNDLE_ESP];
	m->present = true;
	m->size_bytes = 8192;
	m->encoding = BUNDLE_ZSTD;
	m->payload_bytes = 50;
	m->frame_bytes = 1 << 20;
	m->generation = 3;
	make_tables(b, tables);
}

static void test_there_and_back(void **state)
{
	uint8_t buf[SIGNED_DOCUMENT_MAX], tables[TABLES_ROOM];
	struct bundle b = { .release = 0 }, got;
	size_t len, i, kind;

	(void)state;
	for (kind = 0; kind < 2; kind++) {
		(kind ? make_delta : make)(&b, tables);
		assert_int_equal(bundle_format(&b, buf, &len), 0);
		assert_int_equal(bundle_parse(buf, len, &got, NULL), 0);
		assert_memory_equal(&got, &b, sizeof(b));
		for (i = 0; i < len; i++)
			assert_int_equal(bundle_parse(buf, i, &got, NULL), -EBADMSG);
	}
}

static void test_not_written(void **state)
{
	uint8_t buf[SIGNED_DOCUMENT_MAX], tables[TABLES_ROOM];
	struct bundle full, delta, b;
	size_t len;

	(void)state;
	make(&full, tables);
	make_delta(&delta, tables);
#define REFUSED(from, change)                                                                      \
	do {                                                                                       \
		b = from;                                                                          \
		change;                                                                            \
		assert_int_equal(bundle_format(&b, buf, &len), -EINVAL);                           \
	} while (0)
	REFUSED(full, b.release = 0);
	REFUSED(full, b.floor = 8); /* above itself */
	REFUSED(full, b.pcrs.events = 0);
	REFUSED(full, b.pcrs.events = 9);
	REFUSED(full, b.pcrs.loaders = 0);
	REFUSED(full, b.pcrs.loaders = 5);
	REFUSED(full, b.pcrs.kernel[0]++);
	REFUSED(full, b.pcrs.event[1].what[0] = ' ');
	REFUSED(full, b.pcrs.loader[1].pcr4[0]++);
	REFUSED(full, b.stage1 = 3);	    /* a loader below it */
	REFUSED(delta, b.pcrs.loaders = 1); /* its own is not among them */
	REFUSED(full, b.tables_bytes++);
	REFUSED(full, b.tables_bytes = 0);
	REFUSED(full, b.image[BUNDLE_BOOT].present = false);
	REFUSED(full, b.image[BUNDLE_ROOT].present = false);
	REFUSED(full, b.image[BUNDLE_BOOT].size_bytes += 1);
	REFUSED(full, b.image[BUNDLE_BOOT].size_bytes = 0);
	REFUSED(full, b.image[BUNDLE_BOOT].size_bytes = BUNDLE_FAT_MAX + 4096);
	REFUSED(full, b.image[BUNDLE_ROOT].size_bytes = BUNDLE_IMAGE_MAX + 4096);
	REFUSED(full, b.image[BUNDLE_ROOT].size_bytes = 4096);
	REFUSED(full, b.image[BUNDLE_ROOT].payload_bytes--); /* raw */
	REFUSED(full, b.image[BUNDLE_BOOT].payload_bytes = 0);
	REFUSED(full, b.image[BUNDLE_BOOT].frame_bytes = 1000);
	REFUSED(full, b.image[BUNDLE_BOOT].frame_bytes = 0);
	REFUSED(full, b.image[BUNDLE_BOOT].frame_bytes = BUNDLE_FRAME_MAX + 4096);
	REFUSED(full, b.image[BUNDLE_BOOT].encoding = BUNDLE_ENCODINGS);
	REFUSED(full, b.image[BUNDLE_ROOT].salt_len = 0);
	REFUSED(full, b.image[BUNDLE_ROOT].salt_len = VERITY_SALT_MAX + 1);
	REFUSED(full, b.delta = true); /* and no delta in it */
	REFUSED(delta, b.delta = false);
	REFUSED(delta, b.image[BUNDLE_ROOT].base_size_bytes = 0);
	REFUSED(delta, b.image[BUNDLE_ESP].generation = 0);
	REFUSED(delta, b.image[BUNDLE_ESP].generation = 1); /* below stage1 */
	REFUSED(full, b.version[1] = ' ');
	REFUSED(full, b.compatible[0] = '\0');
#undef REFUSED
}

static void test_form(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "cairn-bundle 1", "cairn-bundle 2" },
		{ "cairn-bundle 1", "cairn-bundle 10" },
		{ "cairn-bundle 1", "cairn-channel 1" },
		{ "encryption=none", "encryption=aes" },
		{ "encryption=none\n", "" },
		{ "kind=delta", "kind=full" },
		{ "kind=delta", "kind=diff" },
		{ "base=b", "base=-" },
		{ "image=boot", "image=root" },
		{ "image=boot", "image=firmware" },
		{ "image=esp", "image=boot" },
		{ "image=esp", "image=root" },
		{ "encoding=zstd", "encoding=lz4" },
		{ "encoding=zstd", "encoding=zst" },
		{ "encoding=zstd", "encoding=zstd2" },
		{ "encoding=zstd", "encoding=" },
		{ "encoding=delta", "encoding=zstd" },
		{ "release=7", "release=07" },
		{ "release=7", "release=-7" },
		{ "release=7\n", "release=7\nforce=yes\n" },
		{ "release=7\nfloor=3", "floor=3\nrelease=7" },
		{ "salt=c0", "salt=c" },
		{ "salt=c0", "salt=C0" },
		{ "roothash=de", "roothash=" },
		{ "generation=3", "generation=4294967296" },
		{ "kernel=4e", "kernel=4f" },
		{ "measured=51", "measured=53" },
		{ " slot.cfg\n", " slot/cfg\n" },
		{ " slot.cfg\n", " \n" },
		{ "\npcr9=", "\npcr9=0" },
		{ "loader=2 ", "loader=3 " },
		{ "loader=3 71", "loader=3 72" },
		{ "loader=2 ", "loader=02 " },
		{ "stage1=2", "stage1=4294967296" },
		{ "end\n", "end" },
		{ "end\n", "end\n " },
		{ "end\n", "x=1\nend\n" },
	};
	uint8_t doc[SIGNED_DOCUMENT_MAX], buf[SIGNED_DOCUMENT_MAX + 64], tables[TABLES_ROOM];
	struct bundle b, got;
	size_t len, i;

	(void)state;
	make_delta(&b, tables);
	assert_int_equal(bundle_format(&b, doc, &len), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *at = memmem(doc, len, rows[i].from, strlen(rows[i].from));
		size_t before, n, to = strlen(rows[i].to);

		assert_non_null(at);
		before = (size_t)(at - doc);
		n = before + strlen(rows[i].from);
		memcpy(buf, doc, before);
		memcpy(buf + before, rows[i].to, to);
		memcpy(buf + before + to, doc + n, len - n);
		if (bundle_parse(buf, before + to + len - n, &got, NULL) != -EBADMSG)
			fail_msg("accepted: %s for %s", rows[i].to, rows[i].from);
	}
}

static void test_tables(void **state)
{
	uint8_t tables[TABLES_ROOM], bad[TABLES_ROOM];
	struct bundle b, changed;
	struct bundle_frame f;
	size_t i, n, at[] = { 0, 4, 8 };
	uint64_t sum = 0, out = 0;

	(void)state;
	make_delta(&b, tables);
	assert_int_equal(bundle_tables_check(&b, tables, b.tables_bytes, NULL), 0);
	assert_int_equal(bundle_tables_check(&b, tables, b.tables_bytes - 1, NULL), -EBADMSG);
	for (i = 0; i < b.tables_bytes; i++) {
		memcpy(bad, tables, sizeof(bad));
		bad[i] ^= 1;
		assert_int_equal(bundle_tables_check(&b, bad, b.tables_bytes, NULL), -EKEYREJECTED);
	}
	/* Signed, and still not what the manifest says: numbers, and the frames' sum. */
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		memcpy(bad, tables, sizeof(bad));
		bad[at[i]] ^= 1;
		changed = b;
		sha256(bad, b.tables_bytes, changed.tables_sha256);
		assert_int_equal(bundle_tables_check(&changed, bad, b.tables_bytes, NULL),
				 -EBADMSG);
	}
	/* Frame by frame. */
	bundle_frame_first(&b, tables, BUNDLE_BOOT, &f);
	n = 0;
	do {
		assert_int_equal(f.payload_at, sum);
		assert_int_equal(f.output_at, out);
		assert_int_equal(f.sha256[0], 0x10 + n);
		sum += f.payload_bytes;
		out += f.output_bytes;
		n++;
	} while (bundle_frame_next(&b, tables, BUNDLE_BOOT, &f));
	assert_int_equal(n, 4);
	assert_int_equal(f.output_bytes, 4096);
	assert_int_equal(out, b.image[BUNDLE_BOOT].size_bytes);
	assert_int_equal(sum, b.image[BUNDLE_BOOT].payload_bytes);
	assert_int_equal(bundle_pieces(&b.image[BUNDLE_BOOT]), 3);
	assert_int_equal(bundle_piece_sha256(&b, tables, BUNDLE_BOOT, 2)[31], 0x92);
	assert_int_equal(bundle_piece_sha256(&b, tables, BUNDLE_ESP, 0)[0], 0xb0);
	assert_int_equal(bundle_payload_at(&b, 1000, BUNDLE_BOOT), 1000 + b.tables_bytes);
	assert_int_equal(bundle_payload_at(&b, 1000, BUNDLE_ESP),
			 1000 + b.tables_bytes + 2 * BUNDLE_PIECE_BYTES + 1 + 100);
	assert_int_equal(bundle_payload_at(&b, 1000, BUNDLE_IMAGES),
			 1000 + b.tables_bytes + 2 * BUNDLE_PIECE_BYTES + 1 + 100 + 50);
	/* A raw frame is as long as what it makes. */
	make(&b, tables);
	assert_int_equal(bundle_tables_check(&b, tables, b.tables_bytes, NULL), 0);
	bundle_frame_first(&b, tables, BUNDLE_ROOT, &f);
	i = (size_t)(f.sha256 - tables) - 4;
	le32_store(tables + i, 4095);
	le32_store(tables + i + 36, 4097);
	sha256(tables, b.tables_bytes, b.tables_sha256);
	assert_int_equal(bundle_tables_check(&b, tables, b.tables_bytes, NULL), -EBADMSG);
	/* A frame with nothing in it. */
	make(&b, tables);
	le32_store(tables + 8 + 36, le32_load(tables + 8 + 36) + le32_load(tables + 8));
	le32_store(tables + 8, 0);
	sha256(tables, b.tables_bytes, b.tables_sha256);
	assert_int_equal(bundle_tables_check(&b, tables, b.tables_bytes, NULL), -EBADMSG);
}

static void test_open(void **state)
{
	uint8_t buf[SIGNED_MAX + 4], doc[SIGNED_DOCUMENT_MAX], tables[TABLES_ROOM];
	uint8_t digest[SHA256_SIZE];
	struct signed_doc split;
	struct bundle b, got;
	struct trust t;
	size_t doc_len, len;

	(void)state;
	make(&b, tables);
	testkeys_simple(&t);
	assert_int_equal(bundle_format(&b, doc, &doc_len), 0);
	sha256(doc, doc_len, digest);
	len = testkeys_sign(doc, doc_len, 2, buf);
	assert_int_equal(bundle_open(buf, len, NULL, &t, NOW, &split, &got, NULL), 0);
	assert_memory_equal(&got, &b, sizeof(b));
	/* What follows is the payload; a head that is not all there says so. */
	assert_int_equal(bundle_open(buf, len + 4, digest, &t, NOW, &split, &got, NULL), 0);
	assert_int_equal(split.total, len);
	assert_int_equal(bundle_open(buf, len - 1, digest, &t, NOW, &split, &got, NULL), -ENODATA);
	/* Mix and match: a well signed manifest that is not the channel's. */
	digest[31] ^= 1;
	assert_int_equal(bundle_open(buf, len, digest, &t, NOW, &split, &got, NULL), -EXDEV);
	/* The channel's or root's key signs no bundle. */
	len = testkeys_sign(doc, doc_len, 5, buf);
	assert_int_equal(bundle_open(buf, len, NULL, &t, NOW, &split, &got, NULL), -EKEYREJECTED);
	len = testkeys_sign(doc, doc_len, 2, buf);
	assert_int_equal(bundle_open(buf, len, NULL, &t, t.expires, &split, &got, NULL),
			 -EKEYEXPIRED);
	/* A changed byte of the manifest. */
	buf[200] ^= 1;
	assert_int_equal(bundle_open(buf, len, NULL, &t, NOW, &split, &got, NULL), -EKEYREJECTED);
}

/* Two of three must have signed. */
static void test_threshold(void **state)
{
	static const struct {
		unsigned int mask;
		int rc;
	} rows[] = {
		{ 0x0e, 0 },
		{ 0x06, 0 },
		{ 0x0c, 0 },
		{ 0x0a, 0 },
		{ 0x02, -EKEYREJECTED },
		{ 0x04, -EKEYREJECTED },
		{ 0xf1, -EKEYREJECTED },
		{ 0xf3, -EKEYREJECTED },
		{ 0xf7, 0 },
	};
	uint8_t buf[SIGNED_MAX], doc[SIGNED_DOCUMENT_MAX], tables[TABLES_ROOM];
	struct signed_doc split;
	struct bundle b, got;
	struct trust t;
	size_t doc_len, len, i;

	(void)state;
	make(&b, tables);
	assert_int_equal(bundle_format(&b, doc, &doc_len), 0);
	testkeys_trust(&t, 1, NOW + 1, 0x0f);
	testkeys_role(&t, TRUST_ROOT, 1, 1);
	testkeys_role(&t, TRUST_RELEASE, 2, 0x0e);
	testkeys_role(&t, TRUST_CHANNEL, 1, 1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = testkeys_sign(doc, doc_len, rows[i].mask, buf);
		if (bundle_open(buf, len, NULL, &t, NOW, &split, &got, NULL) != rows[i].rc)
			fail_msg("row %zu", i);
	}
}

static void test_check(void **state)
{
	/* The bundle: release 7, floor 3, needs stage 1 of generation 2. */
	static const struct {
		const char *what;
		struct bundle_want want;
		int rc;
	} rows[] = {
		{ "newer", { "cairn-x86_64", "x86_64", 6, 0, 2, false }, 0 },
		{ "much newer", { "cairn-x86_64", "x86_64", 0, 0, 9, false }, 0 },
		{ "the same", { "cairn-x86_64", "x86_64", 7, 0, 2, false }, -EPERM },
		{ "downgrade", { "cairn-x86_64", "x86_64", 8, 0, 2, false }, -EPERM },
		{ "downgrade on order", { "cairn-x86_64", "x86_64", 8, 0, 2, true }, 0 },
		{ "on order, to the floor", { "cairn-x86_64", "x86_64", 8, 7, 2, true }, 0 },
		{ "on order, below the floor",
		  { "cairn-x86_64", "x86_64", 9, 8, 2, true },
		  -EPERM },
		{ "newer, below the floor", { "cairn-x86_64", "x86_64", 6, 8, 2, false }, -EPERM },
		{ "other machines", { "cairn-pi", "x86_64", 6, 0, 2, false }, -EXDEV },
		{ "on order, other machines", { "cairn-pi", "x86_64", 6, 0, 2, true }, -EXDEV },
		{ "other processor", { "cairn-x86_64", "aarch64", 6, 0, 2, false }, -EXDEV },
		{ "old stage 1", { "cairn-x86_64", "x86_64", 6, 0, 1, false }, -ENOTSUP },
		{ "old stage 1, on order", { "cairn-x86_64", "x86_64", 6, 0, 1, true }, -ENOTSUP },
	};
	struct bundle_want old = { "cairn-x86_64", "x86_64", 6, 0, 1, false };
	uint8_t tables[TABLES_ROOM];
	struct err err = { "" };
	struct bundle b;
	size_t i;

	(void)state;
	make(&b, tables);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bundle_check(&b, &rows[i].want, &err) != rows[i].rc)
			fail_msg("%s: %s", rows[i].what, err.msg);
	/* Not even one that brings its own stage 1. */
	make_delta(&b, tables);
	assert_int_equal(bundle_check(&b, &old, &err), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_form),	       cmocka_unit_test(test_tables),
		cmocka_unit_test(test_open),	       cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
