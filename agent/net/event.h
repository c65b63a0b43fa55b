// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NET_EVENT_H
#define CAIRN_NET_EVENT_H

#include <stdint.h>

#include "lease.h"

/*
 * What net-event, the event program of busybox's network clients, says to the daemon that
 * started the client. One message, one struct, host byte order: both are of one build.
 */

#define NET_EVENT_VERSION 1

enum net_event_kind {
	NET_EVENT_LEASE = 1,
	NET_EVENT_TIME,
};

struct net_event_time {
	uint32_t stepped;  /* 1: the clock jumped */
	uint32_t synced;   /* 1: it follows a server */
	uint32_t stratum;  /* of this machine, 1 to 16; 16: not synchronised */
	uint32_t poll_s;   /* seconds between questions */
	int64_t offset_us; /* last seen, server's minus ours */
	int64_t drift_ppm; /* of this machine's clock */
};

struct net_event {
	uint32_t version;
	uint32_t kind;
	struct lease lease;
	struct net_event_time time;
};

#endif
