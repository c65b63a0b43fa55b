// SPDX-License-Identifier: Apache-2.0
#include "grubregex.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { CODE_MAX = 2 * GRUBREGEX_PATTERN_MAX, DEPTH_MAX = 8192, STEPS_MAX = 1 << 20 };

/* The pattern as a program of a backtracking machine. */
enum op { OP_CHAR, OP_ANY, OP_SET, OP_BEGIN, OP_END, OP_SAVE, OP_SPLIT, OP_JUMP, OP_MATCH };

struct code {
	enum op op;
	int a, b; /* CHAR: the byte; SET: pattern bytes a to b; SAVE: a; SPLIT: first a, then b */
};

struct program {
	const char *pattern, *at;
	struct code code[CODE_MAX];
	int used, groups;
	int rc;
};

static int emit(struct program *p, enum op op, int a, int b)
{
	if (p->used == CODE_MAX) {
		p->rc = -E2BIG;
		return 0;
	}
	p->code[p->used] = (struct code){ op, a, b };
	return p->used++;
}

/* insert - room for one instruction before what begins at `from`. */
static void insert(struct program *p, int from, struct code c)
{
	int i;

	(void)emit(p, OP_MATCH, 0, 0);
	if (p->rc)
		return;
	memmove(p->code + from + 1, p->code + from,
		(size_t)(p->used - 1 - from) * sizeof(p->code[0]));
	for (i = from + 1; i < p->used; i++) {
		if (p->code[i].op != OP_SPLIT && p->code[i].op != OP_JUMP)
			continue;
		p->code[i].a += p->code[i].a >= from;
		p->code[i].b += p->code[i].b >= from;
	}
	p->code[from] = c;
}

static void alternatives(struct program *p, int depth);

static void set(struct program *p)
{
	const char *begin = p->at;

	if (*p->at == '^')
		p->at++;
	if (*p->at == ']')
		p->at++;
	while (*p->at && *p->at != ']') {
		/* [:class:], [=x=], [.x.] are outside of our part. */
		if (*p->at == '[' && p->at[1] && strchr(":=.", p->at[1]))
			p->rc = -EINVAL;
		p->at++;
	}
	if (!*p->at) {
		p->rc = -EINVAL;
		return;
	}
	(void)emit(p, OP_SET, (int)(begin - p->pattern), (int)(p->at - p->pattern));
	p->at++;
}

static void atom(struct program *p, int depth)
{
	char c = *p->at++;
	int group;

	switch (c) {
	case '(':
		group = ++p->groups;
		if (group >= GRUBREGEX_GROUPS || depth == GRUBREGEX_GROUPS) {
			p->rc = -E2BIG;
			return;
		}
		(void)emit(p, OP_SAVE, 2 * group, 0);
		alternatives(p, depth + 1);
		if (*p->at != ')')
			p->rc = -EINVAL;
		else
			p->at++;
		(void)emit(p, OP_SAVE, 2 * group + 1, 0);
		break;
	case '.':
		(void)emit(p, OP_ANY, 0, 0);
		break;
	case '[':
		set(p);
		break;
	case '^':
		(void)emit(p, OP_BEGIN, 0, 0);
		break;
	case '$':
		(void)emit(p, OP_END, 0, 0);
		break;
	case '\\':
		if (!*p->at || !strchr("^.[]$()|*+?{}\\", *p->at)) {
			p->rc = -EINVAL;
			return;
		}
		c = *p->at++;
		(void)emit(p, OP_CHAR, (unsigned char)c, 0);
		break;
	case '*':
	case '+':
	case '?':
	case '{':
		p->rc = -EINVAL;
		break;
	default:
		(void)emit(p, OP_CHAR, (unsigned char)c, 0);
	}
}

static void sequence(struct program *p, int depth)
{
	while (!p->rc && *p->at && *p->at != '|' && *p->at != ')') {
		int from = p->used;

		atom(p, depth);
		if (p->rc || !*p->at || !strchr("*+?{", *p->at))
			continue;
		switch (*p->at++) {
		case '*':
			insert(p, from, (struct code){ OP_SPLIT, from + 1, p->used + 2 });
			(void)emit(p, OP_JUMP, from, 0);
			break;
		case '+':
			(void)emit(p, OP_SPLIT, from, p->used + 1);
			break;
		case '?':
			insert(p, from, (struct code){ OP_SPLIT, from + 1, p->used + 1 });
			break;
		default:
			p->rc = -EINVAL;
		}
		/* A second one would repeat a repetition. */
		if (*p->at && strchr("*+?{", *p->at))
			p->rc = -EINVAL;
	}
}

static void alternatives(struct program *p, int depth)
{
	int jumps[GRUBREGEX_PATTERN_MAX], n = 0, from, i;

	for (;;) {
		from = p->used;
		sequence(p, depth);
		if (p->rc || *p->at != '|')
			break;
		p->at++;
		/* The jump's own place is behind the split that comes before it. */
		insert(p, from, (struct code){ OP_SPLIT, from + 1, p->used + 2 });
		jumps[n++] = emit(p, OP_JUMP, 0, 0);
	}
	for (i = 0; i < n; i++)
		p->code[jumps[i]].a = p->used;
}

struct match {
	const struct program *p;
	const char *text;
	int len, steps;
	int now[2 * GRUBREGEX_GROUPS], best[2 * GRUBREGEX_GROUPS]; /* begin and end of each */
	int rc;
};

static bool in_set(const struct match *m, const struct code *c, unsigned char byte)
{
	const char *p = m->p->pattern + c->a, *end = m->p->pattern + c->b;
	bool negated = *p == '^', found = false;

	p += negated;
	for (; p < end; p++) {
		if (p + 2 < end && p[1] == '-') {
			found |= byte >= (unsigned char)p[0] && byte <= (unsigned char)p[2];
			p += 2;
		} else {
			found |= byte == (unsigned char)*p;
		}
	}
	return found != negated;
}

/* run - all ways from here on; the longest match is kept, of alike ones the first. */
static void run(struct match *m, int pc, int at, int depth)
{
	int old;

	for (;;) {
		const struct code *c = &m->p->code[pc];

		if (m->rc)
			return;
		if (m->steps++ == STEPS_MAX || depth == DEPTH_MAX) {
			m->rc = -E2BIG;
			return;
		}
		switch (c->op) {
		case OP_CHAR:
			if (at == m->len || (unsigned char)m->text[at] != c->a)
				return;
			at++;
			break;
		case OP_ANY:
			if (at == m->len)
				return;
			at++;
			break;
		case OP_SET:
			if (at == m->len || !in_set(m, c, (unsigned char)m->text[at]))
				return;
			at++;
			break;
		case OP_BEGIN:
			if (at)
				return;
			break;
		case OP_END:
			if (at != m->len)
				return;
			break;
		case OP_SAVE:
			old = m->now[c->a];
			m->now[c->a] = at;
			run(m, pc + 1, at, depth + 1);
			m->now[c->a] = old;
			return;
		case OP_SPLIT:
			run(m, c->a, at, depth + 1);
			pc = c->b;
			continue;
		case OP_JUMP:
			pc = c->a;
			continue;
		case OP_MATCH:
			if (at > m->best[1]) {
				memcpy(m->best, m->now, sizeof(m->best));
				m->best[1] = at;
			}
			return;
		}
		pc++;
	}
}

int grubregex_match(const char *pattern, const char *text,
		    struct grubregex_span ret_groups[static GRUBREGEX_GROUPS])
{
	struct program p = { .pattern = pattern, .at = pattern };
	struct match m = { .p = &p, .text = text };
	size_t len = strlen(text);
	int i, start;

	if (strlen(pattern) >= GRUBREGEX_PATTERN_MAX || len > GRUBREGEX_TEXT_MAX)
		return -E2BIG;
	alternatives(&p, 0);
	(void)emit(&p, OP_MATCH, 0, 0);
	if (!p.rc && *p.at)
		p.rc = -EINVAL;
	if (p.rc)
		return p.rc;
	m.len = (int)len;
	m.best[1] = -1;
	for (start = 0; start <= m.len && m.best[1] < 0; start++) {
		for (i = 0; i < 2 * GRUBREGEX_GROUPS; i++)
			m.now[i] = -1;
		m.now[0] = start;
		run(&m, 0, start, 0);
		if (m.rc)
			return m.rc;
	}
	if (m.best[1] < 0)
		return 0;
	for (i = 0; i < GRUBREGEX_GROUPS; i++) {
		ret_groups[i].begin = m.best[2 * i + 1] < 0 ? -1 : m.best[2 * i];
		ret_groups[i].end = m.best[2 * i + 1];
	}
	return 1;
}
