// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_SHUTDOWN_H
#define CAIRN_INIT_SHUTDOWN_H

#include <stdint.h>

#include "proto.h"

/* How long all services together may take; each has its own stop_timeout_ms below that. */
#define SHUTDOWN_SERVICES_MS 60000
/* How long writing out and unmounting may take before the machine restarts without it. */
#define SHUTDOWN_DISK_MS 20000

/*
 * shutdown_finish - the services have ended or had their time. Kills what is left, writes out,
 * unmounts DATA, and restarts or powers off. Nothing that hangs holds it, and the watchdogs
 * stay armed to the end. Does not return.
 */
_Noreturn void shutdown_finish(enum init_op order);

#endif
