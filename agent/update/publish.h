// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_PUBLISH_H
#define CAIRN_UPDATE_PUBLISH_H

#include "main.h"

/*
 * What the service tells the rest of the machine (docs/update.md), as files that are replaced
 * whole: /run/cairn/update/status    key=value /run/cairn/update/history   the last attempts and
 * what is refused (lib/updatelog.h)
 */

/* publish_fill - the state as the control socket gives it. */
void publish_fill(const struct update *u, struct update_reply *r);
/* publish_write - the files, where they changed; at most twice a second. Returns when the next one
 * is due (ms, 0 none). */
uint64_t publish_write(struct update *u, uint64_t now_ms);

#endif
