// SPDX-License-Identifier: Apache-2.0
#include "steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hex.h"

static const char *const names[] = {
	[STEP_WAIT] = "--wait",
	[STEP_ABSENT] = "--absent",
	[STEP_SEND] = "--send",
	[STEP_KEY] = "--key",
	[STEP_QMP] = "--qmp",
	[STEP_WAIT_EXIT] = "--wait-exit",
	[STEP_WAIT_RESET] = "--wait-reset",
	[STEP_SCREENSHOT] = "--screenshot",
	[STEP_HOLD] = "--hold",
	[STEP_WAIT_WRITE] = "--wait-write",
	[STEP_KILL] = "--kill",
	[STEP_SAY] = "--say",
	[STEP_RUN] = "--run",
};

const char *step_name(enum step_kind kind)
{
	return names[kind];
}

static int compile(regex_t *re, const char *pattern, struct err *err)
{
	char why[128];
	int rc = regcomp(re, pattern, REG_EXTENDED);

	if (!rc)
		return 0;
	(void)regerror(rc, re, why, sizeof(why));
	return err_set(err, -EINVAL, "pattern `%s': %s", pattern, why);
}

/* One escape at in (after the backslash); returns the bytes used, 0 when it is unknown. */
static size_t unescape(const char *in, char *ret_ch)
{
	static const char known[] = "n\nr\rt\te\033\\\\";
	char digits[3] = { 0 };
	uint8_t byte;

	for (size_t i = 0; i + 1 < sizeof(known); i += 2)
		if (*in && *in == known[i]) {
			*ret_ch = known[i + 1];
			return 1;
		}
	if (*in != 'x')
		return 0;
	digits[0] = in[1];
	digits[1] = in[1] ? in[2] : '\0';
	if (hex_decode(digits, &byte, 1) || !byte)
		return 0;
	*ret_ch = (char)byte;
	return 3;
}

static int make_text(struct step *s, struct err *err)
{
	char *out = malloc(strlen(s->arg) + 1);
	size_t n = 0;

	if (!out)
		return err_sys(err, -ENOMEM, "--send");
	s->text = out;
	for (const char *in = s->arg; *in; in++) {
		size_t used;

		if (*in != '\\') {
			out[n++] = *in;
			continue;
		}
		used = unescape(in + 1, &out[n++]);
		if (!used)
			return err_set(err, -EINVAL, "--send: unknown escape at `%s'", in);
		in += used;
	}
	out[n] = '\0';
	if (n > STEP_SEND_MAX)
		return err_set(err, -EINVAL, "--send: more than %d bytes", STEP_SEND_MAX);
	return 0;
}

int steps_add(struct steps *s, enum step_kind kind, const char *arg, unsigned int timeout_s,
	      struct err *err)
{
	struct step *step = &s->v[s->n];

	if (s->n == STEPS_MAX)
		return err_set(err, -ENOSPC, "more than %d steps", STEPS_MAX);
	*step = (struct step){ .kind = kind, .arg = arg, .timeout_s = timeout_s };
	s->n++;
	if (kind == STEP_WAIT || kind == STEP_ABSENT)
		return compile(&step->re, arg, err);
	if (kind == STEP_HOLD) {
		char *end;

		step->hold_s = (unsigned int)strtoul(arg, &end, 10);
		if (*end || end == arg || step->hold_s > 3600)
			return err_set(err, -EINVAL, "--hold: `%s' is no number of seconds", arg);
		step->timeout_s += step->hold_s;
	}
	if (kind == STEP_WAIT_WRITE) {
		char *end;

		step->writes = strtoull(arg, &end, 10);
		if (*end || end == arg)
			return err_set(err, -EINVAL, "--wait-write: `%s' is no number", arg);
	}
	if (kind == STEP_RUN) {
		step->text = strdup(arg);
		return step->text ? 0 : err_sys(err, -ENOMEM, "--run");
	}
	return kind == STEP_SEND ? make_text(step, err) : 0;
}

int steps_set_fail(struct steps *s, const char *pattern, struct err *err)
{
	int rc = compile(&s->fail_re, pattern, err);

	if (!rc)
		s->fail_arg = pattern;
	return rc;
}

void steps_release(struct steps *s)
{
	for (int i = 0; i < s->n; i++) {
		if (s->v[i].kind == STEP_WAIT || s->v[i].kind == STEP_ABSENT)
			regfree(&s->v[i].re);
		free(s->v[i].text);
	}
	if (s->fail_arg)
		regfree(&s->fail_re);
}
