// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SLOTFORK_H
#define CAIRN_SLOTFORK_H

#include <sys/types.h>

#include "err.h"
#include "slotwrite.h"

/*
 * slotverify in a process of its own, beside the writing: it is told how far the medium is, and
 * tells how far it is and what it found. It ends with the process that started it.
 */
struct slotfork {
	struct slotwrite_beside beside; /* for the job; its ctx is this struct: do not copy */
	pid_t pid;
	int told_fd, heard_fd;
};

/*
 * slotfork_start - before slotwrite_run, and before much memory is in use; sets job->beside.
 * close_fds, which may be empty, are the descriptors that it must not keep open.
 * Errors: of fork(2) and pipe(2): slotwrite_run then reads back by itself at the end.
 */
int slotfork_start(struct slotfork *f, struct slotwrite_job *job, const int *close_fds,
		   size_t count);

/* slotfork_stop - end it, whatever it does; needed after each start that returned 0. */
void slotfork_stop(struct slotfork *f);

#endif
