// SPDX-License-Identifier: Apache-2.0
/* GRUB 2.06, grub-core/commands and kern/corecmd.c: the commands that grubscript.h names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grubenv.h"
#include "grubregex.h"
#include "grubscript_run.h"

static int truth(bool is)
{
	return is ? GRUBSCRIPT_TRUE : GRUBSCRIPT_FALSE;
}

static int assign(struct grubscript *g, const char *name, const char *value, size_t len)
{
	return grubscript_assign(g, name, value, len)
		       ? grubscript_fail(g, -E2BIG, "too many variables, or one too long")
		       : 0;
}

static int cmd_set(struct grubscript *g, int argc, char **argv)
{
	char *equals = argc > 1 ? strchr(argv[1], '=') : NULL;
	char name[GRUBSCRIPT_NAME_MAX];

	if (argc != 2 || !equals || (size_t)(equals - argv[1]) >= sizeof(name))
		return grubscript_fail(g, -ENOTSUP, "`set` without one NAME=VALUE");
	(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - argv[1]), argv[1]);
	return assign(g, name, equals + 1, strlen(equals + 1));
}

/* test.c: two and three words only; it looks for three first. */
static int cmd_test(struct grubscript *g, int argc, char **argv)
{
	if (strcmp(argv[argc - 1], "]") == 0)
		argc--;
	if (argc == 4 && (strcmp(argv[2], "=") == 0 || strcmp(argv[2], "==") == 0))
		return truth(strcmp(argv[1], argv[3]) == 0);
	if (argc == 4 && strcmp(argv[2], "!=") == 0)
		return truth(strcmp(argv[1], argv[3]) != 0);
	if (argc == 3 && strcmp(argv[1], "-n") == 0)
		return truth(argv[2][0]);
	if (argc == 3 && strcmp(argv[1], "-z") == 0)
		return truth(!argv[2][0]);
	return grubscript_fail(g, -ENOTSUP, "a test that is not known here");
}

/* One --set=NUMBER:NAME of regexp. */
static int set_group(struct grubscript *g, const char *option, const char *text,
		     const struct grubregex_span *groups)
{
	const struct grubregex_span *span;

	if (option[0] < '0' || option[0] >= '0' + GRUBREGEX_GROUPS || option[1] != ':')
		return grubscript_fail(g, -ENOTSUP, "--set= without NUMBER:NAME");
	span = &groups[option[0] - '0'];
	/* GRUB takes the variable away; to a script that is the same as an empty one. */
	if (span->begin < 0)
		return assign(g, option + 2, "", 0);
	return assign(g, option + 2, text + span->begin, (size_t)(span->end - span->begin));
}

static int cmd_regexp(struct grubscript *g, int argc, char **argv)
{
	enum { SETS_MAX = 3 }; /* GRUB 2.06 has no room for more */
	struct grubregex_span groups[GRUBREGEX_GROUPS];
	const char *option[SETS_MAX], *word[2] = { NULL };
	int options = 0, words = 0, i, rc;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--set=", 6) == 0) {
			if (options == SETS_MAX)
				return grubscript_fail(g, -ENOTSUP, "more than three --set=");
			option[options++] = argv[i] + 6;
		} else if ((argv[i][0] == '-' && argv[i][1]) || words == 2) {
			return GRUBSCRIPT_ERROR; /* an unknown option, or a word too many */
		} else {
			word[words++] = argv[i];
		}
	}
	if (words != 2)
		return GRUBSCRIPT_ERROR;
	rc = grubregex_match(word[0], word[1], groups);
	if (rc < 0)
		return grubscript_fail(g, -ENOTSUP, "an expression that is not known here");
	for (i = 0; rc == 1 && i < options; i++) {
		int failed = set_group(g, option[i], word[1], groups);

		if (failed)
			return failed;
	}
	return truth(rc == 1);
}

/* The file of load_env and save_env, and where the variables' names begin. */
static int env_file(struct grubscript *g, int argc, char **argv, const char **ret_file,
		    bool *ret_unsigned)
{
	int i;

	*ret_file = NULL;
	*ret_unsigned = false;
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--skip-sig") == 0)
			*ret_unsigned = true;
		else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc)
			*ret_file = argv[++i];
		else
			return grubscript_fail(g, -ENOTSUP, "an option that is not known here");
	}
	if (!*ret_file || i == argc)
		return grubscript_fail(g, -ENOTSUP, "a file and the names of variables are needed");
	return i;
}

static int cmd_load_env(struct grubscript *g, int argc, char **argv)
{
	uint8_t block[GRUBSCRIPT_ENV_BYTES];
	char value[GRUBSCRIPT_ENV_BYTES];
	const char *file;
	bool is_unsigned;
	int i = env_file(g, argc, argv, &file, &is_unsigned), rc;

	if (i < 0)
		return i;
	if (!is_unsigned)
		return grubscript_fail(g, -ENOTSUP, "load_env without --skip-sig");
	if (g->machine->env_read(g->machine->ctx, file, block))
		return GRUBSCRIPT_ERROR;
	for (; i < argc; i++) {
		rc = grubenv_get(block, sizeof(block), argv[i], value, sizeof(value));
		if (rc == -EBADMSG)
			return GRUBSCRIPT_ERROR;
		if (rc == 0 && assign(g, argv[i], value, strlen(value)))
			return -E2BIG;
	}
	return GRUBSCRIPT_TRUE;
}

static int cmd_save_env(struct grubscript *g, int argc, char **argv)
{
	uint8_t block[GRUBSCRIPT_ENV_BYTES];
	const char *file;
	bool is_unsigned;
	int i = env_file(g, argc, argv, &file, &is_unsigned);

	if (i < 0)
		return i;
	if (g->machine->env_read(g->machine->ctx, file, block))
		return GRUBSCRIPT_ERROR;
	for (; i < argc; i++)
		if (grubenv_set(block, sizeof(block), argv[i], grubscript_value(g, argv[i])))
			return GRUBSCRIPT_ERROR;
	return g->machine->env_write(g->machine->ctx, file, block) ? GRUBSCRIPT_ERROR
								   : GRUBSCRIPT_TRUE;
}

/* configfile.c: whatever happens inside, it was true. */
static int cmd_source(struct grubscript *g, int argc, char **argv)
{
	bool quiet = g->quiet;
	const char *text;
	size_t len;
	int rc;

	if (argc != 2)
		return GRUBSCRIPT_ERROR;
	if (g->machine->read(g->machine->ctx, argv[1], &text, &len))
		return GRUBSCRIPT_TRUE;
	g->quiet = false;
	rc = grubscript_source(g, text, len);
	g->quiet = quiet;
	return rc < 0 ? rc : GRUBSCRIPT_TRUE;
}

static int cmd_chainloader(struct grubscript *g, int argc, char **argv)
{
	char arguments[GRUBSCRIPT_LINE_MAX] = "";
	size_t used = 0;
	int i;

	if (argc < 2)
		return GRUBSCRIPT_ERROR;
	/* Shorter than the command, which fitted. */
	for (i = 2; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (used)
			arguments[used++] = ' ';
		memcpy(arguments + used, argv[i], len + 1);
		used += len;
	}
	g->loaded = false;
	if (g->machine->load(g->machine->ctx, argv[1], arguments))
		return GRUBSCRIPT_ERROR;
	g->loaded = true;
	return GRUBSCRIPT_TRUE;
}

static int cmd_boot(struct grubscript *g, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (!g->loaded)
		return GRUBSCRIPT_ERROR;
	g->ended = true;
	g->end = GRUBSCRIPT_BOOT;
	return GRUBSCRIPT_TRUE;
}

static int cmd_reboot(struct grubscript *g, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	g->ended = true;
	g->end = GRUBSCRIPT_REBOOT;
	return GRUBSCRIPT_TRUE;
}

static int cmd_return(struct grubscript *g, int argc, char **argv)
{
	if (!g->scope || argc != 2 || strlen(argv[1]) != 1 || argv[1][0] < '0' || argv[1][0] > '9')
		return grubscript_fail(g, -ENOTSUP,
				       "`return` outside of a function or without a "
				       "digit");
	g->scope->returns = true;
	return argv[1][0] - '0';
}

static int cmd_nothing(struct grubscript *g, int argc, char **argv)
{
	(void)g;
	(void)argc;
	(void)argv;
	return GRUBSCRIPT_TRUE;
}

static int cmd_false(struct grubscript *g, int argc, char **argv)
{
	(void)g;
	(void)argc;
	(void)argv;
	return GRUBSCRIPT_FALSE;
}

int grubscript_builtin(struct grubscript *g, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct grubscript *g, int argc, char **argv);
	} commands[] = {
		{ "[", cmd_test },
		{ "boot", cmd_boot },
		{ "chainloader", cmd_chainloader },
		{ "echo", cmd_nothing },
		{ "false", cmd_false },
		{ "load_env", cmd_load_env },
		{ "reboot", cmd_reboot },
		{ "regexp", cmd_regexp },
		{ "return", cmd_return },
		{ "save_env", cmd_save_env },
		{ "set", cmd_set },
		{ "sleep", cmd_nothing },
		{ "source", cmd_source },
		{ "test", cmd_test },
		{ "true", cmd_nothing },
	};
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(g, argc, argv);
	return -ENOENT;
}
