// SPDX-License-Identifier: Apache-2.0
#include "storm.h"

#include <string.h>

/* Commands that may wait for their answer before more are sent. */
#define IN_FLIGHT_MAX 4
#define BREAK_EVERY 8

#define SEND_BREAK "{\"execute\":\"chardev-send-break\",\"arguments\":{\"id\":\"serial\"}}"

/* GRUB's menu and shell, a kernel's consoles. */
static const char *const keys[] = {
	"e",	"c",	  "ret",    "spc",	    "shift", "ctrl-c",	       "ctrl-x", "up",
	"down", "ctrl-d", "ctrl-z", "grave_accent", "s",     "ctrl-backslash", "p",	 "tab",
};

/* Those that a firmware acts on too. */
static const char *const late_keys[] = {
	"esc",	       "f1",	      "f2",	      "f8",	     "f10",
	"f12",	       "delete",      "alt-f2",	      "alt-right",   "ctrl-alt-delete",
	"alt-sysrq-b", "alt-sysrq-c", "alt-sysrq-o",  "alt-sysrq-r", "ctrl-alt-f1",
	"alt-sysrq-e", "alt-sysrq-k", "ctrl-alt-end",
};

static const char *const texts[] = {
	"\r",
	"c",
	"e",
	"\003",
	"root\r",
	"\004",
	"\r\n\r\n",
	"sh\r",
	"\x1c",
	"reboot\r",
	"\x1a",
	"poweroff\r",
	"admin\r\radmin\r",
	"b",
	"o",
	"exec sh </dev/ttyS0\r",
};

static const char *const late_texts[] = {
	"\033", "\033[A", "\033OP", "\033[15~", "\033\033\033", "\001c", "\x1d", "\x7f",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *pick(const char *const *early, size_t n_early, const char *const *late,
			size_t n_late, unsigned int nr, bool all)
{
	size_t i = nr % (all ? n_early + n_late : n_early);

	return i < n_early ? early[i] : late[i - n_early];
}

int storm_volley(struct storm *s, struct qmp *q, bool system_up, const char **ret_text,
		 struct err *err)
{
	int rc = 0;

	*ret_text =
		pick(texts, COUNT(texts), late_texts, COUNT(late_texts), s->n_texts++, system_up);
	if (!q->ready || q->sent - q->answered > IN_FLIGHT_MAX)
		return 0;
	if (s->n_keys % BREAK_EVERY == BREAK_EVERY - 1)
		rc = qmp_send(q, SEND_BREAK, err);
	return rc ? rc
		  : qmp_keys(q,
			     pick(keys, COUNT(keys), late_keys, COUNT(late_keys), s->n_keys++,
				  system_up),
			     err);
}
