// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_INITCLIENT_H
#define CAIRN_AGENT_INITCLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/init/proto.h"
#include "status.h"

/* init's services, as init sees them (agent/init/proto.h). Never blocks. */
struct initclient {
	int fd;			 /* -1: not connected */
	bool asked;		 /* an answer is under way */
	uint32_t missing;	 /* init_service messages still to come */
	uint64_t asked_ms;	 /* CLOCK_MONOTONIC */
	struct init_reply reply; /* of the answer under way */
	uint32_t count;
	struct status_service service[STATUS_SERVICES_MAX];
};

void initclient_init(struct initclient *c);

/* initclient_ask - connect where needed and ask, unless an answer is under way for less than 3 s.
 */
void initclient_ask(struct initclient *c, uint64_t now_ms);

/*
 * initclient_read - what waits on fd. Returns 1 when the answer is whole and was put into
 * *ret_status (services, watchdog), 0 not yet; a broken connection is closed and asked anew later.
 */
int initclient_read(struct initclient *c, struct status *ret_status, uint64_t now_ms);

#endif
