// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NET_PLACE_H
#define CAIRN_NET_PLACE_H

#include "err.h"

/*
 * Start-up that netd and timed share, done as root: a folder of the daemon's own below the run
 * folder, links to its files where others look for them, and its signals as a descriptor.
 */

struct place {
	const char *run_dir;
	char name[16];
	char dir[128]; /* run_dir/name, the user's */
};

int place_init(struct place *p, const char *run_dir, const char *name, const char *user,
	       struct err *err);
/* place_link - run_dir/file leads to our file of that name. */
int place_link(const struct place *p, const char *file, struct err *err);
/* place_point - a symbolic link that is right after this, whatever was there. */
int place_point(const char *link, const char *target, struct err *err);
/* place_signals - TERM, INT, HUP and CHLD come as signalfd; PIPE is ignored. */
int place_signals(int *ret_fd, struct err *err);

#endif
