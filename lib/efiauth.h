// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_EFIAUTH_H
#define CAIRN_EFIAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * The firmware's key variables: what is in them and how they are set.
 *
 * Content of PK, KEK, db and dbx (UEFI 2.10, 32.4.1): lists, one after the other.
 *
 *     EFI_SIGNATURE_LIST    type (GUID, 16) | bytes of the list (4) | bytes of a header (4)
 *                           | bytes of an entry (4) | header | entries
 *     entry                 owner (GUID, 16) | certificate in DER, or hash
 *
 * What is given to SetVariable (8.2.2, EFI_VARIABLE_AUTHENTICATION_2):
 *
 *     EFI_TIME (16) | WIN_CERTIFICATE: bytes (4), revision 0x0200, type 0x0EF1,
 *     EFI_CERT_TYPE_PKCS7_GUID (16), SignedData in DER | content
 *
 * The signature is over: the name in UTF-16 without NUL, the vendor's GUID, the attributes (4), the
 * EFI_TIME, the content. Integers are little-endian.
 */

#define EFIAUTH_MAX 65536 /* bytes of a variable with its head */
#define EFIAUTH_GUID_BYTES 16
#define EFIAUTH_TIME_BYTES 16
#define EFIAUTH_LIST_BYTES 28 /* head of a list */
#define EFIAUTH_NAME_MAX 8    /* characters of a variable's name */
#define EFIAUTH_MESSAGE_MAX (EFIAUTH_MAX + 2 * EFIAUTH_NAME_MAX + EFIAUTH_GUID_BYTES + 4 + 16)

/* Non-volatile, boot services, runtime, time-based authenticated; and append. */
#define EFIAUTH_ATTRIBUTES 0x27u
#define EFIAUTH_APPEND 0x40u

/* In the order in which a machine in Setup Mode takes them: PK ends Setup Mode. */
enum efiauth_var { EFIAUTH_DBX, EFIAUTH_DB, EFIAUTH_KEK, EFIAUTH_PK, EFIAUTH_VARS };

/* efiauth_name - "dbx", "db", "KEK", "PK". */
const char *efiauth_name(enum efiauth_var var);
/* efiauth_guid - the vendor's GUID, as in memory; and as efivarfs writes it behind the name. */
const uint8_t *efiauth_guid(enum efiauth_var var);
const char *efiauth_guid_text(enum efiauth_var var);
/* efiauth_attributes - dbx is appended to, so that what a machine revoked already stays revoked. */
uint32_t efiauth_attributes(enum efiauth_var var);

enum efiauth_type {
	EFIAUTH_OTHER, /* of a type that is not used here */
	EFIAUTH_X509,
	EFIAUTH_SHA256,	     /* Authenticode hash of an image */
	EFIAUTH_X509_SHA256, /* hash of a certificate's TBSCertificate, time of its revocation */
};

struct efiauth_entry {
	enum efiauth_type type;
	const uint8_t *owner; /* EFIAUTH_GUID_BYTES */
	const uint8_t *data;  /* without the owner */
	size_t len;
	const uint8_t *type_guid;
};

/* Where a walk through lists is; all zero at its start. */
struct efiauth_walk {
	size_t list, at; /* of the list under way, of the next entry */
};

/*
 * efiauth_next - the next entry of a variable's content. Returns 1; 0 after the last one.
 * Errors: -EBADMSG malformed, or entries of a length that their type has not.
 */
int efiauth_next(const uint8_t *buf, size_t len, struct efiauth_walk *walk,
		 struct efiauth_entry *ret);

/* efiauth_check - walk through all of it. Errors: -EBADMSG; -EFBIG above EFIAUTH_MAX. */
int efiauth_check(const uint8_t *buf, size_t len, size_t *ret_entries);

/* efiauth_has - is there an entry of this type with these bytes, whoever its owner is? */
bool efiauth_has(const uint8_t *buf, size_t len, enum efiauth_type type, const void *data,
		 size_t data_len);

/* efiauth_has_all - is each entry of `part` in `whole`? Both must be well-formed. */
bool efiauth_has_all(const uint8_t *whole, size_t whole_len, const uint8_t *part, size_t part_len);

/*
 * efiauth_add - a list with one entry behind *len bytes of content, in a buffer of max bytes.
 * Errors: -EINVAL the type, or data of another length; -ENOSPC.
 */
int efiauth_add(uint8_t *buf, size_t max, size_t *len, enum efiauth_type type,
		const uint8_t owner[static EFIAUTH_GUID_BYTES], const void *data, size_t data_len);

/* efiauth_time - EFI_TIME of seconds since 1970, in UTC (8.3); years 1998 to 9999.
 * Errors: -EINVAL. */
int efiauth_time(uint64_t seconds, uint8_t ret[static EFIAUTH_TIME_BYTES]);

/* An authenticated variable taken apart; pointers into the caller's buffer. */
struct efiauth {
	const uint8_t *time;  /* EFIAUTH_TIME_BYTES */
	const uint8_t *pkcs7; /* SignedData */
	size_t pkcs7_len;
	const uint8_t *content;
	size_t content_len;
};

/* efiauth_parse - Errors: -EBADMSG of another form; -EFBIG above EFIAUTH_MAX. */
int efiauth_parse(const uint8_t *buf, size_t len, struct efiauth *ret, struct err *err);

/* efiauth_message - what is signed, at most EFIAUTH_MESSAGE_MAX bytes. Errors: -EFBIG. */
int efiauth_message(enum efiauth_var var, const uint8_t time[static EFIAUTH_TIME_BYTES],
		    const uint8_t *content, size_t content_len, uint8_t *ret_buf, size_t *ret_len);

/* efiauth_format - the whole, at most EFIAUTH_MAX bytes. Errors: -EFBIG. */
int efiauth_format(const struct efiauth *a, uint8_t *ret_buf, size_t *ret_len);

#endif
