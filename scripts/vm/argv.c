// SPDX-License-Identifier: Apache-2.0
#include "argv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void argv_init(struct argv *a)
{
	a->n = 0;
	a->v = calloc(1, sizeof(*a->v));
	if (!a->v)
		abort();
}

void argv_add(struct argv *a, const char *fmt, ...)
{
	char **v = realloc(a->v, ((size_t)a->n + 2) * sizeof(*v));
	va_list ap;

	if (!v)
		abort();
	a->v = v;
	va_start(ap, fmt);
	if (vasprintf(&v[a->n], fmt, ap) < 0)
		abort();
	va_end(ap);
	v[++a->n] = NULL;
}

char *const *argv_get(const struct argv *a)
{
	return a->v;
}

void argv_release(struct argv *a)
{
	for (int i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	a->v = NULL;
	a->n = 0;
}
