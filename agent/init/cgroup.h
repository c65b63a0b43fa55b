// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_CGROUP_H
#define CAIRN_INIT_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/servicefile.h"

/*
 * One cgroup v2 a service, /sys/fs/cgroup/cairn/NAME: what it starts, however often it forks,
 * stays in there, is bounded together and can be killed at one stroke.
 */

/* cgroup_setup - make /sys/fs/cgroup/cairn and hand its controllers down. Once. */
void cgroup_setup(void);

/* cgroup_prepare - make the group of a service and set its limits. 0 or -errno. */
int cgroup_prepare(const struct service_conf *conf);

/* cgroup_enter - move the calling process into it. 0 or -errno. */
int cgroup_enter(const char *name);

/*
 * cgroup_kill - SIGKILL to everything in it. pid is the service's main process, or 0: where the
 * kernel gives no cgroup, its session is what can be reached.
 */
void cgroup_kill(const char *name, pid_t pid);

/* cgroup_empty - is no process left in it? */
bool cgroup_empty(const char *name);

#endif
