// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DER_H
#define CAIRN_DER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reading DER (ITU-T X.690 02/2021, 8.1 and 10.1): definite lengths in their shortest form, tags of
 * one byte, contents below 16 MiB. Everything else is refused. Nothing is copied.
 */

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0, /* [0], constructed */
	DER_CONTEXT_1 = 0xa1,
};

/* Bytes in the caller's buffer. */
struct der {
	const uint8_t *p;
	size_t len;
};

/*
 * der_any - take the next element off `in`. ret_value: its content; ret_whole: with tag and length.
 * Each result may be NULL. Errors: -EBADMSG no such element; `in` is then as it was.
 */
int der_any(struct der *in, uint8_t *ret_tag, struct der *ret_value, struct der *ret_whole);

/* der_next - der_any for one tag. Errors: -EBADMSG also where the tag is another. */
int der_next(struct der *in, uint8_t tag, struct der *ret_value);

/* der_next_is - has the next element this tag? */
int der_next_is(const struct der *in, uint8_t tag);

/* der_equal - the same bytes? */
int der_equal(const struct der *a, const void *bytes, size_t len);

#endif
