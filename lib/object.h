// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_OBJECT_H
#define CAIRN_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "evidence.h"

/*
 * An object that the device identity key signed, of any kind. Whoever stands between machine and
 * verifier, a proxy that opens TLS too, can drop it and cannot change it.
 *
 *     "CAIRN-OB" | u16 version = 1 | u16 kind | u32 length | content | r | s
 *
 * ECDSA P-256 over the SHA-256 of all that stands before r. A content that must not be played
 * again carries the verifier's nonce; evidence does.
 */
#define OBJECT_HEAD 16 /* bytes before the content */
#define OBJECT_CONTENT_MAX EVIDENCE_MAX
#define OBJECT_MAX (OBJECT_HEAD + OBJECT_CONTENT_MAX + P256_SIGNATURE_SIZE)

enum object_kind { OBJECT_EVIDENCE = 1, OBJECT_TEXT = 2 };

struct object {
	uint16_t kind;
	const uint8_t *content; /* in the caller's buffer */
	size_t len;
	uint8_t digest[SHA256_SIZE]; /* what is signed */
	const uint8_t *signature;    /* r | s */
};

/* object_parse - form only. Errors: -EBADMSG, -EFBIG. */
int object_parse(const uint8_t *buf, size_t len, struct object *ret, struct err *err);
/* object_open - the same, and the signature. Errors: -EKEYREJECTED too. */
int object_open(const uint8_t *buf, size_t len, struct p256_key *identity, struct object *ret,
		struct err *err);
/* object_head - the bytes before a content of len bytes. Errors: -EFBIG. */
int object_head(uint16_t kind, size_t len, uint8_t ret_head[static OBJECT_HEAD]);

#endif
