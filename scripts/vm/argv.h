// SPDX-License-Identifier: Apache-2.0
#ifndef VM_ARGV_H
#define VM_ARGV_H

/* The arguments of one program, in order. Running out of memory or room aborts the runner. */
struct argv {
	char **v; /* owned, ends with NULL */
	int n;
};

void argv_init(struct argv *a);
void argv_add(struct argv *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *const *argv_get(const struct argv *a);
void argv_release(struct argv *a);

#endif
