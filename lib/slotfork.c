// SPDX-License-Identifier: Apache-2.0
#include "slotfork.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "slotverify.h"

/* To the reader: so much of a target is durable. */
struct told {
	uint64_t target, bytes;
};

/* From it: how far it is, or, with last, what came of it. */
struct heard {
	uint64_t done, total;
	int32_t last, rc;
	struct err err;
};

/* --- the process that reads back --- */

struct reader {
	int told_fd, heard_fd;
	struct told durable;
	uint64_t reported;
};

static bool covers(const struct told *t, size_t target, uint64_t bytes)
{
	return t->target > target || (t->target == target && t->bytes >= bytes);
}

static int wait_durable(void *ctx, size_t target, uint64_t bytes)
{
	struct reader *r = ctx;

	while (!covers(&r->durable, target, bytes)) {
		ssize_t n = read(r->told_fd, &r->durable, sizeof(r->durable));

		if (n < 0 && errno == EINTR)
			continue;
		/* The writer is gone: nobody is left to tell. */
		if (n != (ssize_t)sizeof(r->durable))
			return -EPIPE;
	}
	return 0;
}

/* Often enough for a person, too seldom to fill a pipe that nobody reads for a while. */
static int tell_progress(void *ctx, enum slotwrite_phase phase, uint64_t done, uint64_t total)
{
	struct reader *r = ctx;
	struct heard h = { .done = done, .total = total };

	(void)phase;
	if (done != total && done - r->reported < total / 64)
		return 0;
	r->reported = done;
	return io_write(r->heard_fd, &h, sizeof(h));
}

static _Noreturn void read_back(const struct slotwrite_job *job, int told_fd, int heard_fd)
{
	struct slotverify *v = aligned_alloc(4096, (sizeof(*v) + 4095) / 4096 * 4096);
	struct reader r = { .told_fd = told_fd, .heard_fd = heard_fd };
	struct slotwrite_job mine = *job;
	struct heard h = { .last = 1 };

	mine.progress = tell_progress;
	mine.progress_ctx = &r;
	h.rc = v ? slotverify_run(v, &mine, wait_durable, &r, &h.err)
		 : err_set(&h.err, -ENOMEM, "no memory to read back");
	_exit(io_write(heard_fd, &h, sizeof(h)) ? 1 : 0);
}

/* --- the process that writes --- */

static void durable(void *ctx, size_t target, uint64_t bytes)
{
	const struct slotfork *f = ctx;
	const struct told t = { target, bytes };

	/* That it is gone is found out at the end. */
	(void)io_write(f->told_fd, &t, sizeof(t));
}

static int finish(void *ctx, const struct slotwrite_job *job, struct err *err)
{
	const struct slotfork *f = ctx;

	for (;;) {
		struct heard h = { 0 };
		size_t have = 0;
		int rc;

		while (have < sizeof(h)) {
			ssize_t n = read(f->heard_fd, (uint8_t *)&h + have, sizeof(h) - have);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return err_set(err, -EIO, "the process that reads back is gone");
			have += (size_t)n;
		}
		if (h.last) {
			h.err.msg[sizeof(h.err.msg) - 1] = '\0';
			return h.rc ? err_set(err, h.rc, "%s", h.err.msg) : 0;
		}
		rc = job->progress
			     ? job->progress(job->progress_ctx, SLOTWRITE_VERIFY, h.done, h.total)
			     : 0;
		if (rc)
			return err_sys(err, rc, "stopped");
	}
}

int slotfork_start(struct slotfork *f, struct slotwrite_job *job, const int *close_fds,
		   size_t count)
{
	int told[2], heard[2], rc;
	size_t i;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	if (pipe2(heard, O_CLOEXEC)) {
		rc = -errno;
		(void)close(told[0]);
		(void)close(told[1]);
		return rc;
	}
	f->pid = fork();
	rc = f->pid < 0 ? -errno : 0;
	if (f->pid == 0) {
		(void)close(told[1]);
		(void)close(heard[0]);
		for (i = 0; i < count; i++)
			(void)close(close_fds[i]);
		(void)signal(SIGPIPE, SIG_IGN);
		read_back(job, told[0], heard[1]);
	}
	(void)close(told[0]);
	(void)close(heard[1]);
	f->told_fd = told[1];
	f->heard_fd = heard[0];
	if (rc) {
		(void)close(f->told_fd);
		(void)close(f->heard_fd);
		return rc;
	}
	f->beside = (struct slotwrite_beside){ f, durable, finish };
	job->beside = &f->beside;
	return 0;
}

void slotfork_stop(struct slotfork *f)
{
	(void)close(f->told_fd);
	(void)close(f->heard_fd);
	(void)kill(f->pid, SIGKILL);
	while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
