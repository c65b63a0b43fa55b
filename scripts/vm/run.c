// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "box.h"
#include "lib/io.h"
#include "qmp.h"
#include "spawn.h"
#include "storm.h"

/* An unfinished line (a prompt) counts when nothing followed for so long. */
#define QUIET_MS 150
#define OUT_MAX 16384

enum { FD_SIGNAL, FD_SERIAL, FD_QMP, FD_QEMU, FD_STDIN, FD_COUNT };

struct runner {
	struct machine *m;
	struct console *c;
	struct steps *s;
	const struct run_options *o;
	struct qmp qmp;
	struct storm storm;
	int64_t start_ms, step_ms, heard_ms, storm_ms;
	int step;
	bool begun;	      /* the current step has sent what it sends */
	unsigned int command; /* number of the control command the step waits for */
	unsigned int resets_seen;
	bool off; /* qemu has ended */
	bool system_up;
	size_t line_pos;	       /* console lines looked at so far */
	size_t status_pos, status_len; /* the last status line not yet shown as a frame */
	size_t out_len;
	char out[OUT_MAX]; /* serial input not taken yet */
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void queue_out(struct runner *r, const char *buf, size_t len)
{
	if (len > sizeof(r->out) - r->out_len)
		len = sizeof(r->out) - r->out_len;
	memcpy(r->out + r->out_len, buf, len);
	r->out_len += len;
}

static void flush_out(struct runner *r)
{
	ssize_t n = write(r->m->serial_fd, r->out, r->out_len);

	if (n <= 0)
		return;
	r->out_len -= (size_t)n;
	memmove(r->out, r->out + n, r->out_len);
}

/* Lines that mean something to the runner itself. */
static void look_at_lines(struct runner *r)
{
	char *nl;

	while (r->line_pos < r->c->len &&
	       (nl = memchr(r->c->text + r->line_pos, '\n', r->c->len - r->line_pos))) {
		const char *line = r->c->text + r->line_pos;
		size_t len = (size_t)(nl - line);
		const char *ours = memmem(line, len, "cairn: ", 7);

		r->line_pos = (size_t)(nl - r->c->text) + 1;
		if (!ours)
			continue;
		r->system_up = true;
		/* A shell's prompt may stand before it. */
		if (!memmem(line, len, BOX_READY, strlen(BOX_READY)) &&
		    !memmem(line, len, BOX_FAILED, strlen(BOX_FAILED)))
			continue;
		line = ours;
		r->status_pos = (size_t)(line - r->c->text);
		r->status_len = (size_t)(nl - line);
		if (r->o->interactive)
			r->c->echo_raw = true;
	}
}

/* When the console pauses or the run ends, so that the frame cuts no line in two. */
static void show_status(struct runner *r, bool now)
{
	if (!r->o->box || !r->status_len || (!now && now_ms() - r->heard_ms < QUIET_MS))
		return;
	box_print(stdout, r->c->text + r->status_pos, r->status_len);
	r->status_len = 0;
}

static int read_serial(struct runner *r, struct err *err)
{
	char buf[16384];

	for (;;) {
		ssize_t n = read(r->m->serial_fd, buf, sizeof(buf));
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != ECONNRESET)
			return err_sys(err, -errno, "console of the machine");
		if (n <= 0)
			return 0;
		r->heard_ms = now_ms();
		rc = console_feed(r->c, buf, (size_t)n, err);
		if (rc)
			return rc;
		look_at_lines(r);
	}
}

static int send_command(struct runner *r, const struct step *s, struct err *err)
{
	char json[1536];
	int rc;

	if (s->kind == STEP_KEY) {
		rc = qmp_keys(&r->qmp, s->arg, err);
	} else if (s->kind == STEP_QMP) {
		rc = qmp_send(&r->qmp, s->arg, err);
	} else {
		if (snprintf(json, sizeof(json),
			     "{\"execute\":\"screendump\",\"arguments\":"
			     "{\"filename\":\"%s\",\"format\":\"png\"}}",
			     s->arg) >= (int)sizeof(json))
			return err_set(err, -ENAMETOOLONG, "%s", s->arg);
		rc = qmp_send(&r->qmp, json, err);
	}
	r->command = r->qmp.sent;
	r->begun = true;
	return rc;
}

/* 1 met, 0 not yet, negative: failed for good, with the reason. */
static int try_step(struct runner *r, struct step *s, struct err *err)
{
	bool quiet = r->off || now_ms() - r->heard_ms >= QUIET_MS;
	int rc;

	switch (s->kind) {
	case STEP_WAIT:
		if (console_match(r->c, &s->re, quiet, NULL))
			return 1;
		return r->off ? err_set(err, -EPIPE, "the machine is off") : 0;
	case STEP_ABSENT:
		if (console_contains(r->c, &s->re))
			return err_set(err, -EEXIST, "a line of the console matches");
		return 1;
	case STEP_SEND:
		queue_out(r, s->text, strlen(s->text));
		return 1;
	case STEP_KEY:
	case STEP_QMP:
	case STEP_SCREENSHOT:
		if (r->off)
			return err_set(err, -EPIPE, "the machine is off");
		if (!r->begun) {
			if (!r->qmp.ready)
				return 0;
			rc = send_command(r, s, err);
			if (rc)
				return rc;
		}
		if ((int)(r->qmp.answered - r->command) < 0)
			return 0;
		if (r->qmp.last_failed)
			return err_set(err, -EINVAL, "qemu: %.250s", r->qmp.last);
		return 1;
	case STEP_WAIT_EXIT:
		if (r->off && !r->qmp.shutdown)
			return err_set(err, -EPIPE,
				       "qemu ended, but the machine did not switch off");
		return r->off;
	case STEP_WAIT_RESET:
		if (r->qmp.resets != r->resets_seen) {
			r->resets_seen++;
			return 1;
		}
		return r->off ? err_set(err, -EPIPE, "the machine is off") : 0;
	case STEP_WAIT_WRITE:
		if (machine_writes(r->m) >= s->writes)
			return 1;
		return r->off ? err_set(err, -EPIPE, "the machine is off") : 0;
	case STEP_KILL:
		if (!r->begun)
			machine_kill(r->m);
		r->begun = true;
		return r->off;
	case STEP_SAY:
		/* Not into the middle of a line of the console. */
		if (!quiet && r->c->len && r->c->text[r->c->len - 1] != '\n')
			return 0;
		(void)printf("%s== %s\n",
			     r->c->len && r->c->text[r->c->len - 1] != '\n' ? "\n" : "", s->arg);
		(void)fflush(stdout);
		return 1;
	case STEP_RUN: {
		char *argv[] = { "sh", "-c", s->text, NULL };

		rc = spawn_wait(argv, r->m->dir, "run.err", err);
		return rc ? rc : 1;
	}
	case STEP_HOLD:
		if (r->off || r->qmp.resets != r->resets_seen)
			return err_set(err, -EPIPE, "the machine %s",
				       r->off ? "is off" : "restarted");
		return now_ms() - r->step_ms >= (int64_t)s->hold_s * 1000;
	}
	return err_set(err, -EINVAL, "unknown step");
}

static int64_t deadline_ms(const struct runner *r)
{
	return r->step_ms + (int64_t)r->s->v[r->step].timeout_s * 10 * r->o->timeout_scale_percent;
}

/* Goes through the steps as far as they are met. 1: all are; negative: one is not. */
static int advance(struct runner *r, struct err *err)
{
	if (r->s->fail_arg && console_contains(r->c, &r->s->fail_re))
		return err_set(err, -EBADMSG, "--fail '%s': seen on the console", r->s->fail_arg);
	while (r->step < r->s->n) {
		struct step *s = &r->s->v[r->step];
		const char *arg = s->arg ? s->arg : "";
		int rc = try_step(r, s, err);

		if (rc < 0) {
			err_prefix(err, "step %d (%s '%s')", r->step + 1, step_name(s->kind), arg);
			return rc;
		}
		if (rc == 0 && now_ms() < deadline_ms(r))
			return 0;
		if (rc == 0)
			return err_set(err, -ETIMEDOUT, "step %d (%s '%s'): not within %lld s",
				       r->step + 1, step_name(s->kind), arg,
				       (long long)(deadline_ms(r) - r->step_ms) / 1000);
		if (r->o->notes)
			(void)fprintf(stderr, "cairn-vm: +%.2f s: %s %s\n",
				      (double)(now_ms() - r->start_ms) / 1000, step_name(s->kind),
				      arg);
		r->step++;
		r->step_ms = now_ms();
		r->begun = false;
		console_rewind(r->c);
	}
	return r->s->n > 0;
}

/* The person's keys; true when they ask to end. */
static bool read_keys(struct runner *r, struct pollfd *p)
{
	char buf[512];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0) {
		p->fd = -1;
		return false;
	}
	if (memchr(buf, r->o->end_key, (size_t)n))
		return true;
	r->c->echo_raw = true;
	queue_out(r, buf, (size_t)n);
	return false;
}

/* Keys that the firmware acts on too are held back where it comes again: after a restart it would
 * meet what is still in the line, and open its own settings. */
static bool storm_all(const struct runner *r)
{
	int i;

	for (i = 0; i < r->s->n; i++)
		if (r->s->v[i].kind == STEP_WAIT_RESET)
			return false;
	return r->system_up;
}

static int storm(struct runner *r, struct err *err)
{
	const char *text;
	int rc;

	if (!r->o->storm || r->off || now_ms() - r->storm_ms < STORM_TICK_MS)
		return 0;
	r->storm_ms = now_ms();
	rc = storm_volley(&r->storm, &r->qmp, storm_all(r), &text, err);
	if (!rc && r->out_len < 64)
		queue_out(r, text, strlen(text));
	return rc;
}

static int wait_time_ms(const struct runner *r)
{
	int64_t left = r->step < r->s->n ? deadline_ms(r) - now_ms() : 60000;

	if (left > QUIET_MS && now_ms() - r->heard_ms < QUIET_MS)
		left = QUIET_MS;
	if (r->step < r->s->n && r->s->v[r->step].kind == STEP_HOLD && left > QUIET_MS)
		left = QUIET_MS;
	if (r->step < r->s->n && r->s->v[r->step].kind == STEP_WAIT_WRITE && left > 1)
		left = 1;
	if (r->o->storm && left > STORM_TICK_MS)
		left = STORM_TICK_MS;
	return left < 0 ? 0 : (int)left;
}

/* One round of the loop: 1 ended well, 0 goes on, negative errno; -EINTR: a signal came. */
static int turn(struct runner *r, struct pollfd *p, struct err *err)
{
	int rc = storm(r, err);

	if (rc)
		return rc;
	p[FD_SERIAL].events = (short)(POLLIN | (r->out_len ? POLLOUT : 0));
	if (poll(p, FD_COUNT, wait_time_ms(r)) < 0 && errno != EINTR)
		return err_sys(err, -errno, "poll");
	if (p[FD_SIGNAL].revents)
		return err_set(err, -EINTR, "ended by a signal");
	if (p[FD_STDIN].revents && read_keys(r, &p[FD_STDIN]))
		return 1;
	if (p[FD_QEMU].revents)
		r->off = true;
	if (r->out_len)
		flush_out(r);
	rc = read_serial(r, err);
	if (!rc)
		rc = qmp_read(&r->qmp, err);
	if (rc == -EPIPE || rc == -ECONNRESET) {
		/* It ends: its process id tells when. */
		p[FD_QMP].fd = p[FD_SERIAL].fd = -1;
		rc = 0;
	}
	if (rc)
		return rc;
	if (r->off)
		p[FD_QEMU].fd = -1;
	show_status(r, false);
	rc = advance(r, err);
	return rc == 0 && r->off && r->step == r->s->n ? 1 : rc;
}

static int open_signals(sigset_t *ret_old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, ret_old);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* The terminal without its own line editing; false when there is none. */
static bool terminal_raw(struct termios *ret_old)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, ret_old))
		return false;
	t = *ret_old;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	t.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
}

enum run_end run(struct machine *m, struct console *c, struct steps *s, const struct run_options *o,
		 struct err *err)
{
	struct runner *r = calloc(1, sizeof(*r));
	struct pollfd p[FD_COUNT];
	struct termios old_terminal;
	sigset_t old_signals;
	bool raw = false;
	int signals, rc;

	if (!r) {
		(void)err_sys(err, -ENOMEM, "run");
		return RUN_SYSTEM;
	}
	signals = open_signals(&old_signals);
	r->m = m;
	r->c = c;
	r->s = s;
	r->o = o;
	r->start_ms = r->step_ms = r->heard_ms = now_ms();
	qmp_init(&r->qmp, m->qmp_fd);
	p[FD_SIGNAL] = (struct pollfd){ .fd = signals, .events = POLLIN };
	p[FD_SERIAL] = (struct pollfd){ .fd = m->serial_fd };
	p[FD_QMP] = (struct pollfd){ .fd = m->qmp_fd, .events = POLLIN };
	p[FD_QEMU] = (struct pollfd){ .fd = m->qemu_pidfd, .events = POLLIN };
	p[FD_STDIN] = (struct pollfd){ .fd = o->interactive ? STDIN_FILENO : -1, .events = POLLIN };
	if (o->interactive)
		raw = terminal_raw(&old_terminal);
	do
		rc = turn(r, p, err);
	while (rc == 0);
	show_status(r, true);
	if (raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &old_terminal);
	io_close_p(&signals);
	(void)sigprocmask(SIG_SETMASK, &old_signals, NULL);
	if (rc < 0 && r->off && r->step < s->n && !r->qmp.shutdown && !r->qmp.resets)
		rc = -EIO; /* qemu did not start or fell over */
	free(r);
	if (rc == 1)
		return RUN_DONE;
	if (rc == -EINTR)
		return RUN_STOPPED;
	return rc == -EIO || rc == -ENOMEM || rc == -EFBIG ? RUN_SYSTEM : RUN_FAILED;
}
