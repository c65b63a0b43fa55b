// SPDX-License-Identifier: Apache-2.0
#include "efivars.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/efiauth.h"

#define FV_HEADER_LEN_OFFSET 48 /* EFI_FIRMWARE_VOLUME_HEADER.HeaderLength */
#define STORE_HEADER_BYTES 28
#define VAR_HEADER_BYTES 60
#define VAR_START_ID 0x55aa
#define VAR_ADDED 0x3f
#define VAR_STATE_FREE 0xff
#define ATTR_NV_BS 0x3
#define ATTR_NV_BS_RT_TIME_AUTH 0x27
#define ESL_HEADER_BYTES 44 /* EFI_SIGNATURE_LIST with one owner GUID */

static const uint8_t auth_store_guid[16] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
					     0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };
static const uint8_t global_guid[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
static const uint8_t image_security_guid[16] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
						 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };
static const uint8_t enable_guid[16] = { 0x44, 0x3a, 0xa3, 0xf0, 0x08, 0xaf, 0x56, 0x45,
					 0x99, 0xc4, 0x00, 0x10, 0x09, 0xc9, 0x3a, 0x44 };
static const uint8_t x509_guid[16] = { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
				       0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 };
/* Owner of our signatures: a GUID of ours, of no meaning to the firmware. */
static const uint8_t owner_guid[16] = { 0x6e, 0x72, 0x69, 0x61, 0x63, 0x00, 0x00, 0x40,
					0x80, 0x00, 0x63, 0x61, 0x69, 0x72, 0x6e, 0x01 };

struct store {
	uint8_t *flash;
	size_t end;  /* of the variable store */
	size_t free; /* where the next variable goes */
};

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static bool name_is(const uint8_t *utf16, size_t bytes, const char *name)
{
	size_t n = strlen(name) + 1;

	if (bytes != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (le16_load(utf16 + 2 * i) != (uint8_t)name[i])
			return false;
	return true;
}

/* Finds the store and the end of its variables; refuses one that has a PK. */
static int store_open(struct store *s, uint8_t *flash, size_t len, struct err *err)
{
	size_t at, size;

	if (len < 1024 || len > EFIVARS_MAX_BYTES || memcmp(flash + 40, "_FVH", 4) != 0)
		return err_set(err, -EINVAL, "variables: no firmware volume");
	at = le16_load(flash + FV_HEADER_LEN_OFFSET);
	if (at + STORE_HEADER_BYTES > len || memcmp(flash + at, auth_store_guid, 16) != 0)
		return err_set(err, -EINVAL, "variables: no authenticated variable store");
	size = le32_load(flash + at + 16);
	if (size > len - at || size < STORE_HEADER_BYTES)
		return err_set(err, -EINVAL, "variables: store of %zu bytes does not fit", size);
	s->flash = flash;
	s->end = at + size;
	at = align4(at + STORE_HEADER_BYTES);
	while (at + VAR_HEADER_BYTES <= s->end && le16_load(flash + at) == VAR_START_ID) {
		const uint8_t *v = flash + at;
		uint64_t name_bytes = le32_load(v + 36), data_bytes = le32_load(v + 40);
		uint64_t bytes = VAR_HEADER_BYTES + name_bytes + data_bytes;

		if (name_bytes > size || data_bytes > size || bytes > s->end - at)
			return err_set(err, -EINVAL, "variables: a variable is cut off");
		if (v[2] == VAR_ADDED && name_is(v + VAR_HEADER_BYTES, (size_t)name_bytes, "PK"))
			return err_set(err, -EEXIST, "variables: keys are enrolled already");
		at = align4(at + (size_t)bytes);
	}
	s->free = at;
	return 0;
}

static int store_add(struct store *s, const uint8_t *guid, const char *name, uint32_t attributes,
		     const uint8_t *data, size_t data_len, const uint8_t *time, struct err *err)
{
	size_t name_bytes = 2 * (strlen(name) + 1);
	size_t bytes = VAR_HEADER_BYTES + name_bytes + data_len;
	uint8_t *v = s->flash + s->free;

	if (bytes > s->end - s->free)
		return err_set(err, -ENOSPC, "variables: no room for %s", name);
	for (size_t i = 0; i < bytes; i++)
		if (v[i] != VAR_STATE_FREE)
			return err_set(err, -EINVAL, "variables: free space is not erased");
	memset(v, 0, bytes);
	le16_store(v, VAR_START_ID);
	v[2] = VAR_ADDED;
	le32_store(v + 4, attributes);
	if (time) {
		memcpy(v + 16, time, EFIAUTH_TIME_BYTES);
	} else if (attributes == ATTR_NV_BS_RT_TIME_AUTH) {
		/* EFI_TIME of the enrolment: any later signed update has a later one. */
		le16_store(v + 16, 2026);
		v[18] = v[19] = 1;
	}
	le32_store(v + 36, (uint32_t)name_bytes);
	le32_store(v + 40, (uint32_t)data_len);
	memcpy(v + 44, guid, 16);
	for (size_t i = 0; name[i]; i++)
		v[VAR_HEADER_BYTES + 2 * i] = (uint8_t)name[i];
	memcpy(v + VAR_HEADER_BYTES + name_bytes, data, data_len);
	s->free = align4(s->free + bytes);
	return 0;
}

int efivars_enrol(uint8_t *flash, size_t len, const uint8_t *cert, size_t cert_len, struct err *err)
{
	uint8_t list[ESL_HEADER_BYTES + EFIVARS_CERT_MAX_BYTES];
	size_t list_len = ESL_HEADER_BYTES + cert_len;
	const uint8_t on = 1;
	struct store s = { 0 };
	int rc;

	if (cert_len > EFIVARS_CERT_MAX_BYTES)
		return err_set(err, -EMSGSIZE, "certificate: %zu bytes are too many", cert_len);
	rc = store_open(&s, flash, len, err);
	if (rc)
		return rc;
	/* UEFI 2.10, 32.4.1 EFI_SIGNATURE_LIST: type, list size, header size 0, entry size. */
	memcpy(list, x509_guid, 16);
	le32_store(list + 16, (uint32_t)list_len);
	le32_store(list + 20, 0);
	le32_store(list + 24, (uint32_t)(16 + cert_len));
	memcpy(list + 28, owner_guid, 16);
	memcpy(list + ESL_HEADER_BYTES, cert, cert_len);
	rc = store_add(&s, global_guid, "PK", ATTR_NV_BS_RT_TIME_AUTH, list, list_len, NULL, err);
	if (!rc)
		rc = store_add(&s, global_guid, "KEK", ATTR_NV_BS_RT_TIME_AUTH, list, list_len,
			       NULL, err);
	if (!rc)
		rc = store_add(&s, image_security_guid, "db", ATTR_NV_BS_RT_TIME_AUTH, list,
			       list_len, NULL, err);
	if (!rc)
		rc = store_add(&s, enable_guid, "SecureBootEnable", ATTR_NV_BS, &on, 1, NULL, err);
	return rc;
}

int efivars_preset(uint8_t *flash, size_t len, const char *name, const uint8_t *auth,
		   size_t auth_len, struct err *err)
{
	struct store s = { 0 };
	struct efiauth a;
	int var, rc = efiauth_parse(auth, auth_len, &a, err);

	for (var = 0; var < EFIAUTH_VARS; var++)
		if (strcmp(efiauth_name((enum efiauth_var)var), name) == 0)
			break;
	if (!rc && var == EFIAUTH_VARS)
		rc = err_set(err, -EINVAL, "`%s': dbx, db, KEK or PK", name);
	if (!rc)
		rc = store_open(&s, flash, len, err);
	return rc ? rc
		  : store_add(&s, efiauth_guid((enum efiauth_var)var), name,
			      ATTR_NV_BS_RT_TIME_AUTH, a.content, a.content_len, a.time, err);
}
