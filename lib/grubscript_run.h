// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUBSCRIPT_RUN_H
#define CAIRN_GRUBSCRIPT_RUN_H

/* Between grubscript.c, which runs scripts, and grubscript_cmd.c, which has the commands. */
#include "grubscript.h"
#include "grubscript_ast.h"

#define GRUBSCRIPT_VARIABLES_MAX 64
#define GRUBSCRIPT_VALUE_MAX 2048 /* with NUL */
#define GRUBSCRIPT_CALLS_MAX 8	  /* functions and files inside of each other */

/* A command with its words as they are after expansion. */
struct grubscript_args {
	char line[GRUBSCRIPT_LINE_MAX]; /* joined by blanks, as measured */
	char text[GRUBSCRIPT_LINE_MAX]; /* the words, each with its NUL */
	char *argv[GRUBSCRIPT_WORDS_MAX];
	int argc;
};

/* A function call: $1 to $9. NULL outside of functions. */
struct grubscript_scope {
	char **argv;
	int argc;
	bool returns; /* `return` was run */
};

struct grubscript {
	struct grubscript_ast ast;
	struct {
		char name[GRUBSCRIPT_NAME_MAX];
		char value[GRUBSCRIPT_VALUE_MAX];
	} variable[GRUBSCRIPT_VARIABLES_MAX];
	uint32_t variables;
	struct grubscript_args args[GRUBSCRIPT_CALLS_MAX + 1]; /* one a level of calls */
	/* The run. */
	const struct grubscript_machine *machine;
	struct grubscript_scope *scope;
	unsigned int level, commands, scripts, line;
	bool quiet, loaded, ended;
	enum grubscript_end end;
	struct err *err;
};

/* What a command says to `if`; everything but 0 is false. */
enum { GRUBSCRIPT_TRUE = 0, GRUBSCRIPT_FALSE = 1, GRUBSCRIPT_ERROR = 2 };

/* grubscript_fail - -errno with the line. */
int grubscript_fail(struct grubscript *g, int rc, const char *why);

/* grubscript_value - of a variable; "" where there is none. */
const char *grubscript_value(const struct grubscript *g, const char *name);

/* grubscript_assign - as grubscript_set, for len bytes of value. */
int grubscript_assign(struct grubscript *g, const char *name, const char *value, size_t len);

/* grubscript_source - run a script inside of this one. */
int grubscript_source(struct grubscript *g, const char *text, size_t len);

/*
 * grubscript_builtin - run a command of GRUB's. Returns a status, -ENOENT where GRUB's image has
 * no such command, or another -errno of grubscript_run.
 */
int grubscript_builtin(struct grubscript *g, int argc, char **argv);

#endif
