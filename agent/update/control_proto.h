// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_CONTROL_PROTO_H
#define CAIRN_UPDATE_CONTROL_PROTO_H

#include <stdint.h>

#include "updatelog.h"

/*
 * What service update answers on UPDATE_SOCKET (AF_UNIX, SOCK_SEQPACKET). One message is one
 * struct below, of exactly its size, in host byte order: both ends are of one build. A connection
 * may ask any number of times.
 *
 *   UPDATE_OP_STATUS   answer: one update_reply whose counts say how many update_attempt and
 *                      update_refused messages follow
 *   any other op       answer: one update_reply; rc 0 means "taken", what comes of it is in the
 * status
 *
 * Who may: everyone may ask for the status. Orders are taken from root and from members of group
 * cairn-update; the kernel names the peer (SO_PEERCRED, SO_PEERGROUPS).
 */

#define UPDATE_SOCKET "/run/cairn/update.sock"
#define UPDATE_CONTROL_VERSION 1u

enum update_op {
	UPDATE_OP_STATUS = 1,
	UPDATE_OP_CHECK,    /* poll the channel now */
	UPDATE_OP_INSTALL,  /* text is the URL of a bundle; or with a descriptor: a bundle's file,
			     * and  text is its name for people. Window and age do not count */
	UPDATE_OP_ACTIVATE, /* try what is written now: restarts the machine */
	UPDATE_OP_ROLLBACK, /* back to the other slot, where that is good: restarts the machine */
	UPDATE_OP_MARK_BAD, /* the booted slot is not to be used any more: restarts likewise */
	UPDATE_OP_FORGET,   /* number is the release that may be tried again; 0 all of them */
	UPDATE_OP_PAUSE,    /* no polls and no installs by itself, over restarts too */
	UPDATE_OP_RESUME,
	UPDATE_OP_STOP,	 /* leave off what is being read or written */
	UPDATE_OP_RESET, /* factory reset: DATA is made anew; restarts the machine */
	UPDATE_OPS
};

#define UPDATE_KEEP_IDENTITY 1u /* flag of RESET: /data/cairn/identity stays */
#define UPDATE_ANY_RELEASE 2u	/* flag of INSTALL: an older release too, never below the floor */

struct update_request {
	uint32_t version; /* UPDATE_CONTROL_VERSION */
	uint32_t op;	  /* enum update_op */
	uint32_t flags;
	uint32_t reserved;
	uint64_t number;
	char text[512];
};

struct update_reply {
	uint32_t version;
	int32_t rc; /* 0, -EPERM, -EINVAL, -EBUSY no place for it now (why says which), ... */
	uint32_t attempts; /* messages that follow, the oldest first */
	uint32_t refuseds; /* ... and after them */
	char state[24];	   /* docs/update.md */
	uint32_t percent;  /* of the present step; 101: no step under way */
	uint32_t paused;   /* 1: by order */
	uint64_t speed_bytes_s;
	uint64_t done, total, fetched; /* bytes */
	uint64_t booted_release, release;
	char booted_version[UPDATELOG_VERSION_SIZE];
	char release_version[UPDATELOG_VERSION_SIZE]; /* offered, being written or written */
	uint32_t kind, source; /* enum updatelog_kind, updatelog_source of that */
	uint32_t failures;     /* in a row */
	uint32_t next_s;       /* until the state's timer is due; 0 none */
	char slot;	       /* booted: a, b; - not known */
	char primary;
	uint8_t known, marked; /* the boot state; this boot was marked good */
	uint8_t good[2], tries[2];
	char time[16]; /* of the last channel: current, unproven, expired, - */
	char channel[512];
	uint64_t sequence;
	int64_t created_s, expires_s;
	char what[32];		      /* of the last failure, or of health while it is watched */
	char why[UPDATELOG_WHY_SIZE]; /* of rc, or likewise */
};

struct update_attempt {
	uint32_t version;
	struct updatelog_attempt attempt;
};

struct update_refused {
	uint32_t version;
	struct updatelog_refused refused;
};

#endif
