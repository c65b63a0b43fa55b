// SPDX-License-Identifier: Apache-2.0
/*
 * cairn-ctl - shows what init knows and gives it orders; for the development variant and tests.
 *
 *   cairn-ctl status                    one line a service, key=value
 *   cairn-ctl start|stop|restart NAME
 *   cairn-ctl reboot|poweroff
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "lib/service.h"

static const char *const healths[] = { "?",	 "ok",	    "starting", "failing",
				       "failed", "stopped", "skipped" };

static int status(struct err *err)
{
	static struct init_service s[SERVICE_MAX];
	struct init_reply r;
	size_t count, i;
	int rc = client_status(INIT_SOCKET, &r, s, SERVICE_MAX, &count, err);

	if (rc)
		return rc;
	printf("init phase=%s watchdog_s=%u uptime_ms=%llu init_start_ms=%llu\n",
	       r.phase == INIT_PHASE_RUNNING ? "running" : "stopping",
	       (unsigned int)r.watchdog_timeout_s, (unsigned long long)r.uptime_ms,
	       (unsigned long long)r.init_start_ms);
	for (i = 0; i < count; i++)
		printf("%s state=%s health=%s pid=%d starts=%u failures=%u lost=%llu why=\"%s\"\n",
		       s[i].name, service_state_name((enum service_state)s[i].state),
		       s[i].health < sizeof(healths) / sizeof(healths[0]) ? healths[s[i].health]
									  : "?",
		       (int)s[i].pid, (unsigned int)s[i].starts, (unsigned int)s[i].failures,
		       (unsigned long long)s[i].log_lost_bytes, s[i].reason);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		enum init_op op;
		int args;
	} words[] = {
		{ "status", INIT_OP_STATUS, 2 }, { "start", INIT_OP_START, 3 },
		{ "stop", INIT_OP_STOP, 3 },	 { "restart", INIT_OP_RESTART, 3 },
		{ "reboot", INIT_OP_REBOOT, 2 }, { "poweroff", INIT_OP_POWEROFF, 2 },
	};
	struct err err = { "" };
	size_t i;
	int rc;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (argc != words[i].args || strcmp(argv[1], words[i].word) != 0)
			continue;
		rc = words[i].op == INIT_OP_STATUS
			     ? status(&err)
			     : client_order(INIT_SOCKET, words[i].op, argv[2], &err);
		if (rc)
			(void)fprintf(stderr, "cairn-ctl: %s\n", err.msg);
		return rc ? 1 : 0;
	}
	(void)fprintf(stderr, "usage: cairn-ctl status|reboot|poweroff, start|stop|restart NAME\n");
	return 100;
}
