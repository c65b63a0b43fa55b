// SPDX-License-Identifier: Apache-2.0
/*
 * update - the main part (agent/update/parts.h has the whole picture): starts the others, gives up
 * its rights, and then only waits: for them, for orders, and for the time.
 *
 * init starts it as user cairn-update with a few capabilities; none is left when it says READY.
 */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "cmdline.h"
#include "control.h"
#include "fault.h"
#include "hex.h"
#include "io.h"
#include "parts.h"
#include "policy.h"
#include "publish.h"

#define RELEASE_FILE "/etc/cairn/release"
#define TRUST_FILE "/etc/cairn/trust"
#define BOOT_FILE "/run/cairn/boot"

uint64_t main_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int64_t main_wall_s(void)
{
	return (int64_t)time(NULL);
}

/* What is read once. */

static void word(const char *text, const char *key, char *ret, size_t size)
{
	if (cmdline_get(text, key, ret, size))
		ret[0] = '\0';
}

static uint64_t number(const char *text, const char *key)
{
	char value[32];

	word(text, key, value, sizeof(value));
	return strtoull(value, NULL, 10);
}

static void read_own(struct main_release *own)
{
	char text[4096], value[2 * SHA256_SIZE + 1];

	if (io_read_file(RELEASE_FILE, text, sizeof(text), NULL))
		text[0] = '\0';
	own->release = number(text, "release");
	own->floor = number(text, "floor");
	own->build_s = (int64_t)number(text, "build_time");
	word(text, "version", own->version, sizeof(own->version));
	word(text, "compatible", own->compatible, sizeof(own->compatible));
	word(text, "architecture", own->architecture, sizeof(own->architecture));
	if (io_read_file("/proc/cmdline", text, sizeof(text), NULL))
		text[0] = '\0';
	word(text, "cairn.roothash", value, sizeof(value));
	own->has_root = !hex_decode(value, own->root, SHA256_SIZE);
	if (io_read_file(BOOT_FILE, text, sizeof(text), NULL))
		text[0] = '\0';
	word(text, "disk", value, sizeof(value));
	(void)snprintf(own->disk, sizeof(own->disk), "%.31s",
		       strrchr(value, '/') ? strrchr(value, '/') + 1 : value);
}

static void read_conf(struct updateconf *conf)
{
	static const char *const files[] = { "/etc/cairn/update.conf", "/data/config/update.conf" };
	uint8_t *buf _cleanup_free_ = malloc(UPDATECONF_SIZE_MAX + 2);
	size_t i;

	updateconf_defaults(conf);
	for (i = 0; buf && i < sizeof(files) / sizeof(files[0]); i++) {
		struct err err = { "" };
		size_t len;
		int rc = io_read_file(files[i], buf, UPDATECONF_SIZE_MAX + 2, &len);

		if (rc == -ENOENT)
			continue;
		rc = rc ? err_sys(&err, rc, "cannot be read")
			: updateconf_parse(conf, buf, len, &err);
		/* A wrong file on DATA must not leave a machine that cannot be mended. */
		if (err.msg[0])
			(void)dprintf(2, "%s%s: %s\n", files[i], rc ? " is not used" : "", err.msg);
	}
}

/* Start-up, with rights. */

static int make_folder(const char *path, unsigned int mode, struct err *err)
{
	return mkdir(path, mode) && errno != EEXIST ? err_sys(err, -errno, "cannot make %s", path)
						    : 0;
}

static int make_places(struct err *err)
{
	int rc = make_folder("/run/cairn", 0755, err);

	rc = rc ? rc : make_folder(UPDATE_EMPTY_DIR, 0555, err);
	rc = rc ? rc : make_folder(UPDATE_MEDIA_DIR, 0755, err);
	rc = rc ? rc : make_folder(STICK_DIR, 0755, err);
	rc = rc ? rc : make_folder(MAIN_RUN_DIR, 0755, err);
	rc = rc ? rc : make_folder("/data/cairn", 0755, err);
	/* A DATA that takes nothing is a matter of health, not of starting. */
	if (!rc && make_folder(MAIN_STATE_DIR, 0700, err)) {
		(void)dprintf(2, "%s\n", err->msg);
		err->msg[0] = '\0';
	}
	return rc;
}

enum part { PART_WRITER, PART_FETCH, PART_HEALTH, PART_STICK, PARTS };

/* pair[i]: main's end, the part's end. source: the writer's end, fetch's end. */
static _Noreturn void part(struct update *u, enum part which, int pair[PARTS][2], int source[2])
{
	int own = pair[which][1], i;

	io_close_p(&u->notify.fd);
	for (i = 0; i < PARTS; i++) {
		io_close_p(&pair[i][0]);
		if (i != (int)which)
			io_close_p(&pair[i][1]);
	}
	if (which != PART_WRITER)
		io_close_p(&source[0]);
	if (which != PART_FETCH)
		io_close_p(&source[1]);
	switch (which) {
	case PART_WRITER:
		_exit(writer_run(own, source[0]));
	case PART_FETCH:
		_exit(fetch_run(own, source[1]));
	case PART_HEALTH:
		_exit(health_run(own));
	default:
		_exit(stick_run(own, u->own.disk));
	}
}

/* The parts have each other and main, and nothing else of main's. */
static int start_parts(struct update *u, struct err *err)
{
	int pair[PARTS][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int source[2] = { -1, -1 };
	pid_t pid[PARTS] = { 0 };
	int rc = 0, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, source))
		return err_sys(err, -errno, "cannot make a socket pair");
	for (i = 0; i < PARTS && !rc; i++) {
		if (i == PART_STICK && !u->conf.stick)
			continue;
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair[i]))
			rc = err_sys(err, -errno, "cannot make a socket pair");
	}
	for (i = 0; i < PARTS && !rc; i++) {
		if (pair[i][1] < 0)
			continue;
		pid[i] = fork();
		if (pid[i] < 0)
			rc = err_sys(err, -errno, "cannot start a part");
		else if (pid[i] == 0)
			part(u, (enum part)i, pair, source);
		else if (fcntl(pair[i][0], F_SETFL, O_NONBLOCK))
			rc = err_sys(err, -errno, "cannot prepare a socket");
	}
	for (i = 0; i < PARTS; i++)
		io_close_p(&pair[i][1]);
	io_close_p(&source[0]);
	io_close_p(&source[1]);
	u->writer_fd = pair[PART_WRITER][0];
	u->source.fd = u->fetch_fd = pair[PART_FETCH][0];
	u->health.part_fd = pair[PART_HEALTH][0];
	u->stick_fd = pair[PART_STICK][0];
	u->writer = pid[PART_WRITER];
	u->fetch = pid[PART_FETCH];
	u->health_pid = pid[PART_HEALTH];
	u->stick = pid[PART_STICK];
	return rc;
}

/* The loop. */

/* Returns 1 to end as asked, 0, or -errno where a part is lost. */
static int on_signal(struct update *u, struct err *err)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	if (read(u->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGTERM)
		return 1;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		const char *name = pid == u->writer	  ? "writer"
				   : pid == u->fetch	  ? "fetch"
				   : pid == u->health_pid ? "health"
				   : pid == u->stick	  ? "stick"
							  : NULL;

		/* Its work is done, or there was never any. */
		if (!name || (pid == u->health_pid && u->health.part_fd < 0))
			continue;
		return err_set(err, -ECHILD, "the %s part ended with status 0x%x", name,
			       (unsigned int)status);
	}
	return 0;
}

static int on_writer(struct update *u)
{
	static struct writer_report r;
	int rc = part_receive(u->writer_fd, &r, sizeof(r));

	return rc <= 0 ? rc : policy_report(u, &r);
}

static int on_fetch(struct update *u)
{
	enum source_result result;
	int rc = source_take(&u->source, &result, main_now_ms());

	return rc ? rc : policy_source(u, result);
}

static int on_stick(struct update *u)
{
	struct stick_found f;
	int rc = part_receive(u->stick_fd, &f, sizeof(f));

	if (rc <= 0)
		return rc;
	if (f.version != STICK_VERSION || !memchr(f.url, '\0', sizeof(f.url)) ||
	    !updateconf_url_ok(f.url) || (f.kind != SOURCE_FOLDER && f.kind != SOURCE_FILE))
		return -EBADMSG;
	policy_stick(u, &f);
	return 0;
}

enum { AT_SIGNAL, AT_WRITER, AT_FETCH, AT_HEALTH, AT_STICK, AT_INIT, AT_CONTROL };

/* Returns 1 to end as asked, 0, or -errno. */
static int round_of(struct update *u, int wait_ms, struct err *err)
{
	struct pollfd fds[AT_CONTROL + CONTROL_FDS] = {
		[AT_SIGNAL] = { .fd = u->signal_fd, .events = POLLIN },
		[AT_WRITER] = { .fd = u->writer_fd, .events = POLLIN },
		[AT_FETCH] = { .fd = u->fetch_fd, .events = POLLIN },
		[AT_HEALTH] = { .fd = u->health.part_fd, .events = POLLIN },
		[AT_STICK] = { .fd = u->stick_fd, .events = POLLIN },
		[AT_INIT] = { .fd = u->health.init.fd, .events = POLLIN },
	};
	int rc;

	control_fill(u, fds + AT_CONTROL);
	if (poll(fds, AT_CONTROL + CONTROL_FDS, wait_ms) < 0 && errno != EINTR)
		return err_sys(err, -errno, "cannot wait");
	if (fds[AT_SIGNAL].revents && (rc = on_signal(u, err)))
		return rc;
	if (fds[AT_WRITER].revents && (rc = on_writer(u)))
		return err_sys(err, rc, "the writer part is lost");
	if (fds[AT_FETCH].revents && (rc = on_fetch(u)))
		return err_sys(err, rc, "the fetch part is lost");
	if (fds[AT_HEALTH].revents && u->health.part_fd == fds[AT_HEALTH].fd &&
	    (rc = health_part(&u->health, main_now_ms())))
		return err_sys(err, rc, "the health part is lost");
	if (fds[AT_STICK].revents && (rc = on_stick(u)))
		return err_sys(err, rc, "the stick part is lost");
	if (fds[AT_INIT].revents && u->health.init.fd == fds[AT_INIT].fd)
		health_news(&u->health, main_now_ms());
	control_take(u, fds + AT_CONTROL);
	rc = policy_turn(u);
	return rc ? err_sys(err, rc, "a part does not listen") : 0;
}

static int serve(struct update *u, struct err *err)
{
	for (;;) {
		uint64_t now = main_now_ms(), due;
		int wait, rc;

		notify_alive(&u->notify, now);
		due = publish_write(u, now);
		wait = policy_wait_ms(u);
		if (due && (wait < 0 || due - now < (uint64_t)wait))
			wait = (int)(due - now);
		rc = round_of(u, wait, err);
		if (rc)
			return rc < 0 ? rc : 0;
	}
}

static int run(struct update *u, struct err *err)
{
	int rc = make_places(err);

	fault_init();
	read_own(&u->own);
	read_conf(&u->conf);
	rc = rc ? rc : start_parts(u, err);
	rc = rc ? rc : control_listen(u, err);
	rc = rc ? rc : part_signals(&u->signal_fd, err);
	rc = rc ? rc : sandbox_enter(privileges_of("update"), err);
	if (rc)
		return rc;
	notify_ready(&u->notify);
	fault_point("start");
	records_load(&u->rec, MAIN_STATE_DIR);
	updatetime_init(&u->time, u->own.build_s, u->rec.floor_s, main_now_ms());
	u->floor_saved_ms = main_now_ms();
	if (records_trust(&u->rec, TRUST_FILE, &u->trust, err)) {
		/* Nothing can be taken without it; the boot can still be marked good. */
		(void)dprintf(2, "no trust: %s\n", err->msg);
		err->msg[0] = '\0';
	}
	rc = policy_begin(u, err);
	return rc ? rc : serve(u, err);
}

static int keep_trust(void *owner, const uint8_t *buf, size_t len, struct err *err)
{
	struct update *u = owner;

	return records_add_trust(&u->rec, buf, len, err);
}

int main(void)
{
	static struct update u;
	struct err err = { "" };

	(void)signal(SIGPIPE, SIG_IGN);
	u.run_dir = MAIN_RUN_DIR;
	u.time_file = "/run/cairn/time";
	u.signal_fd = u.writer_fd = u.fetch_fd = u.stick_fd = u.listen_fd = -1;
	u.job.fd = u.source.fd = u.health.part_fd = -1;
	u.source.trust = &u.trust;
	u.source.keep_trust = keep_trust;
	u.source.owner = &u;
	u.health.probe = MAIN_STATE_DIR "/probe";
	u.health.verdict = "/run/cairn/agent/verdict";
	u.health.watchdogs = "/sys/class/watchdog";
	initclient_init(&u.health.init);
	notify_init(&u.notify);
	if (run(&u, &err)) {
		(void)fprintf(stderr, "update: %s\n", err.msg);
		return 111;
	}
	return 0;
}
