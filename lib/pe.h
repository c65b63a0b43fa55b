// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PE_H
#define CAIRN_PE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * PE images as UEFI loads them (Microsoft PE/COFF 11.0) and their Authenticode hash ("Windows
 * Authenticode Portable Executable Signature Format", 1.0, 2008-03-21): what a signature covers
 * and what firmware measures into PCR 4. Computed as EDK2's PeCoffLib does.
 *
 *     headers | sections by file offset | the rest      | certificate table
 *     without the checksum and the certificate          | (not hashed)
 *     table's entry
 */

#define PE_MAX (64u << 20) /* bytes of an image */
#define PE_SECTIONS_MAX 96
#define PE_CERT_ALIGN 8

struct pe {
	uint32_t checksum_offset;
	uint32_t cert_entry_offset; /* the data directory's entry, 8 bytes */
	uint32_t headers_bytes;
	uint32_t table_offset, table_entries; /* the section table, 40 bytes an entry */
	uint32_t cert_offset, cert_bytes;     /* the certificate table at the file's end; 0 none */
	uint32_t n_sections;
	struct {
		uint32_t offset, bytes;
	} sections[PE_SECTIONS_MAX]; /* in the order of their file offsets, none empty */
};

/*
 * pe_parse - check an image and find what the hash leaves out. Refuses what cannot be hashed
 * unambiguously: sections over each other or over the headers, a certificate table not at the end.
 * Errors: -EINVAL no such PE image; the sentence says why. -EFBIG longer than PE_MAX.
 */
int pe_parse(const uint8_t *buf, size_t len, struct pe *ret, struct err *err);

/*
 * pe_section - where the section of this name, of at most 8 characters, lies in a parsed image.
 * Errors: -ENOENT.
 */
int pe_section(const uint8_t *buf, const struct pe *pe, const char *name, uint32_t *ret_offset,
	       uint32_t *ret_bytes);

/*
 * pe_hash - the Authenticode hash of a parsed image; pad_bytes zeros are added before where the
 * certificate table begins or would begin (0 for a signed image).
 */
void pe_hash(const uint8_t *buf, size_t len, const struct pe *pe, size_t pad_bytes,
	     uint8_t ret_digest[static SHA256_SIZE]);

/* pe_pad - zeros needed after an unsigned image of len bytes before a certificate table. */
size_t pe_pad(size_t len);

/* pe_signed_bytes - length of the image that pe_attach makes. */
size_t pe_signed_bytes(size_t len, size_t pkcs7_len);

/*
 * pe_attach - turn buf, an unsigned image of len bytes with room for pe_signed_bytes, into the
 * signed one: padding, a WIN_CERTIFICATE around the PKCS #7 data, and its entry in the header.
 * Errors: -EEXIST the image has a signature already.
 */
int pe_attach(uint8_t *buf, size_t len, const struct pe *pe, const uint8_t *pkcs7,
	      size_t pkcs7_len);

#endif
