// SPDX-License-Identifier: Apache-2.0
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "console.h"
#include "lib/cmdline.h"
#include "lib/service.h"
#include "loader.h"
#include "log.h"
#include "spawn.h"

/* How soon to look again whether a killed cgroup is empty. */
#define EMPTY_RETRY_MS 50

_Static_assert(SUPERVISOR_FDS == 2 * SERVICE_MAX, "a log and a notify pipe each");
_Static_assert(INIT_NAME_MAX == SERVICE_NAME_MAX, "a name fits its message");

struct service {
	struct identity id;
	enum service_state state;
	pid_t pid;	 /* 0: none */
	int notify_fd;	 /* -1: none */
	int exit_status; /* as waitpid gave it, -1: never ended */
	struct service_notify notify;
	struct log log;
	uint32_t starts, failures;
	uint64_t since_ms;    /* in this state */
	uint64_t spawned_ms;  /* the present or last process */
	uint64_t timer_ms;    /* TIMEOUT is due, 0: never */
	uint64_t watchdog_ms; /* WATCHDOG is due, 0: never */
	uint64_t well_ms;     /* when it was last well, for vital_ms */
	char reason[INIT_REASON_MAX];
	bool leftovers; /* waits for its cgroup to be empty */
};

static struct service_conf confs[SERVICE_MAX];
static struct service services[SERVICE_MAX];
static size_t count;
static bool stopping;

static void set_reason(size_t i, const char *text)
{
	(void)snprintf(services[i].reason, sizeof(services[i].reason), "%s", text);
}

static void apply(size_t i, enum service_event event, uint64_t now_ms);

static void do_spawn(size_t i, uint64_t now_ms)
{
	struct service *s = &services[i];
	struct spawned child;
	int rc = spawn(&confs[i], &s->id, &child);

	s->spawned_ms = now_ms;
	s->starts++;
	s->notify = (struct service_notify){ 0 };
	if (rc) {
		(void)snprintf(s->reason, sizeof(s->reason), "cannot start a process: %s",
			       strerror(-rc));
		s->failures = service_failures_next(&confs[i], s->failures, 0);
		apply(i, service_exit_event(&confs[i], 1 << 8), now_ms);
		return;
	}
	s->pid = child.pid;
	log_attach(&s->log, child.log_fd);
	s->notify_fd = child.notify_fd;
	if (confs[i].watchdog_ms)
		s->watchdog_ms = now_ms + confs[i].watchdog_ms;
	if (confs[i].type == SERVICE_SIMPLE)
		apply(i, SERVICE_EV_READY, now_ms);
}

static void do_abandon(size_t i)
{
	set_reason(i, "its process does not end, not even by SIGKILL");
	console_say("service %s: %s", confs[i].name, services[i].reason);
}

static void enter(size_t i, enum service_state next, uint64_t now_ms)
{
	struct service *s = &services[i];
	uint32_t timer = service_timer_ms(&confs[i], next, s->failures);

	s->state = next;
	s->since_ms = now_ms;
	s->timer_ms = timer ? now_ms + timer : 0;
	if (next != SERVICE_STARTING && next != SERVICE_UP)
		s->watchdog_ms = 0;
	if (next == SERVICE_DONE || next == SERVICE_SKIPPED) {
		s->reason[0] = '\0';
		s->failures = 0;
	}
}

static void apply(size_t i, enum service_event event, uint64_t now_ms)
{
	struct service *s = &services[i];
	struct service_step step = service_step(s->state, event);

	if (step.next == s->state && step.action == SERVICE_DO_NOTHING)
		return;
	enter(i, step.next, now_ms);
	switch (step.action) {
	case SERVICE_DO_SPAWN:
		do_spawn(i, now_ms);
		break;
	case SERVICE_DO_TERM:
		if (s->pid > 0)
			(void)kill(s->pid, SIGTERM);
		break;
	case SERVICE_DO_KILL:
		cgroup_kill(confs[i].name, s->pid);
		break;
	case SERVICE_DO_CLEAN:
		if (!cgroup_empty(confs[i].name))
			cgroup_kill(confs[i].name, 0);
		break;
	case SERVICE_DO_ABANDON:
		do_abandon(i);
		break;
	default:
		break;
	}
}

static bool condition_holds(const char *condition, const char *cmdline)
{
	bool wanted = condition[0] != '!';
	const char *key = condition + !wanted + strlen("cmdline:");

	return !condition[0] || (cmdline_get(cmdline, key, NULL, 0) == 0) == wanted;
}

/* Its place in a boot: skipped, impossible, or wanted. */
static void prepare(size_t i, const char *cmdline)
{
	struct service *s = &services[i];
	struct service_conf *c = &confs[i];
	struct err err = { "" };
	int rc;

	log_init(&s->log, c->name, c->console);
	s->notify_fd = -1;
	s->exit_status = -1;
	if (!condition_holds(c->condition, cmdline)) {
		apply(i, SERVICE_EV_SKIP, 0);
		return;
	}
	if (!c->problem[0] && spawn_identify(c, &s->id, &err))
		(void)snprintf(c->problem, sizeof(c->problem), "%.127s", err.msg);
	if (c->problem[0]) {
		s->state = SERVICE_FAILED;
		set_reason(i, c->problem);
		console_say("service %s: %s", c->name, c->problem);
		return;
	}
	rc = cgroup_prepare(c);
	if (rc)
		console_say("service %s: its limits are not in force: %s", c->name, strerror(-rc));
	apply(i, SERVICE_EV_START, 0);
}

void supervisor_load(const char *cmdline)
{
	size_t i;

	count = loader_load(confs);
	cgroup_setup();
	for (i = 0; i < count; i++)
		prepare(i, cmdline);
}

static bool may_start(size_t i, uint64_t now_ms)
{
	struct service *s = &services[i];
	size_t j;

	for (j = 0; j < count; j++) {
		if (confs[i].needs_mask & 1u << j && !service_satisfies_need(services[j].state))
			return false;
		if (confs[i].after_mask & 1u << j &&
		    !service_settled(services[j].state, services[j].failures))
			return false;
	}
	/* What an earlier life left behind is killed once more, and waited for. */
	if (s->pid || !cgroup_empty(confs[i].name)) {
		if (!s->pid)
			cgroup_kill(confs[i].name, 0);
		s->leftovers = true;
		s->timer_ms = now_ms + EMPTY_RETRY_MS;
		return false;
	}
	s->leftovers = false;
	return true;
}

/* During a stop: has everything ended that builds on this service? */
static bool may_stop(size_t i)
{
	size_t j;

	for (j = 0; j < count; j++)
		if ((confs[j].needs_mask | confs[j].after_mask) & 1u << i &&
		    service_has_process(services[j].state))
			return false;
	return true;
}

static void check_watchdog(size_t i, uint64_t now_ms)
{
	struct service *s = &services[i];

	if (!s->watchdog_ms || now_ms < s->watchdog_ms || s->state != SERVICE_UP)
		return;
	(void)snprintf(s->reason, sizeof(s->reason), "hangs: no WATCHDOG=1 for %u ms",
		       confs[i].watchdog_ms);
	log_note(&s->log, now_ms, s->reason);
	apply(i, SERVICE_EV_WATCHDOG, now_ms);
}

static void check_timer(size_t i, uint64_t now_ms)
{
	struct service *s = &services[i];

	if (!s->timer_ms || now_ms < s->timer_ms)
		return;
	s->timer_ms = 0;
	if (s->state == SERVICE_STARTING) {
		(void)snprintf(s->reason, sizeof(s->reason), "hangs: not ready after %u ms",
			       confs[i].start_timeout_ms);
		log_note(&s->log, now_ms, s->reason);
	}
	apply(i, SERVICE_EV_TIMEOUT, now_ms);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

uint64_t supervisor_tick(uint64_t now_ms)
{
	uint64_t due = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		check_timer(i, now_ms);
		check_watchdog(i, now_ms);
		if (stopping && services[i].state != SERVICE_DOWN &&
		    services[i].state != SERVICE_STOPPING && services[i].state != SERVICE_KILLING &&
		    may_stop(i))
			apply(i, SERVICE_EV_STOP, now_ms);
	}
	/* One that comes up may let another start: again until nothing changes. */
	for (i = 0; i < count && !stopping; i++) {
		if (services[i].state == SERVICE_WAITING && may_start(i, now_ms)) {
			apply(i, SERVICE_EV_NEEDS_UP, now_ms);
			i = (size_t)-1;
		}
	}
	for (i = 0; i < count; i++) {
		due = sooner(due, services[i].timer_ms);
		due = sooner(due, services[i].watchdog_ms);
		if (services[i].log.pipe_fd >= 0)
			due = sooner(due, log_due_ms(&services[i].log, now_ms));
	}
	return due;
}

static void describe_end(size_t i, int st)
{
	struct service *s = &services[i];
	char last[sizeof(s->log.last)];
	int n;

	memcpy(last, s->log.last, sizeof(last));
	if (WIFSIGNALED(st))
		n = snprintf(s->reason, sizeof(s->reason), "ended by signal %d", WTERMSIG(st));
	else
		n = snprintf(s->reason, sizeof(s->reason), "ended with status %d", WEXITSTATUS(st));
	if (last[0] && n > 0 && (size_t)n < sizeof(s->reason))
		(void)snprintf(s->reason + n, sizeof(s->reason) - (size_t)n, ": %s", last);
}

/* Once for each row of failures. The one who would tell of it may be the one that fails. */
static void report(size_t i)
{
	const struct service *s = &services[i];

	if (s->state == SERVICE_FAILED ||
	    (s->state == SERVICE_BACKOFF && s->failures == SERVICE_FAILING_FROM))
		console_say(confs[i].console ? "failed what=service:%s why=\"%s\""
					     : "service %s: %s",
			    confs[i].name, s->reason);
}

void supervisor_ended(pid_t pid, int wait_status, uint64_t now_ms)
{
	struct service *s;
	size_t i;

	for (i = 0; i < count && services[i].pid != pid; i++)
		;
	if (i == count)
		return;
	s = &services[i];
	s->pid = 0;
	s->exit_status = wait_status;
	log_drain(&s->log, now_ms);
	if (s->notify_fd >= 0) {
		(void)close(s->notify_fd);
		s->notify_fd = -1;
	}
	if (s->state == SERVICE_STARTING || s->state == SERVICE_UP || s->state == SERVICE_HUNG)
		s->failures = service_failures_next(&confs[i], s->failures, now_ms - s->spawned_ms);
	if (s->state == SERVICE_STARTING || s->state == SERVICE_UP) {
		describe_end(i, wait_status);
		log_note(&s->log, now_ms, s->reason);
	}
	apply(i, service_exit_event(&confs[i], wait_status), now_ms);
	report(i);
}

static void read_notify(size_t i, uint64_t now_ms)
{
	struct service *s = &services[i];
	uint8_t buf[256];
	ssize_t n = read(s->notify_fd, buf, sizeof(buf));
	unsigned int bits;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Says nothing any more: readiness and the watchdog run into their timers. */
		(void)close(s->notify_fd);
		s->notify_fd = -1;
		return;
	}
	bits = service_notify_feed(&s->notify, buf, (size_t)n);
	if (bits && confs[i].watchdog_ms)
		s->watchdog_ms = now_ms + confs[i].watchdog_ms;
	if (bits & SERVICE_NOTIFY_READY && s->state == SERVICE_STARTING)
		apply(i, SERVICE_EV_READY, now_ms);
}

size_t supervisor_poll_fill(struct pollfd *fds, uint64_t now_ms)
{
	size_t i;

	/* Two places a service, fixed: poll passes over those with fd -1. */
	for (i = 0; i < count; i++) {
		const struct log *log = &services[i].log;

		fds[2 * i] = (struct pollfd){ .fd = log_due_ms(log, now_ms) ? -1 : log->pipe_fd,
					      .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd){ .fd = services[i].notify_fd, .events = POLLIN };
	}
	return 2 * count;
}

void supervisor_poll_take(const struct pollfd *fds, size_t n, uint64_t now_ms)
{
	size_t i;

	for (i = 0; 2 * i + 1 < n; i++) {
		if (fds[2 * i].fd >= 0 && fds[2 * i].revents)
			log_read(&services[i].log, now_ms);
		if (fds[2 * i + 1].fd >= 0 && fds[2 * i + 1].revents && services[i].notify_fd >= 0)
			read_notify(i, now_ms);
	}
}

int supervisor_order(enum init_op op, const char *name, uint64_t now_ms)
{
	size_t i;

	if (stopping)
		return -EBUSY;
	for (i = 0; i < count && strcmp(confs[i].name, name) != 0; i++)
		;
	if (i == count || confs[i].problem[0])
		return -ENOENT;
	services[i].failures = 0;
	apply(i,
	      op == INIT_OP_START  ? SERVICE_EV_START
	      : op == INIT_OP_STOP ? SERVICE_EV_STOP
				   : SERVICE_EV_RESTART,
	      now_ms);
	return 0;
}

/* Well is what has stayed up, is done, or is down by order; a service that comes up only to end
 * again is not. */
static bool is_well(const struct service *s, const struct service_conf *c, uint64_t now_ms)
{
	return (s->state == SERVICE_UP && now_ms - s->since_ms >= c->reset_ms) ||
	       s->state == SERVICE_DONE || s->state == SERVICE_SKIPPED || s->state == SERVICE_DOWN;
}

const char *supervisor_vital_late(uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct service *s = &services[i];

		if (!confs[i].vital_ms)
			continue;
		if (!s->well_ms || (!confs[i].problem[0] && is_well(s, &confs[i], now_ms)))
			s->well_ms = now_ms;
		else if (now_ms - s->well_ms > confs[i].vital_ms)
			return confs[i].name;
	}
	return NULL;
}

bool supervisor_may_order(uid_t uid)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (confs[i].orders && !confs[i].problem[0] && services[i].id.uid == uid)
			return true;
	return uid == 0;
}

void supervisor_stop_all(uint64_t now_ms)
{
	stopping = true;
	(void)supervisor_tick(now_ms);
}

bool supervisor_stopped(void)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (service_has_process(services[i].state))
			return false;
	return true;
}

void supervisor_name_alive(char *ret_text, size_t max)
{
	size_t i, used = 0;

	ret_text[0] = '\0';
	for (i = 0; i < count; i++)
		if (service_has_process(services[i].state) && used + SERVICE_NAME_MAX + 1 < max)
			used += (size_t)snprintf(ret_text + used, max - used, " %s", confs[i].name);
}

size_t supervisor_count(void)
{
	return count;
}

static enum init_health health(size_t i, uint64_t now_ms)
{
	const struct service *s = &services[i];
	bool failing = s->failures >= SERVICE_FAILING_FROM;

	switch (s->state) {
	case SERVICE_UP:
	case SERVICE_DONE:
		/* A crasher is up most of the time: only a long life ends its row of failures. */
		if (now_ms - s->spawned_ms >= confs[i].reset_ms)
			failing = false;
		return failing ? INIT_HEALTH_FAILING : INIT_HEALTH_OK;
	case SERVICE_FAILED:
		return INIT_HEALTH_FAILED;
	case SERVICE_DOWN:
	case SERVICE_STOPPING:
	case SERVICE_KILLING:
		return INIT_HEALTH_STOPPED;
	case SERVICE_SKIPPED:
		return INIT_HEALTH_SKIPPED;
	default:
		return failing ? INIT_HEALTH_FAILING : INIT_HEALTH_STARTING;
	}
}

/* Why a service waits: the first that it waits for. */
static void describe_waiting(size_t i, char *ret, size_t max)
{
	size_t j;

	for (j = 0; j < count; j++) {
		if ((confs[i].needs_mask & 1u << j && !service_satisfies_need(services[j].state)) ||
		    (confs[i].after_mask & 1u << j &&
		     !service_settled(services[j].state, services[j].failures))) {
			(void)snprintf(ret, max, "waits for %s, which is %s", confs[j].name,
				       service_state_name(services[j].state));
			return;
		}
	}
	if (services[i].leftovers)
		(void)snprintf(ret, max, "waits for processes of its last life to end");
}

void supervisor_describe(size_t i, uint64_t now_ms, struct init_service *ret)
{
	const struct service *s = &services[i];

	memset(ret, 0, sizeof(*ret));
	ret->version = INIT_PROTO_VERSION;
	memcpy(ret->name, confs[i].name, sizeof(ret->name));
	ret->state = s->state;
	ret->health = health(i, now_ms);
	ret->critical = confs[i].critical;
	ret->pid = s->pid;
	ret->starts = s->starts;
	ret->failures = s->failures;
	ret->exit_status = s->exit_status;
	if (s->state == SERVICE_BACKOFF && s->timer_ms > now_ms)
		ret->retry_in_ms = (uint32_t)(s->timer_ms - now_ms);
	ret->up_ms = now_ms - s->since_ms;
	ret->log_lost_bytes = s->log.lost_bytes;
	if (ret->health == INIT_HEALTH_OK || ret->health == INIT_HEALTH_SKIPPED)
		return;
	(void)snprintf(ret->reason, sizeof(ret->reason), "%s", s->reason);
	if (s->state == SERVICE_WAITING)
		describe_waiting(i, ret->reason, sizeof(ret->reason));
}
