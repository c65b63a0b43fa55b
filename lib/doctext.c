// SPDX-License-Identifier: Apache-2.0
#include "doctext.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void doctext_in(struct doctext_in *in, const uint8_t *buf, size_t len)
{
	in->start = in->at = buf;
	in->end = buf + len;
	in->failed = false;
}

static size_t left(const struct doctext_in *in)
{
	return in->failed ? 0 : (size_t)(in->end - in->at);
}

bool doctext_next(const struct doctext_in *in, const char *text)
{
	size_t len = strlen(text);

	return left(in) >= len && memcmp(in->at, text, len) == 0;
}

void doctext_lit(struct doctext_in *in, const char *text)
{
	if (doctext_next(in, text))
		in->at += strlen(text);
	else
		in->failed = true;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

uint64_t doctext_u64(struct doctext_in *in, uint64_t min, uint64_t max)
{
	size_t n = left(in), i;
	uint64_t v = 0;

	for (i = 0; i < n && is_digit(in->at[i]); i++) {
		uint64_t digit = (uint64_t)(in->at[i] - '0');

		if (v > (UINT64_MAX - digit) / 10) {
			in->failed = true;
			return 0;
		}
		v = v * 10 + digit;
	}
	if (i == 0 || (in->at[0] == '0' && i > 1) || v < min || v > max) {
		in->failed = true;
		return 0;
	}
	in->at += i;
	return v;
}

static int hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void doctext_hex(struct doctext_in *in, uint8_t *ret_buf, size_t len)
{
	size_t i;

	if (left(in) / 2 < len) {
		in->failed = true;
		return;
	}
	for (i = 0; i < len; i++) {
		int high = hex_value(in->at[2 * i]), low = hex_value(in->at[2 * i + 1]);

		if (high < 0 || low < 0) {
			in->failed = true;
			return;
		}
		ret_buf[i] = (uint8_t)(high << 4 | low);
	}
	in->at += 2 * len;
}

size_t doctext_hex_upto(struct doctext_in *in, uint8_t *ret_buf, size_t max)
{
	size_t n = left(in), digits = 0;

	while (digits < n && hex_value(in->at[digits]) >= 0)
		digits++;
	if (digits == 0 || digits % 2 || digits / 2 > max) {
		in->failed = true;
		return 0;
	}
	doctext_hex(in, ret_buf, digits / 2);
	return digits / 2;
}

static bool is_word(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
	       c == '_' || c == '+' || c == '~' || c == '-';
}

void doctext_word(struct doctext_in *in, char *ret_word, size_t size)
{
	size_t n = left(in), i = 0;

	while (i < n && is_word(in->at[i]))
		i++;
	if (i == 0 || i >= size) {
		in->failed = true;
		return;
	}
	memcpy(ret_word, in->at, i);
	ret_word[i] = '\0';
	in->at += i;
}

void doctext_fail(struct doctext_in *in)
{
	in->failed = true;
}

bool doctext_done(const struct doctext_in *in)
{
	return !in->failed && in->at == in->end;
}

void doctext_out(struct doctext_out *out, void *buf, size_t size)
{
	out->buf = buf;
	out->size = size;
	out->len = 0;
	out->failed = false;
}

void doctext_put(struct doctext_out *out, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (out->failed)
		return;
	va_start(ap, fmt);
	n = vsnprintf(out->buf + out->len, out->size - out->len, fmt, ap);
	va_end(ap);
	/* The NUL has no place in the document, but vsnprintf wants one. */
	if (n < 0 || (size_t)n >= out->size - out->len)
		out->failed = true;
	else
		out->len += (size_t)n;
}

void doctext_put_hex(struct doctext_out *out, const uint8_t *buf, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (out->failed || (out->size - out->len) / 2 <= len) {
		out->failed = true;
		return;
	}
	for (i = 0; i < len; i++) {
		out->buf[out->len++] = digits[buf[i] >> 4];
		out->buf[out->len++] = digits[buf[i] & 15];
	}
}

void doctext_put_word(struct doctext_out *out, const char *word, size_t size)
{
	size_t len = strnlen(word, size), i;

	for (i = 0; i < len; i++)
		if (!is_word((uint8_t)word[i]))
			out->failed = true;
	if (len == 0 || len >= size)
		out->failed = true;
	doctext_put(out, "%.*s", (int)len, word);
}

bool doctext_same(const struct doctext_out *out, const void *buf, size_t len)
{
	return !out->failed && out->len == len && memcmp(out->buf, buf, len) == 0;
}
