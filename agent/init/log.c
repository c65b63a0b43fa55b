// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"

void log_init(struct log *log, const char *name, bool console)
{
	memset(log, 0, sizeof(*log));
	log->name = name;
	log->console = console;
	log->pipe_fd = -1;
	log->file_fd = -1;
}

void log_attach(struct log *log, int pipe_fd)
{
	if (log->pipe_fd >= 0)
		(void)close(log->pipe_fd);
	log->pipe_fd = pipe_fd;
	log->line_used = 0;
	log->last[0] = '\0';
}

uint64_t log_due_ms(const struct log *log, uint64_t now_ms)
{
	uint64_t end = log->window_start_ms + LOG_WINDOW_MS;

	return log->window_used >= LOG_BURST_BYTES && now_ms < end ? end : 0;
}

static void open_file(struct log *log)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", LOG_DIR, log->name);
	log->file_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
	log->file_used = 0;
}

static void rotate(struct log *log)
{
	char path[64], old[64];

	(void)snprintf(path, sizeof(path), "%s/%s", LOG_DIR, log->name);
	(void)snprintf(old, sizeof(old), "%s/%s.1", LOG_DIR, log->name);
	log->lost_bytes += log->old_used;
	log->old_used = log->file_used;
	(void)close(log->file_fd);
	(void)rename(path, old);
	open_file(log);
}

static void store(struct log *log, const char *buf, size_t len)
{
	ssize_t n;

	if (log->file_fd < 0)
		open_file(log);
	else if (log->file_used + len > LOG_FILE_MAX)
		rotate(log);
	n = log->file_fd < 0 ? -1 : write(log->file_fd, buf, len);
	if (n > 0)
		log->file_used += (size_t)n;
	if (n < (ssize_t)len)
		log->lost_bytes += len - (n > 0 ? (size_t)n : 0);
}

static void to_console(const char *line, size_t len)
{
	char clean[LOG_LINE_MAX + 1];
	size_t i;

	/* No escape sequences from a service to a person's terminal. */
	for (i = 0; i < len; i++)
		clean[i] = line[i] >= ' ' && line[i] < 127 ? line[i] : '?';
	clean[len] = '\n';
	console_write(clean, len + 1);
}

static void end_line(struct log *log, uint64_t now_ms)
{
	static char out[LOG_LINE_MAX + 32];
	size_t len = log->line_used, copy;
	int head;

	log->line_used = 0;
	if (!len)
		return;
	head = snprintf(out, sizeof(out), "%llu.%03u ", (unsigned long long)(now_ms / 1000),
			(unsigned int)(now_ms % 1000));
	memcpy(out + head, log->line, len);
	out[(size_t)head + len] = '\n';
	store(log, out, (size_t)head + len + 1);
	if (log->console && len > 7 && !memcmp(log->line, "cairn: ", 7))
		to_console(log->line, len);
	copy = len < sizeof(log->last) ? len : sizeof(log->last) - 1;
	memcpy(log->last, log->line, copy);
	log->last[copy] = '\0';
}

static void take(struct log *log, const char *buf, size_t len, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			end_line(log, now_ms);
			continue;
		}
		if (log->line_used == sizeof(log->line))
			end_line(log, now_ms);
		log->line[log->line_used++] = buf[i];
	}
}

void log_read(struct log *log, uint64_t now_ms)
{
	static char buf[4096];

	if (log->pipe_fd < 0)
		return;
	if (now_ms - log->window_start_ms >= LOG_WINDOW_MS) {
		log->window_start_ms = now_ms;
		log->window_used = 0;
	}
	while (log->window_used < LOG_BURST_BYTES) {
		ssize_t n = read(log->pipe_fd, buf, sizeof(buf));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end_line(log, now_ms);
			(void)close(log->pipe_fd);
			log->pipe_fd = -1;
			return;
		}
		take(log, buf, (size_t)n, now_ms);
		log->window_used += (size_t)n;
	}
}

void log_drain(struct log *log, uint64_t now_ms)
{
	/* What a pipe holds is one burst, so that one reading sees all of it. */
	log->window_start_ms = now_ms;
	log->window_used = 0;
	log_read(log, now_ms);
	end_line(log, now_ms);
}

void log_note(struct log *log, uint64_t now_ms, const char *text)
{
	char keep[sizeof(log->last)];

	memcpy(keep, log->last, sizeof(keep));
	end_line(log, now_ms);
	take(log, "init: ", 6, now_ms);
	take(log, text, strlen(text), now_ms);
	end_line(log, now_ms);
	memcpy(log->last, keep, sizeof(keep));
}
