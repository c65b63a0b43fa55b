// SPDX-License-Identifier: Apache-2.0
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "lib/err.h"

/* A running QEMU with its TPM. Fields are -1 (fds) and 0 (pids) while there is none. */
struct machine {
	char dir[64]; /* temporary folder: variables, TPM state, padded disks; removed at the end */
	pid_t swtpm, qemu;
	int qemu_pidfd; /* readable when qemu ended */
	int serial_fd;	/* the console, non-blocking */
	int qmp_fd;	/* QEMU's control socket */
	int record_fd;	/* the log of the first disk that has one */
};

void machine_init(struct machine *m);
/*
 * machine_start - start the TPM and QEMU as cfg says. Children die with this process.
 * On failure nothing is left running; call machine_release either way.
 */
int machine_start(struct machine *m, const struct vm_config *cfg, struct err *err);
/* machine_end - end both, by their own process ids; returns qemu's wait status or -1. */
int machine_end(struct machine *m);
/* machine_kill - the power goes: QEMU ends in the middle of whatever it does. */
void machine_kill(const struct machine *m);
/* machine_writes - entries in the log of the first recorded disk; 0 where there is none. */
uint64_t machine_writes(const struct machine *m);
/* machine_complaints - what qemu and the TPM wrote to their standard error, to fd. */
void machine_complaints(const struct machine *m, int fd);
void machine_release(struct machine *m);

#endif
