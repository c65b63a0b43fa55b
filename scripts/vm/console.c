// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io.h"

enum { TEXT, ESC, CSI, OSC, ONE };

void console_init(struct console *c, int log_fd, int echo_fd)
{
	memset(c, 0, sizeof(*c));
	c->log_fd = log_fd;
	c->echo_fd = echo_fd;
}

void console_release(struct console *c)
{
	free(c->text);
	c->text = NULL;
}

static int make_room(struct console *c, size_t more)
{
	size_t room = c->room ? c->room : 65536;
	char *p;

	while (room < c->len + more + 1)
		room *= 2;
	if (room == c->room)
		return 0;
	if (room > CONSOLE_MAX_BYTES)
		return -EFBIG;
	p = realloc(c->text, room);
	if (!p)
		return -ENOMEM;
	c->text = p;
	c->room = room;
	return 0;
}

/* One byte of the terminal's stream; ECMA-48 control sequences leave no text. */
static void clean(struct console *c, unsigned char ch)
{
	switch (c->state) {
	case ESC:
		c->state = ch == '[' ? CSI : ch == ']' ? OSC : ch == '(' ? ONE : TEXT;
		return;
	case CSI:
		if (ch < 0x40 || ch > 0x7e)
			return;
		c->state = TEXT;
		if ((ch != 'H' && ch != 'J') || !c->len || c->text[c->len - 1] == '\n')
			return;
		ch = '\n';
		break;
	case OSC:
		if (ch == '\a' || ch == 0x1b)
			c->state = ch == '\a' ? TEXT : ESC;
		return;
	case ONE:
		c->state = TEXT;
		return;
	default:
		if (ch == 0x1b) {
			c->state = ESC;
			return;
		}
		if (ch == '\r' || (ch < ' ' && ch != '\n' && ch != '\t'))
			return;
	}
	c->text[c->len++] = (char)ch;
}

int console_feed(struct console *c, const char *buf, size_t len, struct err *err)
{
	size_t before = c->len;
	int rc = make_room(c, len);

	if (rc)
		return err_sys(err, rc, "console of the machine: too much output");
	for (size_t i = 0; i < len; i++)
		clean(c, (unsigned char)buf[i]);
	c->text[c->len] = '\0';
	if (c->log_fd >= 0) {
		rc = io_write(c->log_fd, buf, len);
		if (rc)
			return err_sys(err, rc, "log of the console: write");
	}
	/* A reader who went away is no reason to stop the machine. */
	if (c->echo_fd >= 0)
		(void)(c->echo_raw ? io_write(c->echo_fd, buf, len)
				   : io_write(c->echo_fd, c->text + before, c->len - before));
	return 0;
}

/* Tries one line, which ends at end (a newline or the final NUL). */
static bool try_line(char *text, size_t from, size_t end, const regex_t *re, size_t *ret_end)
{
	int flags = from && text[from - 1] != '\n' ? REG_NOTBOL : 0;
	char kept = text[end];
	regmatch_t m;
	bool hit;

	text[end] = '\0';
	hit = regexec(re, text + from, 1, &m, flags) == 0;
	text[end] = kept;
	if (hit)
		*ret_end = from + (size_t)m.rm_eo;
	return hit;
}

static size_t line_start(const struct console *c, size_t pos)
{
	while (pos && c->text[pos - 1] != '\n')
		pos--;
	return pos;
}

bool console_match(struct console *c, const regex_t *re, bool partial, const char **ret_line)
{
	size_t end;

	while (c->scan_pos < c->len) {
		size_t pos = c->scan_pos;
		char *nl = memchr(c->text + pos, '\n', c->len - pos);

		if (!nl && !partial)
			break;
		if (try_line(c->text, pos, nl ? (size_t)(nl - c->text) : c->len, re, &end)) {
			if (ret_line)
				*ret_line = c->text + line_start(c, pos);
			c->match_pos = c->scan_pos = end;
			return true;
		}
		if (!nl)
			break;
		c->scan_pos = (size_t)(nl - c->text) + 1;
	}
	return false;
}

void console_rewind(struct console *c)
{
	c->scan_pos = c->match_pos;
}

bool console_contains(const struct console *c, const regex_t *re)
{
	size_t pos = 0, end;

	while (pos < c->len) {
		char *nl = memchr(c->text + pos, '\n', c->len - pos);

		if (try_line(c->text, pos, nl ? (size_t)(nl - c->text) : c->len, re, &end))
			return true;
		if (!nl)
			break;
		pos = (size_t)(nl - c->text) + 1;
	}
	return false;
}

const char *console_tail(const struct console *c, size_t n)
{
	size_t pos = c->len;

	if (!c->text)
		return "";
	if (pos && c->text[pos - 1] == '\n')
		pos--;
	while (pos && n) {
		if (c->text[pos - 1] == '\n' && --n == 0)
			break;
		pos--;
	}
	return c->text + pos;
}
