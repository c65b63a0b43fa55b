// SPDX-License-Identifier: Apache-2.0
#include "box.h"

#include <stdbool.h>
#include <string.h>

#define WIDTH 76
#define VALUE_MAX 256

/* What a person asks, and the keys of the line that answer it. */
static const struct {
	const char *label;
	const char *key;
	const char *unit;
} rows[] = {
	{ "version", "version", "" },
	{ "variant", "variant", "" },
	{ "slot", "slot", "" },
	{ "root verified", "verity", "" },
	{ "secure boot", "secureboot", "" },
	{ "tpm", "tpm", "" },
	{ "event log", "eventlog", "" },
	{ "PCR 4", "pcr4", "" },
	{ "PCR 7", "pcr7", "" },
	{ "PCR 8", "pcr8", "" },
	{ "PCR 9", "pcr9", "" },
	{ "services up", "services", "" },
	{ "data", "data", "" },
	{ "network", "net", "" },
	{ "kernel to ready", "kernel_to_ready_ms", " ms" },
	{ "memory in use", "mem_used_kib", " KiB" },
	{ "what failed", "what", "" },
	{ "why", "why", "" },
};

/* The value of key in a line of `key=value` and `key="words of text"`; false: not there. */
static bool find(const char *line, const char *key, char *ret_value, size_t max)
{
	size_t key_len = strlen(key);

	for (const char *p = line; (p = strchr(p, ' ')); p++) {
		const char *end, *v = p + 1 + key_len + 1;

		if (strncmp(p + 1, key, key_len) != 0 || p[1 + key_len] != '=')
			continue;
		if (*v == '"')
			end = strchr(++v, '"');
		else
			end = strchr(v, ' ');
		if (!end)
			end = v + strlen(v);
		(void)snprintf(ret_value, max, "%.*s", (int)(end - v), v);
		return true;
	}
	return false;
}

static void rule(FILE *f)
{
	(void)fputc('+', f);
	for (int i = 0; i < WIDTH + 10; i++)
		(void)fputc('-', f);
	(void)fputs("+\n", f);
}

void box_print(FILE *f, const char *line, size_t len)
{
	char text[4096], value[VALUE_MAX];

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, line);
	(void)fputc('\n', f);
	rule(f);
	(void)fprintf(f, "| %-*s |\n", WIDTH + 8,
		      strstr(text, BOX_READY) ? "Cairn is ready" : "Cairn reports a failure");
	rule(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (find(text, rows[i].key, value, sizeof(value)))
			(void)fprintf(f, "| %-15s  %s%-*s |\n", rows[i].label, value,
				      WIDTH - 9 - (int)strlen(value), rows[i].unit);
	rule(f);
	(void)fflush(f);
}
