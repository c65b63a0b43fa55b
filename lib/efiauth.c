// SPDX-License-Identifier: Apache-2.0
#include "efiauth.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

enum {
	CERT_HEAD_BYTES = 24, /* WIN_CERTIFICATE_UEFI_GUID without its data */
	CERT_REVISION = 0x0200,
	CERT_TYPE_EFI_GUID = 0x0ef1,
	HASH_AND_TIME_BYTES = SHA256_SIZE + EFIAUTH_TIME_BYTES,
};

static const uint8_t global_guid[] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
				       0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
static const uint8_t security_guid[] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
					 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };
static const uint8_t pkcs7_guid[] = { 0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49,
				      0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7 };

static const struct {
	enum efiauth_type type;
	uint8_t guid[EFIAUTH_GUID_BYTES];
	size_t bytes; /* of an entry's data; 0: any */
} types[] = {
	{ EFIAUTH_X509,
	  { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b,
	    0xf0, 0x72 },
	  0 },
	{ EFIAUTH_SHA256,
	  { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93,
	    0x43, 0x28 },
	  SHA256_SIZE },
	{ EFIAUTH_X509_SHA256,
	  { 0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1,
	    0x03, 0xed },
	  HASH_AND_TIME_BYTES },
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

static const char *const names[EFIAUTH_VARS] = { "dbx", "db", "KEK", "PK" };

const char *efiauth_name(enum efiauth_var var)
{
	return names[var];
}

const uint8_t *efiauth_guid(enum efiauth_var var)
{
	return var == EFIAUTH_DBX || var == EFIAUTH_DB ? security_guid : global_guid;
}

const char *efiauth_guid_text(enum efiauth_var var)
{
	return var == EFIAUTH_DBX || var == EFIAUTH_DB ? "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
						       : "8be4df61-93ca-11d2-aa0d-00e098032b8c";
}

uint32_t efiauth_attributes(enum efiauth_var var)
{
	return var == EFIAUTH_DBX ? EFIAUTH_ATTRIBUTES | EFIAUTH_APPEND : EFIAUTH_ATTRIBUTES;
}

/* The list at walk->list: its entries' place and size. */
static int open_list(const uint8_t *buf, size_t len, const struct efiauth_walk *walk,
		     size_t *ret_first, size_t *ret_end, size_t *ret_entry)
{
	const uint8_t *l = buf + walk->list;
	uint32_t size, header, entry;

	if (len - walk->list < EFIAUTH_LIST_BYTES)
		return -EBADMSG;
	size = le32_load(l + 16);
	header = le32_load(l + 20);
	entry = le32_load(l + 24);
	if (size > len - walk->list || size < EFIAUTH_LIST_BYTES ||
	    header > size - EFIAUTH_LIST_BYTES || entry <= EFIAUTH_GUID_BYTES ||
	    (size - EFIAUTH_LIST_BYTES - header) % entry != 0)
		return -EBADMSG;
	*ret_first = walk->list + EFIAUTH_LIST_BYTES + header;
	*ret_end = walk->list + size;
	*ret_entry = entry;
	return 0;
}

int efiauth_next(const uint8_t *buf, size_t len, struct efiauth_walk *walk,
		 struct efiauth_entry *ret)
{
	size_t first, end, entry, i;

	for (;;) {
		if (walk->list >= len)
			return walk->list == len ? 0 : -EBADMSG;
		if (open_list(buf, len, walk, &first, &end, &entry))
			return -EBADMSG;
		if (walk->at < first)
			walk->at = first;
		if (walk->at < end)
			break;
		walk->list = end;
	}
	*ret = (struct efiauth_entry){
		.owner = buf + walk->at,
		.data = buf + walk->at + EFIAUTH_GUID_BYTES,
		.len = entry - EFIAUTH_GUID_BYTES,
		.type_guid = buf + walk->list,
	};
	walk->at += entry;
	for (i = 0; i < N_TYPES; i++)
		if (memcmp(ret->type_guid, types[i].guid, EFIAUTH_GUID_BYTES) == 0) {
			ret->type = types[i].type;
			if (types[i].bytes && types[i].bytes != ret->len)
				return -EBADMSG;
		}
	return 1;
}

int efiauth_check(const uint8_t *buf, size_t len, size_t *ret_entries)
{
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;
	size_t n = 0;
	int rc;

	if (len > EFIAUTH_MAX)
		return -EFBIG;
	while ((rc = efiauth_next(buf, len, &walk, &e)) > 0)
		n++;
	if (!rc)
		*ret_entries = n;
	return rc;
}

bool efiauth_has(const uint8_t *buf, size_t len, enum efiauth_type type, const void *data,
		 size_t data_len)
{
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;

	while (efiauth_next(buf, len, &walk, &e) > 0)
		if (e.type == type && e.len == data_len && memcmp(e.data, data, data_len) == 0)
			return true;
	return false;
}

bool efiauth_has_all(const uint8_t *whole, size_t whole_len, const uint8_t *part, size_t part_len)
{
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;

	while (efiauth_next(part, part_len, &walk, &e) > 0) {
		struct efiauth_walk other = { 0 };
		struct efiauth_entry o;
		bool found = false;

		while (!found && efiauth_next(whole, whole_len, &other, &o) > 0)
			found = o.len == e.len && memcmp(o.data, e.data, e.len) == 0 &&
				memcmp(o.type_guid, e.type_guid, EFIAUTH_GUID_BYTES) == 0;
		if (!found)
			return false;
	}
	return true;
}

int efiauth_add(uint8_t *buf, size_t max, size_t *len, enum efiauth_type type,
		const uint8_t owner[static EFIAUTH_GUID_BYTES], const void *data, size_t data_len)
{
	size_t entry = EFIAUTH_GUID_BYTES + data_len, i;
	uint8_t *l = buf + *len;

	for (i = 0; i < N_TYPES && types[i].type != type; i++)
		;
	if (i == N_TYPES || !data_len || (types[i].bytes && types[i].bytes != data_len))
		return -EINVAL;
	if (data_len > EFIAUTH_MAX || *len > max || EFIAUTH_LIST_BYTES + entry > max - *len)
		return -ENOSPC;
	memcpy(l, types[i].guid, EFIAUTH_GUID_BYTES);
	le32_store(l + 16, (uint32_t)(EFIAUTH_LIST_BYTES + entry));
	le32_store(l + 20, 0);
	le32_store(l + 24, (uint32_t)entry);
	memcpy(l + EFIAUTH_LIST_BYTES, owner, EFIAUTH_GUID_BYTES);
	memcpy(l + EFIAUTH_LIST_BYTES + EFIAUTH_GUID_BYTES, data, data_len);
	*len += EFIAUTH_LIST_BYTES + entry;
	return 0;
}

/* Days to a date by counting years from March (the leap day is then the last day of a year). */
int efiauth_time(uint64_t seconds, uint8_t ret[static EFIAUTH_TIME_BYTES])
{
	uint64_t days, era, day_of_era, year, day, month;

	if (seconds > UINT64_C(253402300799))
		return -EINVAL;
	days = seconds / 86400 + 719468;
	era = days / 146097;
	day_of_era = days % 146097;
	year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day = day_of_era - (365 * year + year / 4 - year / 100);
	month = (5 * day + 2) / 153;
	day = day - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2);
	if (year < 1998)
		return -EINVAL;
	memset(ret, 0, EFIAUTH_TIME_BYTES);
	le16_store(ret, (uint16_t)year);
	ret[2] = (uint8_t)month;
	ret[3] = (uint8_t)day;
	ret[4] = (uint8_t)(seconds / 3600 % 24);
	ret[5] = (uint8_t)(seconds / 60 % 60);
	ret[6] = (uint8_t)(seconds % 60);
	return 0;
}

int efiauth_parse(const uint8_t *buf, size_t len, struct efiauth *ret, struct err *err)
{
	const uint8_t *cert = buf + EFIAUTH_TIME_BYTES;
	uint32_t bytes;

	if (len > EFIAUTH_MAX)
		return err_set(err, -EFBIG, "longer than %d bytes", EFIAUTH_MAX);
	if (len < EFIAUTH_TIME_BYTES + CERT_HEAD_BYTES)
		return err_set(err, -EBADMSG, "too short for an authenticated variable");
	bytes = le32_load(cert);
	if (le16_load(cert + 4) != CERT_REVISION || le16_load(cert + 6) != CERT_TYPE_EFI_GUID ||
	    memcmp(cert + 8, pkcs7_guid, sizeof(pkcs7_guid)) != 0)
		return err_set(err, -EBADMSG, "no authenticated variable with a PKCS #7 signature");
	if (bytes < CERT_HEAD_BYTES || bytes > len - EFIAUTH_TIME_BYTES)
		return err_set(err, -EBADMSG, "the signature ends after the file");
	*ret = (struct efiauth){
		.time = buf,
		.pkcs7 = cert + CERT_HEAD_BYTES,
		.pkcs7_len = bytes - CERT_HEAD_BYTES,
		.content = cert + bytes,
		.content_len = len - EFIAUTH_TIME_BYTES - bytes,
	};
	return 0;
}

int efiauth_message(enum efiauth_var var, const uint8_t time[static EFIAUTH_TIME_BYTES],
		    const uint8_t *content, size_t content_len, uint8_t *ret_buf, size_t *ret_len)
{
	const char *name = efiauth_name(var);
	uint8_t *p = ret_buf;

	if (content_len > EFIAUTH_MAX)
		return -EFBIG;
	for (; *name; name++, p += 2)
		le16_store(p, (uint8_t)*name);
	memcpy(p, efiauth_guid(var), EFIAUTH_GUID_BYTES);
	p += EFIAUTH_GUID_BYTES;
	le32_store(p, efiauth_attributes(var));
	p += 4;
	memcpy(p, time, EFIAUTH_TIME_BYTES);
	p += EFIAUTH_TIME_BYTES;
	memcpy(p, content, content_len);
	*ret_len = (size_t)(p - ret_buf) + content_len;
	return 0;
}

int efiauth_format(const struct efiauth *a, uint8_t *ret_buf, size_t *ret_len)
{
	uint8_t *cert = ret_buf + EFIAUTH_TIME_BYTES;

	if (a->pkcs7_len > EFIAUTH_MAX || a->content_len > EFIAUTH_MAX ||
	    a->pkcs7_len + a->content_len > EFIAUTH_MAX - EFIAUTH_TIME_BYTES - CERT_HEAD_BYTES)
		return -EFBIG;
	memcpy(ret_buf, a->time, EFIAUTH_TIME_BYTES);
	le32_store(cert, (uint32_t)(CERT_HEAD_BYTES + a->pkcs7_len));
	le16_store(cert + 4, CERT_REVISION);
	le16_store(cert + 6, CERT_TYPE_EFI_GUID);
	memcpy(cert + 8, pkcs7_guid, sizeof(pkcs7_guid));
	memcpy(cert + CERT_HEAD_BYTES, a->pkcs7, a->pkcs7_len);
	memcpy(cert + CERT_HEAD_BYTES + a->pkcs7_len, a->content, a->content_len);
	*ret_len = EFIAUTH_TIME_BYTES + CERT_HEAD_BYTES + a->pkcs7_len + a->content_len;
	return 0;
}
