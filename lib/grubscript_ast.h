// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUBSCRIPT_AST_H
#define CAIRN_GRUBSCRIPT_AST_H

/* Between grubscript_parse.c and grubscript.c: a script as it was read. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "grubscript.h"

#define GRUBSCRIPT_NODES_MAX 1024
#define GRUBSCRIPT_PARTS_MAX 4096
#define GRUBSCRIPT_ALL_WORDS_MAX 2048
#define GRUBSCRIPT_FUNCTIONS_MAX 32
#define GRUBSCRIPT_NAME_MAX 32 /* with NUL */
#define GRUBSCRIPT_NESTING_MAX 16
#define GRUBSCRIPT_NONE 0 /* index of no node: node 0 is not used */

/* A part of a word: str is len bytes of text; of a variable its name. */
enum grubscript_part_kind {
	GRUBSCRIPT_TEXT,
	GRUBSCRIPT_QUOTED,	/* text; the word exists even where this is empty */
	GRUBSCRIPT_VARIABLE,	/* outside of quotes */
	GRUBSCRIPT_VARIABLE_DQ, /* inside of "..." */
};

struct grubscript_part {
	enum grubscript_part_kind kind;
	uint32_t at, len; /* in `text` */
};

struct grubscript_word {
	uint32_t part, parts;
};

enum grubscript_node_kind { GRUBSCRIPT_COMMAND, GRUBSCRIPT_IF };

struct grubscript_node {
	enum grubscript_node_kind kind;
	uint32_t line;
	uint32_t word, words;	    /* COMMAND */
	uint32_t test, then, other; /* IF: lists of nodes; other may be NONE */
	uint32_t next;		    /* in its list */
};

struct grubscript_function {
	char name[GRUBSCRIPT_NAME_MAX];
	uint32_t body;
};

struct grubscript_ast {
	char text[GRUBSCRIPT_SCRIPTS_MAX * GRUBSCRIPT_SIZE_MAX];
	uint32_t text_used, nodes, parts, words, functions;
	struct grubscript_node node[GRUBSCRIPT_NODES_MAX];
	struct grubscript_part part[GRUBSCRIPT_PARTS_MAX];
	struct grubscript_word word[GRUBSCRIPT_ALL_WORDS_MAX];
	struct grubscript_function function[GRUBSCRIPT_FUNCTIONS_MAX];
};

/*
 * grubscript_parse - add a script. *ret_list: its statements, functions left out, which are known
 * from here on, as they are to GRUB, which reads a statement before it runs it. Errors: -ENOTSUP,
 * -E2BIG.
 */
int grubscript_parse(struct grubscript_ast *ast, const char *text, size_t len, uint32_t *ret_list,
		     struct err *err);

#endif
