// SPDX-License-Identifier: Apache-2.0
#ifndef VM_QMP_H
#define VM_QMP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define QMP_LINE_MAX 65536

/*
 * QEMU's control protocol (QMP): one JSON object a line. Only what the runner needs is looked
 * at: answers come in the order of the commands, and the events RESET and SHUTDOWN.
 */
struct qmp {
	int fd; /* non-blocking; owned by the caller */
	unsigned int sent, answered;
	unsigned int resets; /* of the guest's own doing, or a watchdog's */
	bool shutdown;	     /* the guest switched off (not: reset under -no-reboot) */
	bool ready;	     /* negotiated */
	bool last_failed;    /* the last answer was an error */
	char last[512];	     /* the last answer's start, for a person */
	size_t used;
	char line[QMP_LINE_MAX];
};

void qmp_init(struct qmp *q, int fd);
/* qmp_read - take what is there. Errors: -EPIPE qemu closed it, -EMSGSIZE, or of read(2). */
int qmp_read(struct qmp *q, struct err *err);
/* qmp_send - send one command (an object without line breaks). Returns 0 or -errno. */
int qmp_send(struct qmp *q, const char *json, struct err *err);
/* qmp_keys - press keys by qemu's names, joined by `-`: "ctrl-alt-delete". */
int qmp_keys(struct qmp *q, const char *names, struct err *err);

#endif
