// SPDX-License-Identifier: Apache-2.0
/* What the firmware measures of itself: PCR 5 and 7. EDK2's SecurityPkg is the source where the
 * TCG PC Client Platform Firmware Profile 1.05 r23 (sections 3.3.4.6, 3.3.4.8) leaves a choice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authenticode.h"
#include "bytes.h"
#include "der.h"
#include "efiauth.h"
#include "gpt.h"
#include "pcrmodel.h"
#include "pe.h"

enum {
	GUID_BYTES = EFIAUTH_GUID_BYTES,
	WHAT_BYTES = 96,
	HEADER_BYTES = 92, /* EFI_PARTITION_TABLE_HEADER */
	CERT_HEAD_BYTES = 8,
	VARIABLE_NAME_MAX = 16, /* characters of a variable's name */
};

/* UEFI_VARIABLE_DATA: GUID | u64 characters | u64 bytes | name in UTF-16 without NUL | data. */
static void hash_variable(const uint8_t *guid, const char *name, const void *data, size_t len,
			  uint8_t ret[static SHA256_SIZE])
{
	uint8_t head[GUID_BYTES + 16 + 2 * VARIABLE_NAME_MAX] = { 0 };
	size_t n = strnlen(name, VARIABLE_NAME_MAX), i;
	struct sha256 h;

	memcpy(head, guid, GUID_BYTES);
	le64_store(head + GUID_BYTES, n);
	le64_store(head + GUID_BYTES + 8, len);
	for (i = 0; i < n; i++)
		le16_store(head + GUID_BYTES + 16 + 2 * i, (uint8_t)name[i]);
	sha256_init(&h);
	sha256_update(&h, head, GUID_BYTES + 16 + 2 * n);
	if (len)
		sha256_update(&h, data, len);
	sha256_final(&h, ret);
}

static int emit_variable(pcrmodel_event_fn *event, void *ctx, const uint8_t *guid, const char *name,
			 const void *data, size_t len, const char *kind)
{
	uint8_t digest[SHA256_SIZE];
	char what[WHAT_BYTES];

	hash_variable(guid, name, data, len, digest);
	(void)snprintf(what, sizeof(what), "%s %s", kind, name);
	return event(ctx, 7, digest, what);
}

static int emit_separator(pcrmodel_event_fn *event, void *ctx, uint32_t pcr)
{
	static const uint8_t separator[4];
	uint8_t digest[SHA256_SIZE];

	sha256(separator, sizeof(separator), digest);
	return event(ctx, pcr, digest, "separator");
}

/* The signer of the image's signature number n; 0, or -ENOENT after the last one. */
static int find_signer(const struct pcrmodel_blob *image, const struct pe *pe, unsigned int n,
		       struct authenticode *ret)
{
	size_t at = pe->cert_offset, end = at + pe->cert_bytes;

	for (; end - at > CERT_HEAD_BYTES; n--) {
		uint32_t bytes = le32_load(image->buf + at);
		struct der in, whole;

		if (bytes <= CERT_HEAD_BYTES || bytes > end - at)
			return -ENOENT;
		in = (struct der){ image->buf + at + CERT_HEAD_BYTES, bytes - CERT_HEAD_BYTES };
		at += bytes;
		at += pe_pad(at) < end - at ? pe_pad(at) : end - at;
		if (n)
			continue;
		/* What pads the table may be counted in. */
		if (der_any(&in, NULL, NULL, &whole) ||
		    authenticode_verify(whole.p, whole.len, ret, NULL))
			ret->cert = NULL;
		return 0;
	}
	return -ENOENT;
}

/* The entry of db with this certificate or hash, its owner first. */
static bool find_entry(const struct pcrmodel_blob *db, enum efiauth_type type, const uint8_t *data,
		       size_t len, const uint8_t **ret, size_t *ret_len)
{
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;

	while (efiauth_next(db->buf, db->len, &walk, &e) > 0) {
		if (e.type != type || e.len != len || memcmp(e.data, data, len) != 0)
			continue;
		*ret = e.owner;
		*ret_len = (size_t)(e.data - e.owner) + e.len;
		return true;
	}
	return false;
}

/* The entry of db that lets an image through: what EDK2 measures of it. */
static int find_authority(const struct pcrmodel_keyset *keys, const struct pcrmodel_blob *image,
			  const uint8_t **ret, size_t *ret_len, struct err *err)
{
	const struct authenticode_keys lists = { keys->db.buf, keys->dbx.buf, keys->db.len,
						 keys->dbx.len };
	struct authenticode a = { .cert = NULL };
	uint8_t digest[SHA256_SIZE];
	unsigned int n;
	struct pe pe;
	int rc = authenticode_check(image->buf, image->len, &lists, digest, err);

	if (!rc)
		rc = pe_parse(image->buf, image->len, &pe, err);
	if (rc)
		return rc;
	for (n = 0; n < AUTHENTICODE_SIGNATURES_MAX && !find_signer(image, &pe, n, &a); n++)
		if (a.cert && memcmp(a.digest, digest, SHA256_SIZE) == 0 &&
		    find_entry(&keys->db, EFIAUTH_X509, a.cert, a.cert_len, ret, ret_len))
			return 0;
	if (find_entry(&keys->db, EFIAUTH_SHA256, digest, SHA256_SIZE, ret, ret_len))
		return 0;
	return err_set(err, -EKEYREJECTED, "db does not let an image through");
}

static int emit_authorities(const struct pcrmodel_keyset *keys, pcrmodel_event_fn *event, void *ctx,
			    struct err *err)
{
	const uint8_t *guid = efiauth_guid(EFIAUTH_DB), *told = NULL;
	size_t i, len = 0;
	int rc = 0;

	for (i = 0; !rc && i < sizeof(keys->image) / sizeof(keys->image[0]); i++) {
		const uint8_t *entry = NULL;

		if (!keys->image[i].buf)
			continue;
		rc = find_authority(keys, &keys->image[i], &entry, &len, err);
		if (rc || entry == told)
			continue;
		told = entry;
		rc = emit_variable(event, ctx, guid, "db", entry, len, "authority");
	}
	return rc;
}

int pcrmodel_keys(const struct pcrmodel_keyset *keys, pcrmodel_event_fn *event, void *ctx,
		  struct err *err)
{
	const uint8_t on = keys->secureboot == PCRMODEL_SB_ON;
	const uint8_t *global = efiauth_guid(EFIAUTH_PK), *images = efiauth_guid(EFIAUTH_DB);
	const struct {
		const uint8_t *guid;
		const char *name;
		struct pcrmodel_blob data;
	} variables[] = {
		{ global, "SecureBoot", { &on, keys->secureboot != PCRMODEL_SB_NONE } },
		{ global, "PK", keys->pk },
		{ global, "KEK", keys->kek },
		{ images, "db", keys->db },
		{ images, "dbx", keys->dbx },
	};
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < sizeof(variables) / sizeof(variables[0]); i++)
		rc = emit_variable(event, ctx, variables[i].guid, variables[i].name,
				   variables[i].data.buf, variables[i].data.len, "variable");
	if (!rc)
		rc = emit_separator(event, ctx, 7);
	if (!rc && on)
		rc = emit_authorities(keys, event, ctx, err);
	return rc;
}

/* UEFI_GPT_DATA: the header | u64 number of entries | those that are used. */
int pcrmodel_gpt(const uint8_t *header, size_t header_len, const uint8_t *entries,
		 size_t entries_len, pcrmodel_event_fn *event, void *ctx, struct err *err)
{
	static const uint8_t unused[GPT_GUID_BYTES];
	static const char *const after[] = { "Exit Boot Services Invocation",
					     "Exit Boot Services Returned with Success" };
	uint8_t digest[SHA256_SIZE], number[8];
	uint64_t n = 0;
	struct sha256 h;
	size_t at, i;
	int rc;

	if (header_len < HEADER_BYTES || memcmp(header, "EFI PART", 8) != 0 ||
	    entries_len < GPT_ENTRIES_BYTES)
		return err_set(err, -EINVAL, "no GUID partition table");
	for (at = 0; at < GPT_ENTRIES_BYTES; at += GPT_ENTRY_BYTES)
		n += memcmp(entries + at, unused, sizeof(unused)) != 0;
	le64_store(number, n);
	sha256_init(&h);
	sha256_update(&h, header, HEADER_BYTES);
	sha256_update(&h, number, sizeof(number));
	for (at = 0; at < GPT_ENTRIES_BYTES; at += GPT_ENTRY_BYTES)
		if (memcmp(entries + at, unused, sizeof(unused)) != 0)
			sha256_update(&h, entries + at, GPT_ENTRY_BYTES);
	sha256_final(&h, digest);
	rc = emit_separator(event, ctx, 5);
	if (!rc)
		rc = event(ctx, 5, digest, "partition table");
	for (i = 0; !rc && i < sizeof(after) / sizeof(after[0]); i++) {
		sha256(after[i], strlen(after[i]), digest);
		rc = event(ctx, 5, digest, after[i]);
	}
	return rc;
}
