// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_SUPERVISOR_H
#define CAIRN_INIT_SUPERVISOR_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto.h"

/*
 * The services of the machine: lib/service decides, this carries out. Everything lies in
 * static tables; nothing is taken from the heap.
 */

/* supervisor_load - read /etc/cairn/services and prepare each service. Once. */
void supervisor_load(const char *cmdline);

/*
 * supervisor_tick - start what may start, end what is overdue.
 * Returns when to call again at the latest (clock_boot_ms), 0: nothing is due.
 */
uint64_t supervisor_tick(uint64_t now_ms);

/* supervisor_ended - a child was reaped; whether it was a service's main process or an orphan. */
void supervisor_ended(pid_t pid, int wait_status, uint64_t now_ms);

/*
 * supervisor_poll_fill - add what is to be polled; returns how many. At most SUPERVISOR_FDS.
 * supervisor_poll_take - act on the answer; the same array.
 */
#define SUPERVISOR_FDS 64
size_t supervisor_poll_fill(struct pollfd *fds, uint64_t now_ms);
void supervisor_poll_take(const struct pollfd *fds, size_t count, uint64_t now_ms);

/* supervisor_order - START, STOP or RESTART by name. 0, -ENOENT, -EBUSY while stopping. */
int supervisor_order(enum init_op op, const char *name, uint64_t now_ms);

/* supervisor_vital_late - the name of a service that was not well for its vital_ms, or NULL. */
const char *supervisor_vital_late(uint64_t now_ms);

/* supervisor_may_order - root, and users of services with `orders=yes`. */
bool supervisor_may_order(uid_t uid);

/*
 * supervisor_stop_all - from now on nothing starts, and services end in the reverse order of
 * their needs. supervisor_stopped: no service has a process any more.
 */
void supervisor_stop_all(uint64_t now_ms);
bool supervisor_stopped(void);
/* supervisor_name_alive - the names of services that still have a process, for a person. */
void supervisor_name_alive(char *ret_text, size_t max);

/* supervisor_count, supervisor_describe - for INIT_OP_STATUS; index below the count. */
size_t supervisor_count(void);
void supervisor_describe(size_t index, uint64_t now_ms, struct init_service *ret);

#endif
