// SPDX-License-Identifier: Apache-2.0
#ifndef VM_TPM_H
#define VM_TPM_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * tpm_start - a software TPM 2.0 (swtpm) with a SHA-256 bank and an EK certificate.
 * state_dir keeps its state over runs and is made when missing; NULL: below dir, thrown away.
 * The certificate comes from a private CA in $CAIRN_CACHE/vm-ca, made when missing.
 * ret_fd is the control channel to hand to qemu; the caller closes it.
 */
int tpm_start(const char *dir, const char *state_dir, pid_t *ret_pid, int *ret_fd, struct err *err);

#endif
