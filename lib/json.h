// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_JSON_H
#define CAIRN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A writer of one JSON document (RFC 8259) into the caller's buffer: no heap, no recursion.
 * Errors are kept and told once, by json_end: callers write the whole document without looking.
 * Strings are UTF-8; a byte that is not becomes U+FFFD, so that the document is always valid.
 */

#define JSON_DEPTH_MAX 16

struct json {
	char *buf;
	size_t size, used;  /* bytes; buf[used] stays NUL */
	int error;	    /* the first one, -errno */
	unsigned int depth; /* open objects and arrays */
	uint16_t is_array;  /* one bit a level */
	uint16_t has_value; /* one bit a level: the next member needs a comma */
	bool after_key;
	bool lines; /* one member a line, indented by two spaces, as `jq .` prints */
};

/* json_init - an empty document in buf; size counts the closing NUL. Compact form. */
void json_init(struct json *j, char *buf, size_t size);
/* json_lines - one member a line from here on; before the first value. */
void json_lines(struct json *j);

void json_open_object(struct json *j);
void json_close_object(struct json *j);
void json_open_array(struct json *j);
void json_close_array(struct json *j);

/* json_key - the name of the next value; inside objects only, and needed there. */
void json_key(struct json *j, const char *key);
/* json_string - NULL writes null. */
void json_string(struct json *j, const char *text);
void json_int(struct json *j, int64_t value);
void json_uint(struct json *j, uint64_t value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);

/* Members in one call: key and value. */
void json_member_string(struct json *j, const char *key, const char *text);
void json_member_int(struct json *j, const char *key, int64_t value);
void json_member_uint(struct json *j, const char *key, uint64_t value);
void json_member_bool(struct json *j, const char *key, bool value);

/*
 * json_end - the document is complete; buf holds it with a NUL. ret_len may be NULL.
 * Errors: -ENOSPC buffer too small, -EINVAL calls in a wrong order (a member without key,
 * something left open, a second top value), -E2BIG nested deeper than JSON_DEPTH_MAX.
 * After an error buf holds a cut document that must not be used.
 */
int json_end(struct json *j, size_t *ret_len);

#endif
