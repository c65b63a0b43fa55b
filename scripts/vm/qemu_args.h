// SPDX-License-Identifier: Apache-2.0
#ifndef VM_QEMU_ARGS_H
#define VM_QEMU_ARGS_H

#include "argv.h"
#include "config.h"
#include "lib/err.h"

/*
 * qemu_args - the command line of qemu-system-x86_64 for cfg, without its character devices.
 * dir is a temporary folder for disks that need another size; vars is the flash image of the
 * firmware's variables.
 */
int qemu_args(struct argv *a, const struct vm_config *cfg, const char *dir, const char *vars,
	      struct err *err);

#endif
