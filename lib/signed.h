// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SIGNED_H
#define CAIRN_SIGNED_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * A signed document: the form of trust (trust.h), channel (channel.h), and the head of a bundle
 * (bundle.h). The document itself is canonical text whose first line names its kind.
 *
 *     cairn-signed 1\n
 *     document=<bytes> signatures=<bytes>\n
 *     <document>
 *     <64 hex digits: key id> <128 hex digits: r | s>\n      ids strictly ascending, 0 to 16
 *
 * A signature is ECDSA P-256 over the SHA-256 of the document's bytes. A key's id is the SHA-256
 * of its uncompressed point. Numbers are decimal without leading zeros, digits lower-case; every
 * other form is refused. Who may sign, and how many must, is trust_check's business (trust.h);
 * the document is not to be parsed before that said yes.
 */

#define SIGNED_DOCUMENT_MAX 16384
#define SIGNED_SIGNATURES_MAX 16 /* signatures on one document */
#define SIGNED_LINE_BYTES (2 * SHA256_SIZE + 1 + 2 * P256_SIGNATURE_SIZE + 1)
#define SIGNED_HEAD_MAX 64 /* bytes of the two lines before the document */
#define SIGNED_MAX                                                                                 \
	(SIGNED_HEAD_MAX + SIGNED_DOCUMENT_MAX + SIGNED_SIGNATURES_MAX * SIGNED_LINE_BYTES)

struct signature {
	uint8_t key_id[SHA256_SIZE];
	uint8_t rs[P256_SIGNATURE_SIZE];
};

/* A signed document taken apart. document points into the caller's buffer. */
struct signed_doc {
	const uint8_t *document;
	size_t document_len;
	uint8_t digest[SHA256_SIZE]; /* of the document: what is signed, and its name elsewhere */
	struct signature signature[SIGNED_SIGNATURES_MAX];
	size_t signatures;
	size_t total; /* bytes of all of it, from the buffer's start */
};

/*
 * signed_bytes - how long is the signed document that begins here? The first SIGNED_HEAD_MAX
 * bytes of it always tell.
 * Errors: -ENODATA len is too short to tell, -EBADMSG no signed document or above the limits.
 */
int signed_bytes(const uint8_t *buf, size_t len, size_t *ret_total, struct err *err);

/*
 * signed_split - take the signed document at the start of buf apart; what follows it is ignored
 * (compare ret->total with len where nothing may). Checks the form, no signature.
 * Errors: -ENODATA not all of it is there, -EBADMSG another form or above the limits.
 */
int signed_split(const uint8_t *buf, size_t len, struct signed_doc *ret, struct err *err);

/*
 * signed_write - put a document and its signatures together, in any order of signatures.
 * Errors: -EINVAL two signatures of one key, or above the limits.
 */
int signed_write(const void *document, size_t document_len, const struct signature *signatures,
		 size_t count, uint8_t ret_buf[static SIGNED_MAX], size_t *ret_len);

/* signed_key_id - the id of a public key. */
void signed_key_id(const uint8_t point[static P256_POINT_SIZE], uint8_t ret_id[static SHA256_SIZE]);

#endif
