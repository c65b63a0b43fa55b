// SPDX-License-Identifier: Apache-2.0
/*
 * cairn-update - shows what service update does, and gives it orders (docs/update.md).
 *
 *   cairn-update [status]               the state, the last attempts, what is refused
 *   cairn-update --watch                the state, a line at each change, until it rests
 *   cairn-update check                  poll the channel now
 *   cairn-update install [--any-release] FILE|URL
 *   cairn-update activate|rollback|mark-bad|pause|resume|stop
 *   cairn-update forget RELEASE|all
 *   cairn-update factory-reset [--keep-identity]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "control_proto.h"
#include "err.h"
#include "io.h"

static const char usage[] =
	"usage: cairn-update [status|--watch]\n"
	"       cairn-update check|activate|rollback|mark-bad|pause|resume|stop\n"
	"       cairn-update install [--any-release] FILE|URL\n"
	"       cairn-update forget RELEASE|all\n"
	"       cairn-update factory-reset [--keep-identity]\n";

static int take(int fd, void *ret, size_t size, struct err *err)
{
	ssize_t n = recv(fd, ret, size, MSG_TRUNC);

	if (n < 0)
		return err_sys(err, errno == EAGAIN ? -ETIMEDOUT : -errno, "no answer");
	if (n != (ssize_t)size)
		return err_set(err, -EPROTO, "an answer of %zd bytes instead of %zu", n, size);
	return 0;
}

static int reach(struct err *err)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = UPDATE_SOCKET };
	const struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, -errno, "cannot make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at))) {
		int rc = err_sys(err, -errno, "cannot reach the service at " UPDATE_SOCKET);

		(void)close(fd);
		return rc;
	}
	return fd;
}

static int ask(int fd, const struct update_request *q, int passed, struct update_reply *ret,
	       struct err *err)
{
	int rc = part_send_fd(fd, q, sizeof(*q), passed);

	if (rc)
		return err_sys(err, rc, "cannot ask");
	rc = take(fd, ret, sizeof(*ret), err);
	if (!rc && ret->version != UPDATE_CONTROL_VERSION)
		rc = err_set(err, -EPROTO, "the service speaks version %u", ret->version);
	if (!rc && ret->rc)
		rc = err_set(err, ret->rc, "%s", ret->why[0] ? ret->why : strerror(-ret->rc));
	return rc;
}

/* Words. */

static const char *date(int64_t s, char ret[static 32])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, 32, "%Y-%m-%d %H:%M:%S", &tm))
		(void)snprintf(ret, 32, "-");
	return ret;
}

static void print_state(const struct update_reply *r)
{
	char created[32], expires[32];

	printf("state      %s%s\n", r->state, r->paused ? " (paused)" : "");
	printf("running    release %llu, version %s, slot %c%s\n",
	       (unsigned long long)r->booted_release, r->booted_version, r->slot,
	       r->marked ? ", marked good" : "");
	if (r->known)
		printf("slots      primary %c; a: %s, %u tries; b: %s, %u tries\n", r->primary,
		       r->good[0] ? "good" : "not good", r->tries[0],
		       r->good[1] ? "good" : "not good", r->tries[1]);
	if (r->release)
		printf("update     release %llu, version %s, %s from %s\n",
		       (unsigned long long)r->release, r->release_version,
		       updatelog_kind_name((enum updatelog_kind)r->kind),
		       updatelog_source_name((enum updatelog_source)r->source));
	if (r->percent <= 100)
		printf("progress   %u %%, %llu KiB/s, %llu KiB fetched\n", r->percent,
		       (unsigned long long)(r->speed_bytes_s / 1024),
		       (unsigned long long)(r->fetched / 1024));
	if (r->what[0])
		printf("problem    %s: %s (%u in a row)\n", r->what, r->why, r->failures);
	printf("channel    %s\n", r->channel[0] ? r->channel : "none");
	if (r->created_s)
		printf("           sequence %llu, made %s, ends %s, %s\n",
		       (unsigned long long)r->sequence, date(r->created_s, created),
		       date(r->expires_s, expires), r->time);
	if (r->next_s)
		printf("next look  in %u s\n", r->next_s);
}

static int print_lists(int fd, const struct update_reply *r, struct err *err)
{
	static struct update_attempt a;
	static struct update_refused f;
	char when[32];
	uint32_t i;
	int rc = 0;

	for (i = 0; i < r->attempts && !rc; i++) {
		rc = take(fd, &a, sizeof(a), err);
		if (rc)
			break;
		printf("%s%s  release %llu (%s), %s from %s: %s, %u s, %llu KiB%s%s\n",
		       i ? "           " : "history    ", date(a.attempt.time_s, when),
		       (unsigned long long)a.attempt.release, a.attempt.version,
		       updatelog_kind_name(a.attempt.kind), updatelog_source_name(a.attempt.source),
		       updatelog_outcome_name(a.attempt.outcome), a.attempt.seconds,
		       (unsigned long long)(a.attempt.fetched_bytes / 1024),
		       a.attempt.why[0] ? ": " : "", a.attempt.why);
	}
	for (i = 0; i < r->refuseds && !rc; i++) {
		rc = take(fd, &f, sizeof(f), err);
		if (rc)
			break;
		printf("%s%s  ", i ? "           " : "refused    ", date(f.refused.time_s, when));
		if (f.refused.release)
			printf("release %llu", (unsigned long long)f.refused.release);
		else
			printf("one bundle");
		printf(": %s\n", f.refused.why);
	}
	return rc;
}

static int status(int fd, struct err *err)
{
	const struct update_request q = { .version = UPDATE_CONTROL_VERSION,
					  .op = UPDATE_OP_STATUS };
	struct update_reply r = { .version = 0 };
	int rc = ask(fd, &q, -1, &r, err);

	if (rc)
		return rc;
	print_state(&r);
	return print_lists(fd, &r, err);
}

/* drain - the lists that belong to an answer. */
static int drain(int fd, const struct update_reply *r, struct err *err)
{
	static struct update_attempt a;
	static struct update_refused f;
	uint32_t i;
	int rc = 0;

	for (i = 0; i < r->attempts && !rc; i++)
		rc = take(fd, &a, sizeof(a), err);
	for (i = 0; i < r->refuseds && !rc; i++)
		rc = take(fd, &f, sizeof(f), err);
	return rc;
}

static bool rests(const char *state)
{
	static const char *const words[] = { "idle", "failed", "waiting-for-window",
					     "ready-to-reboot", "no-boot-state" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(state, words[i]) == 0)
			return true;
	return false;
}

static int watch(int fd, struct err *err)
{
	const struct update_request q = { .version = UPDATE_CONTROL_VERSION,
					  .op = UPDATE_OP_STATUS };
	char line[512], last[512] = "";
	struct update_reply r = { .version = 0 };

	for (;;) {
		int rc = ask(fd, &q, -1, &r, err);

		rc = rc ? rc : drain(fd, &r, err);
		if (rc)
			return rc;
		(void)snprintf(line, sizeof(line), "%s", r.state);
		if (r.percent <= 100)
			(void)snprintf(line, sizeof(line),
				       "%s release %llu %u %% %llu KiB/s %llu KiB fetched", r.state,
				       (unsigned long long)r.release, r.percent,
				       (unsigned long long)(r.speed_bytes_s / 1024),
				       (unsigned long long)(r.fetched / 1024));
		else if (r.what[0])
			(void)snprintf(line, sizeof(line), "%s %s: %s", r.state, r.what, r.why);
		if (strcmp(line, last) != 0) {
			printf("%s\n", line);
			(void)fflush(stdout);
			(void)snprintf(last, sizeof(last), "%s", line);
		}
		if (rests(r.state))
			return 0;
		(void)poll(NULL, 0, 500);
	}
}

/* Orders. */

static int install(int fd, bool any, const char *what, struct err *err)
{
	struct update_request q = { .version = UPDATE_CONTROL_VERSION, .op = UPDATE_OP_INSTALL };
	bool is_url = strstr(what, "://") != NULL;
	int file _cleanup_close_ = -1;
	struct update_reply r = { .version = 0 };

	if ((size_t)snprintf(q.text, sizeof(q.text), "%s", what) >= sizeof(q.text))
		return err_set(err, -ENAMETOOLONG, "%s: too long", what);
	q.flags = any ? UPDATE_ANY_RELEASE : 0;
	if (!is_url) {
		file = open(what, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return err_sys(err, -errno, "cannot open %s", what);
	}
	return ask(fd, &q, file, &r, err);
}

static int simple(int fd, enum update_op op, uint32_t flags, uint64_t number, struct err *err)
{
	const struct update_request q = {
		.version = UPDATE_CONTROL_VERSION,
		.op = op,
		.flags = flags,
		.number = number,
	};
	struct update_reply r = { .version = 0 };

	return ask(fd, &q, -1, &r, err);
}

/* run - 100 where the words are no command. */
static int run(int fd, int argc, char **argv, struct err *err)
{
	static const struct {
		const char *word;
		enum update_op op;
	} plain[] = {
		{ "check", UPDATE_OP_CHECK },	    { "activate", UPDATE_OP_ACTIVATE },
		{ "rollback", UPDATE_OP_ROLLBACK }, { "mark-bad", UPDATE_OP_MARK_BAD },
		{ "pause", UPDATE_OP_PAUSE },	    { "resume", UPDATE_OP_RESUME },
		{ "stop", UPDATE_OP_STOP },	    { "factory-reset", UPDATE_OP_RESET },
	};
	const char *word = argc > 1 ? argv[1] : "status";
	size_t i;

	if (argc <= 2 && strcmp(word, "status") == 0)
		return status(fd, err);
	if (argc == 2 && strcmp(word, "--watch") == 0)
		return watch(fd, err);
	for (i = 0; argc == 2 && i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(word, plain[i].word) == 0)
			return simple(fd, plain[i].op, 0, 0, err);
	if (argc == 3 && strcmp(word, "factory-reset") == 0 &&
	    strcmp(argv[2], "--keep-identity") == 0)
		return simple(fd, UPDATE_OP_RESET, UPDATE_KEEP_IDENTITY, 0, err);
	if (argc == 3 && strcmp(word, "forget") == 0 && strcmp(argv[2], "all") == 0)
		return simple(fd, UPDATE_OP_FORGET, 0, 0, err);
	if (argc == 3 && strcmp(word, "forget") == 0 && strtoull(argv[2], NULL, 10))
		return simple(fd, UPDATE_OP_FORGET, 0, strtoull(argv[2], NULL, 10), err);
	if (argc == 3 && strcmp(word, "install") == 0)
		return install(fd, false, argv[2], err);
	if (argc == 4 && strcmp(word, "install") == 0 && strcmp(argv[2], "--any-release") == 0)
		return install(fd, true, argv[3], err);
	return 100;
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	int fd _cleanup_close_ = -1, rc;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return 0;
	}
	fd = reach(&err);
	rc = fd < 0 ? fd : run(fd, argc, argv, &err);
	if (rc == 100) {
		(void)fputs(usage, stderr);
		return 100;
	}
	if (rc)
		(void)fprintf(stderr, "cairn-update: %s\n", err.msg);
	return rc ? 1 : 0;
}
