// SPDX-License-Identifier: Apache-2.0
/* The input: the family's digit, the action, then NAME=VALUE, each ended by a NUL. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

struct env {
	const char *text, *end;
};

static const char *get(void *ctx, const char *name)
{
	const struct env *env = ctx;
	const char *p = env->text;
	size_t n = strlen(name);

	while (p < env->end) {
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return p + n + 1;
		p += strlen(p) + 1;
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static char text[4096];
	struct env env;
	struct lease l;
	unsigned int family;

	if (len < 2 || len >= sizeof(text))
		return 0;
	memcpy(text, buf, len);
	text[len] = '\0';
	family = text[0] == '6' ? 6 : 4;
	env.text = text + 1 + strlen(text + 1) + 1;
	env.end = text + len;
	/* What is read is always what the daemon takes. */
	if (lease_read(text + 1, family, get, &env, &l) == 0 && !lease_ok(&l))
		__builtin_trap();
	return 0;
}
