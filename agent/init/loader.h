// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_LOADER_H
#define CAIRN_INIT_LOADER_H

#include "lib/servicefile.h"

#define LOADER_DIR "/etc/cairn/services"

/*
 * loader_load - read every NAME.conf in LOADER_DIR, at most SERVICE_MAX, and resolve their
 * links. A file that is refused gives a service with a `problem`, so that it is seen.
 * Returns how many there are. Takes no memory.
 */
size_t loader_load(struct service_conf ret_confs[static SERVICE_MAX]);

#endif
