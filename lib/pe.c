// SPDX-License-Identifier: Apache-2.0
#include "pe.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

enum {
	DOS_HEADER_BYTES = 64,
	COFF_BYTES = 24, /* signature and file header */
	SECTION_BYTES = 40,
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,
	CERT_ENTRY = 4,	       /* of the data directories */
	CERT_HEADER_BYTES = 8, /* WIN_CERTIFICATE without its data */
	CERT_REVISION_2 = 0x0200,
	CERT_TYPE_PKCS7 = 0x0002,
};

static int refuse(struct err *err, const char *why)
{
	return err_set(err, -EINVAL, "no PE image that can be signed: %s", why);
}

/* Sorted insert; sections are few. */
static void add_section(struct pe *pe, uint32_t offset, uint32_t bytes)
{
	uint32_t i = pe->n_sections++;

	for (; i > 0 && pe->sections[i - 1].offset > offset; i--)
		pe->sections[i] = pe->sections[i - 1];
	pe->sections[i].offset = offset;
	pe->sections[i].bytes = bytes;
}

static int parse_sections(const uint8_t *table, uint32_t n, size_t end, struct pe *ret,
			  struct err *err)
{
	uint64_t at = ret->headers_bytes;
	uint32_t i;

	for (i = 0; i < n; i++) {
		const uint8_t *s = table + (size_t)i * SECTION_BYTES;
		uint32_t bytes = le32_load(s + 16), offset = le32_load(s + 20);

		if (!bytes)
			continue;
		if ((uint64_t)offset + bytes > end)
			return refuse(err, "a section ends after the file");
		add_section(ret, offset, bytes);
	}
	for (i = 0; i < ret->n_sections; i++) {
		if (ret->sections[i].offset < at)
			return refuse(err, "sections overlap");
		at = (uint64_t)ret->sections[i].offset + ret->sections[i].bytes;
	}
	return 0;
}

int pe_parse(const uint8_t *buf, size_t len, struct pe *ret, struct err *err)
{
	struct pe pe;
	uint64_t coff, optional, sections, directories, end = len;
	uint32_t optional_bytes, n_sections, magic, n_directories;
	int rc;

	memset(&pe, 0, sizeof(pe));
	if (len > PE_MAX)
		return err_set(err, -EFBIG, "longer than %u bytes", PE_MAX);
	if (len < DOS_HEADER_BYTES || buf[0] != 'M' || buf[1] != 'Z')
		return refuse(err, "no MZ header");
	coff = le32_load(buf + 60);
	optional = coff + COFF_BYTES;
	if (optional > len || memcmp(buf + coff, "PE\0\0", 4) != 0)
		return refuse(err, "no PE header");
	n_sections = le16_load(buf + coff + 6);
	optional_bytes = le16_load(buf + coff + 20);
	sections = optional + optional_bytes;
	if (n_sections > PE_SECTIONS_MAX || sections + (uint64_t)n_sections * SECTION_BYTES > len ||
	    optional_bytes < 2)
		return refuse(err, "headers end after the file, or too many sections");
	magic = le16_load(buf + optional);
	if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
		return refuse(err, "neither PE32 nor PE32+");
	directories = optional + (magic == MAGIC_PE32 ? 96 : 112);
	if (directories + (CERT_ENTRY + 1) * 8 > sections)
		return refuse(err, "no entry for a certificate table");
	n_directories = le32_load(buf + directories - 4);
	if (n_directories <= CERT_ENTRY || n_directories > (sections - directories) / 8)
		return refuse(err, "no entry for a certificate table");
	pe.checksum_offset = (uint32_t)optional + 64;
	pe.cert_entry_offset = (uint32_t)directories + CERT_ENTRY * 8;
	pe.headers_bytes = le32_load(buf + optional + 60);
	pe.cert_offset = le32_load(buf + pe.cert_entry_offset);
	pe.cert_bytes = le32_load(buf + pe.cert_entry_offset + 4);
	if (pe.cert_bytes) {
		if (pe.cert_offset % PE_CERT_ALIGN ||
		    (uint64_t)pe.cert_offset + pe.cert_bytes != len)
			return refuse(err, "the certificate table is not at the end");
		end = pe.cert_offset;
	} else if (pe.cert_offset) {
		return refuse(err, "an empty certificate table");
	}
	if (pe.headers_bytes > end || pe.headers_bytes < sections + n_sections * SECTION_BYTES)
		return refuse(err, "the headers' size is wrong");
	pe.table_offset = (uint32_t)sections;
	pe.table_entries = n_sections;
	rc = parse_sections(buf + sections, n_sections, end, &pe, err);
	if (!rc)
		*ret = pe;
	return rc;
}

int pe_section(const uint8_t *buf, const struct pe *pe, const char *name, uint32_t *ret_offset,
	       uint32_t *ret_bytes)
{
	uint32_t i;

	for (i = 0; i < pe->table_entries; i++) {
		const uint8_t *s = buf + pe->table_offset + (size_t)i * SECTION_BYTES;

		if (strncmp((const char *)s, name, 8) != 0)
			continue;
		*ret_bytes = le32_load(s + 16);
		*ret_offset = le32_load(s + 20);
		return 0;
	}
	return -ENOENT;
}

void pe_hash(const uint8_t *buf, size_t len, const struct pe *pe, size_t pad_bytes,
	     uint8_t ret_digest[static SHA256_SIZE])
{
	static const uint8_t zeros[PE_CERT_ALIGN];
	uint32_t after_checksum = pe->checksum_offset + 4;
	uint32_t after_entry = pe->cert_entry_offset + 8;
	size_t hashed = pe->headers_bytes, end = len - pe->cert_bytes;
	struct sha256 h;
	uint32_t i;

	sha256_init(&h);
	sha256_update(&h, buf, pe->checksum_offset);
	sha256_update(&h, buf + after_checksum, pe->cert_entry_offset - after_checksum);
	sha256_update(&h, buf + after_entry, pe->headers_bytes - after_entry);
	for (i = 0; i < pe->n_sections; i++) {
		sha256_update(&h, buf + pe->sections[i].offset, pe->sections[i].bytes);
		hashed += pe->sections[i].bytes;
	}
	/* The specification counts bytes here instead of naming an offset; so does firmware. */
	if (end > hashed)
		sha256_update(&h, buf + hashed, end - hashed);
	while (pad_bytes) {
		size_t n = pad_bytes < sizeof(zeros) ? pad_bytes : sizeof(zeros);

		sha256_update(&h, zeros, n);
		pad_bytes -= n;
	}
	sha256_final(&h, ret_digest);
}

size_t pe_pad(size_t len)
{
	return (PE_CERT_ALIGN - len % PE_CERT_ALIGN) % PE_CERT_ALIGN;
}

size_t pe_signed_bytes(size_t len, size_t pkcs7_len)
{
	size_t cert = CERT_HEADER_BYTES + pkcs7_len;

	return len + pe_pad(len) + cert + pe_pad(cert);
}

int pe_attach(uint8_t *buf, size_t len, const struct pe *pe, const uint8_t *pkcs7, size_t pkcs7_len)
{
	size_t at = len + pe_pad(len), bytes = pe_signed_bytes(len, pkcs7_len) - at;
	uint8_t *cert = buf + at;

	if (pe->cert_bytes)
		return -EEXIST;
	memset(buf + len, 0, at + bytes - len);
	le32_store(cert, (uint32_t)bytes);
	le16_store(cert + 4, CERT_REVISION_2);
	le16_store(cert + 6, CERT_TYPE_PKCS7);
	memcpy(cert + CERT_HEADER_BYTES, pkcs7, pkcs7_len);
	le32_store(buf + pe->cert_entry_offset, (uint32_t)at);
	le32_store(buf + pe->cert_entry_offset + 4, (uint32_t)bytes);
	return 0;
}
