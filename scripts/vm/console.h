// SPDX-License-Identifier: Apache-2.0
#ifndef VM_CONSOLE_H
#define VM_CONSOLE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* What is kept for matching; a machine that says more than this is a failure of its own. */
#define CONSOLE_MAX_BYTES (32u << 20)

/*
 * The serial console: everything goes to the log as it came; for matching and for people the
 * terminal's control sequences are taken out, and a moved cursor begins a new line.
 */
struct console {
	int log_fd;    /* raw log, or -1; owned by the caller */
	int echo_fd;   /* where people read, or -1 */
	bool echo_raw; /* pass bytes as they came (a shell's line editing) */
	char *text;    /* cleaned text, NUL-terminated; owned */
	size_t len, room;
	size_t match_pos; /* end of the last match */
	size_t scan_pos;  /* where the next look begins: a line not tried since */
	int state;	  /* of the control sequence parser */
};

void console_init(struct console *c, int log_fd, int echo_fd);
void console_release(struct console *c);
/* console_feed - take bytes from the machine. Errors: -EFBIG, -ENOMEM, or of the log's write. */
int console_feed(struct console *c, const char *buf, size_t len, struct err *err);
/*
 * console_match - look for re in the lines after the last match that were not tried since
 * console_rewind; partial allows the unfinished last line too. On success the match is used up;
 * ret_line (may be NULL) is the line's start in c->text, valid until the next feed.
 */
bool console_match(struct console *c, const regex_t *re, bool partial, const char **ret_line);
/* console_rewind - the next pattern is looked for from the end of the last match again. */
void console_rewind(struct console *c);
/* console_contains - is re in any line so far? Uses nothing up. */
bool console_contains(const struct console *c, const regex_t *re);
/* console_tail - the start of the last n lines. */
const char *console_tail(const struct console *c, size_t n);

#endif
