// SPDX-License-Identifier: Apache-2.0
/* Any script, on a machine whose files hold the rest of the input. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grubscript.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

struct world {
	const char *rest;
	size_t rest_len;
	uint8_t env[GRUBSCRIPT_ENV_BYTES];
};

static int on_command(void *ctx, const char *line, bool quiet)
{
	(void)ctx;
	(void)quiet;
	if (strlen(line) >= GRUBSCRIPT_LINE_MAX)
		abort();
	return 0;
}

static int on_read(void *ctx, const char *path, const char **ret_text, size_t *ret_len)
{
	struct world *w = ctx;

	if (strcmp(path, "none") == 0)
		return -1;
	*ret_text = w->rest;
	*ret_len = w->rest_len;
	return 0;
}

static int on_load(void *ctx, const char *path, const char *arguments)
{
	(void)ctx;
	return strlen(path) + strlen(arguments) >= GRUBSCRIPT_LINE_MAX ? -1 : 0;
}

static int on_env_read(void *ctx, const char *path, uint8_t ret[static GRUBSCRIPT_ENV_BYTES])
{
	struct world *w = ctx;

	(void)path;
	memcpy(ret, w->env, sizeof(w->env));
	return 0;
}

static int on_env_write(void *ctx, const char *path,
			const uint8_t block[static GRUBSCRIPT_ENV_BYTES])
{
	struct world *w = ctx;

	(void)path;
	memcpy(w->env, block, sizeof(w->env));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static struct world w;
	const struct grubscript_machine machine = { &w,	     on_command,  on_read,
						    on_load, on_env_read, on_env_write };
	const uint8_t *end = len ? memchr(buf, 0, len) : NULL;
	size_t first = end ? (size_t)(end - buf) : len;
	struct grubscript *g = grubscript_new();
	enum grubscript_end how;
	struct err err;
	char *copy = malloc(first + 1);

	if (!g || !copy)
		abort();
	/* What the parser reads past its end a sanitizer sees. */
	copy = realloc(copy, first ? first : 1);
	if (!copy)
		abort();
	memcpy(copy, buf, first);
	w.rest = end ? (const char *)end + 1 : "";
	w.rest_len = end ? len - first - 1 : 0;
	memset(w.env, '#', sizeof(w.env));
	memcpy(w.env, "# GRUB Environment Block\n", 25);
	if (w.rest_len)
		memcpy(w.env + 25, w.rest, w.rest_len < 200 ? w.rest_len : 200);
	(void)grubscript_set(g, "cmdpath", "(hd0,gpt1)/EFI/BOOT");
	(void)grubscript_run(g, &machine, copy, first, false, &how, &err);
	free(copy);
	grubscript_free(g);
	return 0;
}
