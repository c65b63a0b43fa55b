// SPDX-License-Identifier: Apache-2.0
#include "initclient.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "io.h"
#include "service.h"

#define PATIENCE_MS 3000u

_Static_assert(INIT_NAME_MAX <= STATUS_NAME_SIZE, "a service's name fits");
_Static_assert(INIT_REASON_MAX <= STATUS_TEXT_SIZE, "a reason fits");

void initclient_init(struct initclient *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

static void disconnect(struct initclient *c)
{
	io_close_p(&c->fd);
	initclient_init(c);
}

static void connect_init(struct initclient *c)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = INIT_SOCKET };

	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof(to)))
		disconnect(c);
}

void initclient_ask(struct initclient *c, uint64_t now_ms)
{
	const struct init_request ask = { .version = INIT_PROTO_VERSION, .op = INIT_OP_STATUS };

	if (c->asked && now_ms - c->asked_ms < PATIENCE_MS)
		return;
	if (c->asked)
		disconnect(c);
	if (c->fd < 0)
		connect_init(c);
	if (c->fd < 0)
		return;
	c->asked = true;
	c->asked_ms = now_ms;
	c->count = c->missing = 0;
	memset(&c->reply, 0, sizeof(c->reply));
	if (part_send(c->fd, &ask, sizeof(ask)))
		disconnect(c);
}

/* init's numbers are ours by name, not by value. */
static uint32_t health(uint32_t value)
{
	switch (value) {
	case INIT_HEALTH_OK:
		return STATUS_OK;
	case INIT_HEALTH_STARTING:
		return STATUS_STARTING;
	case INIT_HEALTH_FAILING:
		return STATUS_FAILING;
	case INIT_HEALTH_STOPPED:
		return STATUS_STOPPED;
	case INIT_HEALTH_SKIPPED:
		return STATUS_SKIPPED;
	default:
		return STATUS_FAILED;
	}
}

static void put(struct initclient *c, const struct init_service *m)
{
	struct status_service *s;

	if (c->count == STATUS_SERVICES_MAX)
		return;
	s = &c->service[c->count++];
	memset(s, 0, sizeof(*s));
	(void)snprintf(s->name, sizeof(s->name), "%.*s", INIT_NAME_MAX - 1, m->name);
	(void)snprintf(s->reason, sizeof(s->reason), "%.*s", INIT_REASON_MAX - 1, m->reason);
	if (m->state < SERVICE_STATES)
		(void)snprintf(s->state, sizeof(s->state), "%s", service_state_name(m->state));
	s->health = health(m->health);
	s->critical = m->critical;
	s->pid = m->pid;
	s->starts = m->starts;
	s->failures = m->failures;
	s->since_ms = m->up_ms;
}

/* keep_since - since_ms counts from the last change of health, not of init's finer state. */
static void keep_since(struct status *st, struct status_service *s, uint64_t passed_ms)
{
	uint32_t i;

	for (i = 0; i < st->services; i++) {
		const struct status_service *old = &st->service[i];

		if (strcmp(old->name, s->name) == 0 && old->health == s->health)
			s->since_ms = old->since_ms + passed_ms;
	}
}

static void publish(struct initclient *c, struct status *st, uint64_t now_ms)
{
	static uint64_t last_ms;
	uint64_t passed_ms = last_ms ? now_ms - last_ms : 0;
	uint32_t i;

	for (i = 0; i < c->count; i++)
		keep_since(st, &c->service[i], passed_ms);
	last_ms = now_ms;
	memcpy(st->service, c->service, sizeof(st->service));
	st->services = c->count;
	st->services_known = true;
	st->watchdog_s = c->reply.watchdog == INIT_WATCHDOG_ARMED ? c->reply.watchdog_timeout_s : 0;
}

int initclient_read(struct initclient *c, struct status *ret_status, uint64_t now_ms)
{
	while (c->fd >= 0 && c->asked) {
		struct init_service m;
		int rc;

		if (c->reply.version == 0) {
			rc = part_receive(c->fd, &c->reply, sizeof(c->reply));
			if (rc > 0 && (c->reply.version != INIT_PROTO_VERSION || c->reply.rc))
				rc = -EBADMSG;
			c->missing = c->reply.count;
		} else {
			rc = part_receive(c->fd, &m, sizeof(m));
			if (rc > 0 && m.version != INIT_PROTO_VERSION)
				rc = -EBADMSG;
			if (rc > 0) {
				put(c, &m);
				c->missing--;
			}
		}
		if (rc < 0)
			disconnect(c);
		if (rc <= 0)
			return 0;
		if (c->missing == 0) {
			c->asked = false;
			publish(c, ret_status, now_ms);
			return 1;
		}
	}
	/* Nothing was asked: only the end of the connection can have made the fd readable. */
	if (c->fd >= 0)
		disconnect(c);
	return 0;
}
