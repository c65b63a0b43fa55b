// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_SPAWN_H
#define CAIRN_INIT_SPAWN_H

#include <sys/types.h>

#include "lib/servicefile.h"

/* Who a service runs as; looked up once at start-up. */
struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[SERVICE_GROUPS_MAX];
	size_t group_count;
};

/* spawn_identify - look the names of conf up. -ENOENT with the name in err. */
int spawn_identify(const struct service_conf *conf, struct identity *ret_id, struct err *err);

struct spawned {
	pid_t pid;
	int log_fd;    /* read ends, non-blocking; -1: none (a service with a tty has no log) */
	int notify_fd; /* -1: the service was given no NOTIFY_FD */
};

/*
 * spawn - start the process of a service in its cgroup, with its limits and rights and nothing
 * else: a new session, no inherited descriptors, a fixed environment. What fails between fork
 * and exec is said through the log pipe, and the child ends with 127.
 * Errors: -errno of pipe2 or fork; nothing is left open then.
 */
int spawn(const struct service_conf *conf, const struct identity *id, struct spawned *ret);

#endif
