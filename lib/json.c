// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void fail(struct json *j, int rc)
{
	if (!j->error)
		j->error = rc;
}

static void put(struct json *j, const char *text, size_t len)
{
	if (j->error)
		return;
	if (j->size - j->used <= len) {
		fail(j, -ENOSPC);
		return;
	}
	memcpy(j->buf + j->used, text, len);
	j->used += len;
	j->buf[j->used] = '\0';
}

static void put_text(struct json *j, const char *text)
{
	put(j, text, strlen(text));
}

static bool in_array(const struct json *j)
{
	return j->depth && (j->is_array >> (j->depth - 1) & 1);
}

static void new_line(struct json *j)
{
	unsigned int i;

	if (!j->lines)
		return;
	put_text(j, "\n");
	for (i = 0; i < j->depth; i++)
		put_text(j, "  ");
}

/* Comma and line break before a member of the innermost object or array. */
static void separate(struct json *j)
{
	uint16_t bit = (uint16_t)(1u << (j->depth - 1));

	if (j->has_value & bit)
		put_text(j, ",");
	j->has_value |= bit;
	new_line(j);
}

/* Whatever comes before a value; fails where no value may stand. */
static void before_value(struct json *j)
{
	if (j->depth == 0) {
		if (j->used)
			fail(j, -EINVAL);
	} else if (in_array(j)) {
		separate(j);
	} else if (!j->after_key) {
		fail(j, -EINVAL);
	}
	j->after_key = false;
}

/* Length of the UTF-8 sequence at s (RFC 3629: no surrogates, no overlong forms), 0 if none. */
static size_t utf8_length(const uint8_t *s)
{
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] <= 0xef) {
		uint8_t lo = s[0] == 0xe0 ? 0xa0 : 0x80, hi = s[0] == 0xed ? 0x9f : 0xbf;

		return s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 ? 3 : 0;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		uint8_t lo = s[0] == 0xf0 ? 0x90 : 0x80, hi = s[0] == 0xf4 ? 0x8f : 0xbf;

		return s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80
			       ? 4
			       : 0;
	}
	return 0;
}

static void quoted(struct json *j, const char *text)
{
	const uint8_t *s = (const uint8_t *)text;
	char esc[8];

	put_text(j, "\"");
	while (*s) {
		size_t len = 1;

		if (*s == '"' || *s == '\\') {
			(void)snprintf(esc, sizeof(esc), "\\%c", *s);
			put_text(j, esc);
		} else if (*s == '\n' || *s == '\t' || *s == '\r') {
			put_text(j, *s == '\n' ? "\\n" : *s == '\t' ? "\\t" : "\\r");
		} else if (*s < 0x20 || *s == 0x7f) {
			(void)snprintf(esc, sizeof(esc), "\\u%04x", *s);
			put_text(j, esc);
		} else if (*s < 0x80) {
			put(j, (const char *)s, 1);
		} else if ((len = utf8_length(s))) {
			put(j, (const char *)s, len);
		} else {
			put_text(j, "\xef\xbf\xbd");
			len = 1;
		}
		s += len;
	}
	put_text(j, "\"");
}

void json_init(struct json *j, char *buf, size_t size)
{
	memset(j, 0, sizeof(*j));
	j->buf = buf;
	j->size = size;
	if (size)
		buf[0] = '\0';
	else
		j->error = -ENOSPC;
}

void json_lines(struct json *j)
{
	j->lines = true;
}

static void open_level(struct json *j, bool array)
{
	uint16_t bit;

	before_value(j);
	if (j->depth == JSON_DEPTH_MAX) {
		fail(j, -E2BIG);
		return;
	}
	bit = (uint16_t)(1u << j->depth);
	j->depth++;
	j->has_value &= (uint16_t)~bit;
	j->is_array = (uint16_t)(array ? j->is_array | bit : j->is_array & ~bit);
	put_text(j, array ? "[" : "{");
}

static void close_level(struct json *j, bool array)
{
	bool had;

	if (!j->depth || in_array(j) != array || j->after_key) {
		fail(j, -EINVAL);
		return;
	}
	had = j->has_value >> (j->depth - 1) & 1;
	j->depth--;
	if (had)
		new_line(j);
	put_text(j, array ? "]" : "}");
}

void json_open_object(struct json *j)
{
	open_level(j, false);
}

void json_close_object(struct json *j)
{
	close_level(j, false);
}

void json_open_array(struct json *j)
{
	open_level(j, true);
}

void json_close_array(struct json *j)
{
	close_level(j, true);
}

void json_key(struct json *j, const char *key)
{
	if (!j->depth || in_array(j) || j->after_key) {
		fail(j, -EINVAL);
		return;
	}
	separate(j);
	quoted(j, key);
	put_text(j, j->lines ? ": " : ":");
	j->after_key = true;
}

void json_string(struct json *j, const char *text)
{
	before_value(j);
	if (text)
		quoted(j, text);
	else
		put_text(j, "null");
}

void json_int(struct json *j, int64_t value)
{
	char text[24];

	before_value(j);
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	put_text(j, text);
}

void json_uint(struct json *j, uint64_t value)
{
	char text[24];

	before_value(j);
	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	put_text(j, text);
}

void json_bool(struct json *j, bool value)
{
	before_value(j);
	put_text(j, value ? "true" : "false");
}

void json_null(struct json *j)
{
	json_string(j, NULL);
}

void json_member_string(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_string(j, text);
}

void json_member_int(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	json_int(j, value);
}

void json_member_uint(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_uint(j, value);
}

void json_member_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

int json_end(struct json *j, size_t *ret_len)
{
	if (!j->error && (j->depth || !j->used))
		fail(j, -EINVAL);
	if (j->error)
		return j->error;
	if (ret_len)
		*ret_len = j->used;
	return 0;
}
