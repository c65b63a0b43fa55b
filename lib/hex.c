// SPDX-License-Identifier: Apache-2.0
#include "hex.h"

#include <errno.h>
#include <string.h>

void hex_encode(const uint8_t *buf, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		ret_text[2 * i] = digits[buf[i] >> 4];
		ret_text[2 * i + 1] = digits[buf[i] & 15];
	}
	ret_text[2 * len] = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *text, uint8_t *ret_buf, size_t len)
{
	size_t i;

	if (strnlen(text, 2 * len + 1) != 2 * len)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		int hi = digit(text[2 * i]), lo = digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -EINVAL;
		ret_buf[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}
