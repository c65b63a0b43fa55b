// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_LOG_H
#define CAIRN_INIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a service prints: /run/log/NAME and, when that is full, /run/log/NAME.1, LOG_FILE_MAX
 * bytes each; older text is gone and counted. A line is "<seconds since boot>.<ms> text".
 * A service that prints more than LOG_BURST_BYTES in LOG_WINDOW_MS is made to wait in its own
 * write: it slows down itself and nobody else, and nothing waits for ever.
 */
#define LOG_DIR "/run/log"
#define LOG_FILE_MAX 65536
#define LOG_LINE_MAX 1024 /* longer lines are cut into several */
#define LOG_WINDOW_MS 100
#define LOG_BURST_BYTES 32768

struct log {
	const char *name;	    /* the service's; not owned */
	bool console;		    /* lines that begin with "cairn: " go to the console too */
	int pipe_fd;		    /* what the service writes to; -1: none */
	int file_fd;		    /* /run/log/NAME; -1: none */
	size_t file_used, old_used; /* bytes in NAME and in NAME.1 */
	uint64_t lost_bytes;
	uint64_t window_start_ms;
	size_t window_used;
	size_t line_used;
	char line[LOG_LINE_MAX];
	char last[96]; /* the last line that was not empty, for "why" */
};

/* log_init - no pipe yet; console as above. */
void log_init(struct log *log, const char *name, bool console);

/* log_attach - take over the read end of a new life's pipe; closes the old one. */
void log_attach(struct log *log, int pipe_fd);

/* log_due_ms - when the pipe is to be read again, 0: now. Not polled before that. */
uint64_t log_due_ms(const struct log *log, uint64_t now_ms);

/* log_read - take what is there, within the bound. Closes the pipe at its end. */
void log_read(struct log *log, uint64_t now_ms);

/* log_drain - the last words of a process that ended; then the half line that is left. */
void log_drain(struct log *log, uint64_t now_ms);

/* log_note - a line of init's own about the service. */
void log_note(struct log *log, uint64_t now_ms, const char *text);

#endif
