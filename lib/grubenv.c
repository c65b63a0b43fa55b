// SPDX-License-Identifier: Apache-2.0
#include "grubenv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char signature[] = "# GRUB Environment Block\n";
enum { HEAD = sizeof(signature) - 1 };

static bool is_block(const uint8_t *buf, size_t len)
{
	return len > HEAD && len <= GRUBENV_SIZE_MAX && memcmp(buf, signature, HEAD) == 0;
}

/* The end of the line that at is in: its newline, or len or one more. A backslash hides a byte. */
static size_t line_end(const uint8_t *buf, size_t len, size_t at)
{
	while (at < len && buf[at] != '\n')
		at += buf[at] == '\\' ? 2 : 1;
	return at;
}

/* Names and values are C strings for GRUB: what follows a NUL in them does not count. */
static bool name_is(const uint8_t *p, size_t len, const char *name)
{
	const uint8_t *nul = memchr(p, 0, len);
	size_t n = nul ? (size_t)(nul - p) : len;

	return strlen(name) == n && memcmp(p, name, n) == 0;
}

static int copy_value(const uint8_t *p, size_t len, char *ret_value, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (p[i] == '\\')
			i++;
		if (!p[i])
			break;
		if (n + 1 >= size)
			return -EFBIG;
		ret_value[n++] = (char)p[i];
	}
	ret_value[n] = '\0';
	return 0;
}

int grubenv_get(const uint8_t *buf, size_t len, const char *name, char *ret_value, size_t size)
{
	size_t p = HEAD;
	int rc = -ENOENT;

	if (!is_block(buf, len))
		return -EBADMSG;
	while (p < len) {
		if (buf[p] != '#') {
			size_t at = p, value;

			while (p < len && buf[p] != '=')
				p++;
			if (p == len)
				break;
			value = p + 1;
			p = line_end(buf, len, value);
			if (p >= len)
				break;
			if (name_is(buf + at, value - 1 - at, name)) {
				rc = copy_value(buf + value, p - value, ret_value, size);
				if (rc)
					return rc;
			}
		}
		p = line_end(buf, len, p) + 1;
	}
	return rc;
}

static size_t escaped_len(const char *value)
{
	size_t n = 0;

	for (; *value; value++)
		n += *value == '\\' || *value == '\n' ? 2 : 1;
	return n;
}

int grubenv_set(uint8_t *buf, size_t len, const char *name, const char *value)
{
	size_t n = strlen(name), want = escaped_len(value), p = HEAD, space;

	if (!is_block(buf, len))
		return -EBADMSG;
	for (space = len - 1; buf[space] == '#'; space--)
		;
	if (buf[space++] != '\n')
		return -EBADMSG;
	while (p + n + 1 < space && !(memcmp(buf + p, name, n) == 0 && buf[p + n] == '='))
		p = line_end(buf, len, p) + 1;
	if (p + n + 1 < space) {
		size_t has;

		p += n + 1;
		has = line_end(buf, len, p) - p;
		if (p + has >= len)
			return -EBADMSG;
		if (want > has && len - space < want - has)
			return -ENOSPC;
		if (want < has) {
			memmove(buf + p + want, buf + p + has, len - (p + has));
			memset(buf + space - (has - want), '#', has - want);
		} else {
			memmove(buf + p + want, buf + p + has, len - (p + want));
		}
	} else {
		if (len - space < n + 1 + want + 1)
			return -ENOSPC;
		memcpy(buf + space, name, n);
		p = space + n;
		buf[p++] = '=';
	}
	for (; *value; value++) {
		if (*value == '\\' || *value == '\n')
			buf[p++] = '\\';
		buf[p++] = (uint8_t)*value;
	}
	buf[p] = '\n';
	return 0;
}
