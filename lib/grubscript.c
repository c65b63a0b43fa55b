// SPDX-License-Identifier: Apache-2.0
/* GRUB 2.06, grub-core/script/execute.c: the part that grubscript.h names. */
#include "grubscript.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grubscript_run.h"

struct grubscript *grubscript_new(void)
{
	return calloc(1, sizeof(struct grubscript));
}

void grubscript_free(struct grubscript *g)
{
	free(g);
}

int grubscript_fail(struct grubscript *g, int rc, const char *why)
{
	return err_set(g->err, rc, "GRUB script, line %u: %s", g->line, why);
}

const char *grubscript_value(const struct grubscript *g, const char *name)
{
	uint32_t i;

	for (i = 0; i < g->variables; i++)
		if (strcmp(g->variable[i].name, name) == 0)
			return g->variable[i].value;
	return "";
}

int grubscript_assign(struct grubscript *g, const char *name, const char *value, size_t len)
{
	uint32_t i;

	for (i = 0; i < g->variables; i++)
		if (strcmp(g->variable[i].name, name) == 0)
			break;
	if (i == GRUBSCRIPT_VARIABLES_MAX || strlen(name) >= GRUBSCRIPT_NAME_MAX ||
	    len >= GRUBSCRIPT_VALUE_MAX)
		return -ENOSPC;
	if (i == g->variables) {
		memset(g->variable[i].name, 0, GRUBSCRIPT_NAME_MAX);
		memcpy(g->variable[i].name, name, strlen(name));
		g->variables++;
	}
	/* grub_env_write_root of kern/main.c. */
	if (strcmp(name, "root") == 0 && len >= 2 && value[0] == '(' && value[len - 1] == ')') {
		value++;
		len -= 2;
	}
	memmove(g->variable[i].value, value, len);
	g->variable[i].value[len] = '\0';
	return 0;
}

int grubscript_set(struct grubscript *g, const char *name, const char *value)
{
	return grubscript_assign(g, name, value, strlen(value));
}

/* Words as they are made, one after another. */
struct maker {
	struct grubscript *g;
	struct grubscript_args *to;
	size_t used;
	bool exists; /* the word that is being made */
};

static int add_text(struct maker *m, const char *p, size_t len)
{
	if (len >= sizeof(m->to->text) - m->used)
		return grubscript_fail(m->g, -E2BIG, "a command that is too long");
	memcpy(m->to->text + m->used, p, len);
	m->used += len;
	m->exists = true;
	return 0;
}

static const char *variable(const struct grubscript *g, const char *name)
{
	if (!isdigit((unsigned char)name[0]))
		return grubscript_value(g, name);
	if (g->scope && name[0] - '0' <= g->scope->argc)
		return g->scope->argv[name[0] - '1'];
	return "";
}

static int add_variable(struct maker *m, const struct grubscript_part *part)
{
	char name[GRUBSCRIPT_NAME_MAX] = "";
	const char *value;

	memcpy(name, m->g->ast.text + part->at, part->len);
	value = variable(m->g, name);
	if (!*value)
		return 0;
	/* GRUB would make several words of it, or look for files. */
	if (part->kind == GRUBSCRIPT_VARIABLE && strpbrk(value, " \t\n\v\f\r*?\\"))
		return grubscript_fail(m->g, -ENOTSUP,
				       "a variable outside of quotes that is not one plain word");
	return add_text(m, value, strlen(value));
}

/* grub_script_arglist_to_argv. */
static int expand(struct grubscript *g, const struct grubscript_node *node,
		  struct grubscript_args *ret)
{
	struct maker m = { .g = g, .to = ret };
	size_t used = 0;
	uint32_t i, j;
	int rc, k;

	ret->argc = 0;
	for (i = 0; i < node->words; i++) {
		const struct grubscript_word *word = &g->ast.word[node->word + i];
		char *begin = ret->text + m.used;

		m.exists = false;
		for (j = 0; j < word->parts; j++) {
			const struct grubscript_part *part = &g->ast.part[word->part + j];

			if (part->kind == GRUBSCRIPT_TEXT || part->kind == GRUBSCRIPT_QUOTED)
				rc = add_text(&m, g->ast.text + part->at, part->len);
			else
				rc = add_variable(&m, part);
			if (rc)
				return rc;
		}
		if (!m.exists)
			continue;
		rc = add_text(&m, "", 1);
		if (rc)
			return rc;
		ret->argv[ret->argc++] = begin;
	}
	for (k = 0; k < ret->argc; k++) {
		size_t len = strlen(ret->argv[k]);

		/* No longer than the words with their NULs. */
		memcpy(ret->line + used, ret->argv[k], len);
		used += len;
		ret->line[used++] = k + 1 < ret->argc ? ' ' : '\0';
	}
	return 0;
}

static int run_list(struct grubscript *g, uint32_t list);

static int call(struct grubscript *g, const struct grubscript_function *f, int argc, char **argv)
{
	struct grubscript_scope scope = { .argv = argv, .argc = argc }, *outer = g->scope;
	int rc;

	if (g->level == GRUBSCRIPT_CALLS_MAX)
		return grubscript_fail(g, -E2BIG, "calls are too deep");
	g->level++;
	g->scope = &scope;
	rc = run_list(g, f->body);
	g->scope = outer;
	g->level--;
	return rc;
}

/* grub_script_execute_cmdline. */
static int run_command(struct grubscript *g, const struct grubscript_node *node)
{
	struct grubscript_args *args = &g->args[g->level];
	uint32_t i;
	int rc;

	g->line = node->line;
	if (g->commands++ == GRUBSCRIPT_COMMANDS_MAX)
		return grubscript_fail(g, -ELOOP, "no end in sight");
	rc = expand(g, node, args);
	if (rc)
		return rc;
	if (!args->argc)
		return grubscript_fail(g, -ENOTSUP, "a command without a word");
	rc = g->machine->command(g->machine->ctx, args->line, g->quiet);
	if (rc)
		return rc;
	rc = grubscript_builtin(g, args->argc, args->argv);
	if (rc != -ENOENT)
		return rc;
	for (i = 0; i < g->ast.functions; i++)
		if (strcmp(g->ast.function[i].name, args->argv[0]) == 0)
			return call(g, &g->ast.function[i], args->argc - 1, args->argv + 1);
	return grubscript_fail(g, -ENOTSUP, "a command that is not known here");
}

/* grub_script_execute_cmdlist: the status of the last one, or of `return`. */
static int run_list(struct grubscript *g, uint32_t list)
{
	int rc = GRUBSCRIPT_TRUE;

	for (; list; list = g->ast.node[list].next) {
		const struct grubscript_node *node = &g->ast.node[list];

		if (node->kind == GRUBSCRIPT_COMMAND) {
			rc = run_command(g, node);
		} else {
			rc = run_list(g, node->test);
			if (rc >= 0 && !g->ended && !(g->scope && g->scope->returns))
				rc = run_list(g, rc == GRUBSCRIPT_TRUE ? node->then : node->other);
		}
		if (rc < 0 || g->ended || (g->scope && g->scope->returns))
			break;
	}
	return rc;
}

int grubscript_source(struct grubscript *g, const char *text, size_t len)
{
	struct grubscript_scope *outer = g->scope;
	uint32_t list;
	int rc;

	if (g->scripts++ == GRUBSCRIPT_SCRIPTS_MAX || g->level == GRUBSCRIPT_CALLS_MAX)
		return grubscript_fail(g, -E2BIG, "too many scripts");
	rc = grubscript_parse(&g->ast, text, len, &list, g->err);
	if (rc)
		return rc;
	/* The caller's $1 would be seen by GRUB; no script of ours looks at it. */
	g->level++;
	g->scope = NULL;
	rc = run_list(g, list);
	g->scope = outer;
	g->level--;
	return rc;
}

int grubscript_run(struct grubscript *g, const struct grubscript_machine *machine, const char *text,
		   size_t len, bool quiet, enum grubscript_end *ret_end, struct err *err)
{
	int rc;

	g->machine = machine;
	g->quiet = quiet;
	g->err = err;
	rc = grubscript_source(g, text, len);
	if (rc < 0)
		return rc;
	*ret_end = g->ended ? g->end : GRUBSCRIPT_DONE;
	return 0;
}
