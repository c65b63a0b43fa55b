// SPDX-License-Identifier: Apache-2.0
#ifndef VM_SPAWN_H
#define VM_SPAWN_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * spawn - start a program (argv[0] through PATH) that dies when this process does, even when
 * this one is killed. It gets the fds in keep, no input, and its output in dir/log; TMPDIR is
 * dir. Errors: -errno of fork or of exec.
 */
int spawn(char *const *argv, const int *keep, int n_keep, const char *dir, const char *log,
	  pid_t *ret_pid, struct err *err);

/* spawn_wait - run a program to its end. Errors: as spawn, -EIO it did not exit with 0. */
int spawn_wait(char *const *argv, const char *dir, const char *log, struct err *err);

#endif
