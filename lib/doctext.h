// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DOCTEXT_H
#define CAIRN_DOCTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Canonical text, which has one form only: read piece by piece, written piece by piece. A reader
 * remembers its first failure; everything after it fails too, so that a caller asks once, at the
 * end. Whoever reads a document writes the result again and compares (doctext_same).
 */

struct doctext_in {
	const uint8_t *start, *at, *end;
	bool failed; /* at is then where */
};

struct doctext_out {
	char *buf; /* the caller's */
	size_t size, len;
	bool failed; /* it did not fit, or a piece has no canonical form */
};

void doctext_in(struct doctext_in *in, const uint8_t *buf, size_t len);

/* doctext_next - does this text come next? Consumes nothing. */
bool doctext_next(const struct doctext_in *in, const char *text);
/* doctext_lit - exactly this text. */
void doctext_lit(struct doctext_in *in, const char *text);
/* doctext_u64 - a decimal number from min to max without leading zeros; 0 on failure. */
uint64_t doctext_u64(struct doctext_in *in, uint64_t min, uint64_t max);
/* doctext_hex - exactly 2*len lower-case digits. */
void doctext_hex(struct doctext_in *in, uint8_t *ret_buf, size_t len);
/* doctext_hex_upto - 1 to max bytes of hex, up to the line's end; returns how many. */
size_t doctext_hex_upto(struct doctext_in *in, uint8_t *ret_buf, size_t max);
/* doctext_word - 1 to size-1 characters of [A-Za-z0-9._+~-], NUL-terminated. */
void doctext_word(struct doctext_in *in, char *ret_word, size_t size);
/* doctext_fail - what was read is not valid for the caller. */
void doctext_fail(struct doctext_in *in);
/* doctext_done - nothing failed and nothing is left. */
bool doctext_done(const struct doctext_in *in);

void doctext_out(struct doctext_out *out, void *buf, size_t size);
void doctext_put(struct doctext_out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void doctext_put_hex(struct doctext_out *out, const uint8_t *buf, size_t len);
/* doctext_put_word - fails where doctext_word would not read it back into size bytes. */
void doctext_put_word(struct doctext_out *out, const char *word, size_t size);
/* doctext_same - is what was written these bytes? */
bool doctext_same(const struct doctext_out *out, const void *buf, size_t len);

#endif
