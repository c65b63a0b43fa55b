// SPDX-License-Identifier: Apache-2.0
#include "cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The end of the word at p, and whether quotes were open on the way is kept inside it. */
static const char *word_end(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || !isspace((unsigned char)*p)); p++)
		if (*p == '"')
			quoted = !quoted;
	return p;
}

static int copy_value(const char *p, const char *end, char *ret_value, size_t max)
{
	size_t used = 0;

	for (; p < end; p++) {
		if (*p == '"')
			continue;
		if (used + 1 >= max)
			return -ENAMETOOLONG;
		ret_value[used++] = *p;
	}
	if (!max)
		return -ENAMETOOLONG;
	ret_value[used] = '\0';
	return 0;
}

int cmdline_get(const char *cmdline, const char *key, char *ret_value, size_t max)
{
	size_t key_len = strlen(key);
	const char *p = cmdline;

	for (;;) {
		const char *end, *word;

		while (isspace((unsigned char)*p))
			p++;
		if (!*p)
			return -ENOENT;
		end = word_end(p);
		word = *p == '"' ? p + 1 : p; /* the kernel takes "key=a b" and key="a b" */
		p = end;
		if ((size_t)(end - word) < key_len || memcmp(word, key, key_len) != 0)
			continue;
		word += key_len;
		if (word < end && *word != '=' && *word != '"')
			continue;
		if (!ret_value)
			return 0;
		return copy_value(word < end && *word == '=' ? word + 1 : word, end, ret_value,
				  max);
	}
}
