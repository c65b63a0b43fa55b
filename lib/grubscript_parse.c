// SPDX-License-Identifier: Apache-2.0
/* GRUB 2.06, grub-core/script/yylex.l and parser.y: the part that grubscript.h names. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "grubscript_ast.h"

enum token { T_END, T_NEWLINE, T_SEMICOLON, T_OPEN, T_CLOSE, T_WORD };

struct parser {
	struct grubscript_ast *ast;
	const char *at, *end;
	uint32_t line;
	/* The token that comes next. */
	enum token token;
	uint32_t token_line, word; /* of T_WORD: its index */
	const char *raw;	   /* as it stands in the script */
	size_t raw_len;
	struct err *err;
	int rc;
};

static int fail(struct parser *p, int rc, const char *why)
{
	if (!p->rc)
		p->rc = err_set(p->err, rc, "GRUB script, line %u: %s", p->line, why);
	return p->rc;
}

static void new_part(struct parser *p, enum grubscript_part_kind kind)
{
	struct grubscript_ast *ast = p->ast;

	if (ast->parts == GRUBSCRIPT_PARTS_MAX) {
		(void)fail(p, -E2BIG, "too many words");
		return;
	}
	ast->part[ast->parts++] =
		(struct grubscript_part){ .kind = kind, .at = ast->text_used, .len = 0 };
	ast->word[ast->words - 1].parts++;
}

/* A script's text is never longer than the script: there is room. */
static void put(struct parser *p, char c)
{
	struct grubscript_ast *ast = p->ast;

	if (p->rc)
		return;
	if (!c) {
		(void)fail(p, -ENOTSUP, "a NUL");
		return;
	}
	if (ast->text_used == sizeof(ast->text)) {
		(void)fail(p, -E2BIG, "too much text");
		return;
	}
	ast->text[ast->text_used++] = c;
	ast->part[ast->parts - 1].len++;
}

static bool is_name(char c, bool first)
{
	return isalpha((unsigned char)c) || c == '_' || (!first && isdigit((unsigned char)c));
}

/* p->at is behind the `$`. */
static void read_variable(struct parser *p, enum grubscript_part_kind kind)
{
	bool braces = p->at < p->end && *p->at == '{';
	size_t n = 0;

	p->at += braces;
	new_part(p, kind);
	if (p->at < p->end && *p->at >= '1' && *p->at <= '9') {
		put(p, *p->at++);
		n = 1;
	} else {
		for (; p->at < p->end && is_name(*p->at, n == 0); n++)
			put(p, *p->at++);
	}
	if (!n || n >= GRUBSCRIPT_NAME_MAX || (p->at < p->end && isdigit((unsigned char)*p->at)))
		(void)fail(p, -ENOTSUP, "a variable that is no name and none of $1 to $9");
	if (braces && (p->at == p->end || *p->at++ != '}'))
		(void)fail(p, -ENOTSUP, "`${` without its `}`");
}

static void read_single(struct parser *p)
{
	new_part(p, GRUBSCRIPT_QUOTED);
	while (!p->rc && p->at < p->end && *p->at != '\'') {
		if (*p->at == '\n')
			(void)fail(p, -ENOTSUP, "a quote over more than one line");
		put(p, *p->at++);
	}
	if (p->at == p->end)
		(void)fail(p, -ENOTSUP, "a quote without its end");
	else
		p->at++;
}

static void read_double(struct parser *p)
{
	new_part(p, GRUBSCRIPT_QUOTED);
	while (!p->rc && p->at < p->end && *p->at != '"') {
		char c = *p->at++;

		if (c == '\n') {
			(void)fail(p, -ENOTSUP, "a quote over more than one line");
		} else if (c == '$') {
			read_variable(p, GRUBSCRIPT_VARIABLE_DQ);
			new_part(p, GRUBSCRIPT_QUOTED);
		} else if (c == '\\' && p->at < p->end && strchr("\\\"$", *p->at) && *p->at) {
			put(p, *p->at++);
		} else if (c == '\\' && p->at < p->end && *p->at == '\n') {
			(void)fail(p, -ENOTSUP, "a line that goes on");
		} else {
			put(p, c);
		}
	}
	if (p->at == p->end)
		(void)fail(p, -ENOTSUP, "a quote without its end");
	else
		p->at++;
}

static void read_word(struct parser *p)
{
	struct grubscript_ast *ast = p->ast;
	bool text = false;

	if (ast->words == GRUBSCRIPT_ALL_WORDS_MAX) {
		(void)fail(p, -E2BIG, "too many words");
		return;
	}
	p->word = ast->words++;
	ast->word[p->word] = (struct grubscript_word){ .part = ast->parts, .parts = 0 };
	while (!p->rc && p->at < p->end && !strchr(" \t\n;{}", *p->at)) {
		char c = *p->at++;

		if (c == '\'' || c == '"' || c == '$') {
			text = false;
			if (c == '\'')
				read_single(p);
			else if (c == '"')
				read_double(p);
			else
				read_variable(p, GRUBSCRIPT_VARIABLE);
			continue;
		}
		/* Operators, escapes, and what GRUB would look for among the files. */
		if (strchr("|&<>\\*?", c)) {
			(void)fail(p, -ENOTSUP, "one of | & < > \\ * ? outside of quotes");
			return;
		}
		if (!text)
			new_part(p, GRUBSCRIPT_TEXT);
		text = true;
		put(p, c);
	}
}

static void next(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '#')) {
		if (*p->at == '#')
			while (p->at < p->end && *p->at != '\n')
				p->at++;
		else
			p->at++;
	}
	p->raw = p->at;
	p->raw_len = 0;
	p->token_line = p->line;
	if (p->rc || p->at == p->end) {
		p->token = T_END;
		return;
	}
	switch (*p->at) {
	case '\n':
		p->token = T_NEWLINE;
		p->line++;
		p->at++;
		break;
	case ';':
		p->token = T_SEMICOLON;
		p->at++;
		break;
	case '{':
		p->token = T_OPEN;
		p->at++;
		break;
	case '}':
		p->token = T_CLOSE;
		p->at++;
		break;
	case '\0':
		(void)fail(p, -ENOTSUP, "a NUL");
		p->token = T_END;
		break;
	default:
		p->token = T_WORD;
		read_word(p);
		if (p->rc)
			p->token = T_END;
	}
	p->raw_len = (size_t)(p->at - p->raw);
}

static bool is(const struct parser *p, const char *word)
{
	return p->token == T_WORD && p->raw_len == strlen(word) &&
	       memcmp(p->raw, word, p->raw_len) == 0;
}

static void expect(struct parser *p, const char *word)
{
	if (!is(p, word))
		(void)fail(p, -ENOTSUP, "something is missing, or out of place");
	next(p);
}

static uint32_t new_node(struct parser *p, enum grubscript_node_kind kind)
{
	struct grubscript_ast *ast = p->ast;

	if (ast->nodes + 1 >= GRUBSCRIPT_NODES_MAX) {
		(void)fail(p, -E2BIG, "too many commands");
		return GRUBSCRIPT_NONE;
	}
	ast->node[++ast->nodes] = (struct grubscript_node){ .kind = kind, .line = p->token_line };
	return ast->nodes;
}

static uint32_t read_list(struct parser *p, unsigned int depth, bool whole);

/* ifclause of parser.y, behind `if` or `elif`. */
static uint32_t read_if(struct parser *p, unsigned int depth)
{
	uint32_t node = new_node(p, GRUBSCRIPT_IF), list;

	list = read_list(p, depth + 1, false);
	p->ast->node[node].test = list;
	expect(p, "then");
	list = read_list(p, depth + 1, false);
	p->ast->node[node].then = list;
	if (is(p, "elif")) {
		next(p);
		list = depth < GRUBSCRIPT_NESTING_MAX ? read_if(p, depth + 1) : GRUBSCRIPT_NONE;
		if (!list)
			(void)fail(p, -E2BIG, "too deep");
		p->ast->node[node].other = list;
		return node;
	}
	if (is(p, "else")) {
		next(p);
		list = read_list(p, depth + 1, false);
		p->ast->node[node].other = list;
	}
	expect(p, "fi");
	return node;
}

static uint32_t read_command(struct parser *p)
{
	static const char *const reserved[] = {
		"case", "do",	  "done",  "elif",  "else", "esac", "fi",	"for", "in",
		"then", "select", "until", "while", "[[",   "]]",   "function", "!",
	};
	uint32_t node = new_node(p, GRUBSCRIPT_COMMAND), n = 0;
	size_t i;

	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (is(p, reserved[i]))
			(void)fail(p, -ENOTSUP, "a word of the language that is not known here");
	p->ast->node[node].word = p->word;
	while (!p->rc && p->token == T_WORD) {
		n++;
		next(p);
	}
	if (n > GRUBSCRIPT_WORDS_MAX)
		(void)fail(p, -E2BIG, "too many words");
	/* The last token may be a word that was read but is none of these: they lie in a row. */
	p->ast->node[node].words = n;
	if (p->token == T_OPEN)
		(void)fail(p, -ENOTSUP, "a block");
	return node;
}

static void read_function(struct parser *p, unsigned int depth)
{
	struct grubscript_ast *ast = p->ast;
	struct grubscript_function *f = &ast->function[ast->functions];
	uint32_t i;

	next(p);
	if (depth || ast->functions == GRUBSCRIPT_FUNCTIONS_MAX || p->token != T_WORD ||
	    p->raw_len >= GRUBSCRIPT_NAME_MAX) {
		(void)fail(p, -ENOTSUP, "no function can be here");
		return;
	}
	for (i = 0; i < p->raw_len; i++)
		if (!is_name(p->raw[i], i == 0))
			(void)fail(p, -ENOTSUP, "a function without a name");
	memcpy(f->name, p->raw, p->raw_len);
	f->name[p->raw_len] = '\0';
	for (i = 0; i < ast->functions; i++)
		if (strcmp(ast->function[i].name, f->name) == 0)
			(void)fail(p, -ENOTSUP, "a function that is there already");
	next(p);
	while (p->token == T_NEWLINE)
		next(p);
	if (p->token != T_OPEN)
		(void)fail(p, -ENOTSUP, "a function without its {");
	next(p);
	f->body = read_list(p, depth + 1, false);
	if (p->token != T_CLOSE)
		(void)fail(p, -ENOTSUP, "a function without its }");
	next(p);
	ast->functions++;
}

static bool ends_list(const struct parser *p)
{
	return p->token == T_CLOSE || p->token == T_END || is(p, "then") || is(p, "else") ||
	       is(p, "elif") || is(p, "fi");
}

/* Statements up to what ends them. whole: the whole script, which may be empty. */
static uint32_t read_list(struct parser *p, unsigned int depth, bool whole)
{
	uint32_t first = GRUBSCRIPT_NONE, last = GRUBSCRIPT_NONE, node;

	if (depth > GRUBSCRIPT_NESTING_MAX) {
		(void)fail(p, -E2BIG, "too deep");
		return GRUBSCRIPT_NONE;
	}
	for (;;) {
		while (p->token == T_NEWLINE)
			next(p);
		if (p->rc || ends_list(p))
			break;
		node = GRUBSCRIPT_NONE;
		if (is(p, "function")) {
			read_function(p, depth);
		} else if (is(p, "if")) {
			next(p);
			node = read_if(p, depth);
		} else if (p->token == T_WORD) {
			node = read_command(p);
		} else {
			(void)fail(p, -ENOTSUP, "something is out of place");
		}
		if (p->rc)
			break;
		if (node && last)
			p->ast->node[last].next = node;
		if (node)
			last = node;
		if (!first)
			first = node;
		if (p->token != T_NEWLINE && p->token != T_SEMICOLON && p->token != T_END)
			(void)fail(p, -ENOTSUP, "no end of a command");
		else if (p->token != T_END)
			next(p);
	}
	if (!whole && !first)
		(void)fail(p, -ENOTSUP, "nothing where a command must be");
	return first;
}

int grubscript_parse(struct grubscript_ast *ast, const char *text, size_t len, uint32_t *ret_list,
		     struct err *err)
{
	struct parser p = { .ast = ast, .at = text, .end = text + len, .line = 1, .err = err };

	if (len > GRUBSCRIPT_SIZE_MAX)
		return err_set(err, -E2BIG, "GRUB script: %zu bytes, at most %d are read", len,
			       GRUBSCRIPT_SIZE_MAX);
	next(&p);
	*ret_list = read_list(&p, 0, true);
	if (!p.rc && p.token != T_END)
		(void)fail(&p, -ENOTSUP, "something is out of place");
	return p.rc;
}
