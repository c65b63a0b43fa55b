// SPDX-License-Identifier: Apache-2.0
#include "fatname.h"

#include <string.h>

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool in(const char *set, char c)
{
	return c && strchr(set, c);
}

static bool short_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || in("$%'-_@~!(){}^#&", c);
}

bool fatname_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t i;

	if (a_len != b_len)
		return false;
	for (i = 0; i < a_len; i++)
		if (upper(a[i]) != upper(b[i]))
			return false;
	return true;
}

bool fatname_valid(const char *name, size_t len)
{
	size_t i;

	if (!len || len > FATNAME_MAX || in(". ", name[len - 1]) || name[0] == ' ')
		return false;
	for (i = 0; i < len; i++)
		if (name[i] < 0x20 || name[i] > 0x7e || in("\"*/:<>?\\|", name[i]))
			return false;
	return true;
}

bool fatname_short(const char *name, size_t len, int tail, uint8_t ret[static FATNAME_SHORT])
{
	size_t dot = len, i, base_len = 0, ext_len = 0;
	bool fits = true;

	memset(ret, ' ', FATNAME_SHORT);
	for (i = len; i-- > 1;) {
		if (name[i] == '.') {
			dot = i;
			break;
		}
	}
	for (i = 0; i < dot; i++) {
		char c = upper(name[i]);

		if (!short_char(c) || base_len == (tail ? 6 : 8))
			fits = false;
		else
			ret[base_len++] = (uint8_t)c;
	}
	for (i = dot + 1; i < len; i++) {
		char c = upper(name[i]);

		if (!short_char(c) || ext_len == 3)
			fits = false;
		else
			ret[8 + ext_len++] = (uint8_t)c;
	}
	if (tail) {
		ret[base_len++] = '~';
		ret[base_len] = (uint8_t)('0' + tail);
	}
	return fits && base_len;
}

bool fatname_has_lower(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (name[i] != upper(name[i]))
			return true;
	return false;
}

bool fatname_label_valid(const char *label)
{
	size_t i;

	for (i = 0; label[i]; i++)
		if (!((label[i] >= 'A' && label[i] <= 'Z') ||
		      (label[i] >= '0' && label[i] <= '9') || in("-_", label[i])))
			return false;
	return i > 0 && i <= FATNAME_SHORT;
}
