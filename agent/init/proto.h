// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_PROTO_H
#define CAIRN_INIT_PROTO_H

#include <stdint.h>

/*
 * What init answers on INIT_SOCKET (AF_UNIX, SOCK_SEQPACKET). One message is one struct below,
 * of exactly its size, in host byte order: both ends are of one build on one machine, and a
 * message of another size or version is refused. A connection may ask any number of times.
 *
 *   INIT_OP_STATUS    answer: one init_reply whose count is n, then n init_service messages
 *   any other op      answer: one init_reply
 *
 * Who may: everyone may ask for the status. Orders are taken from root and from the users of
 * services whose file says `orders=yes`; the kernel names the peer (SO_PEERCRED).
 * init keeps INIT_CLIENTS connections and closes one that has asked nothing for 10 s.
 */

#define INIT_SOCKET "/run/cairn/init.sock"
#define INIT_PROTO_VERSION 1
#define INIT_NAME_MAX 24    /* a service's name with its NUL */
#define INIT_REASON_MAX 128 /* one sentence with its NUL */
#define INIT_CLIENTS 8

enum init_op {
	INIT_OP_STATUS = 1,
	INIT_OP_START,
	INIT_OP_STOP,
	INIT_OP_RESTART,
	INIT_OP_REBOOT,
	INIT_OP_POWEROFF,
};

struct init_request {
	uint32_t version;	  /* INIT_PROTO_VERSION */
	uint32_t op;		  /* enum init_op */
	char name[INIT_NAME_MAX]; /* service of START, STOP, RESTART; else zero */
};

enum init_phase {
	INIT_PHASE_RUNNING = 1,
	INIT_PHASE_STOPPING, /* a shutdown is on its way */
};

enum init_watchdog {
	INIT_WATCHDOG_NONE = 0, /* the machine has none */
	INIT_WATCHDOG_ARMED,
};

struct init_reply {
	uint32_t version;
	int32_t rc;	   /* 0, or -EPERM, -EINVAL, -ENOENT no such service, -EBUSY stopping */
	uint32_t count;	   /* init_service messages that follow */
	uint32_t phase;	   /* enum init_phase */
	uint32_t watchdog; /* enum init_watchdog */
	uint32_t watchdog_timeout_s;
	uint64_t uptime_ms;	/* since kernel start (CLOCK_BOOTTIME) */
	uint64_t init_start_ms; /* when PID 1 of the root began, same clock */
};

/* What a person wants to know of a service; its state in detail is beside it. */
enum init_health {
	INIT_HEALTH_OK = 1,   /* up, or a oneshot that is done */
	INIT_HEALTH_STARTING, /* waiting for its needs, or not ready yet */
	INIT_HEALTH_FAILING,  /* has failed at least 3 times in a row and is tried again */
	INIT_HEALTH_FAILED,   /* given up, or its file is wrong */
	INIT_HEALTH_STOPPED,  /* by order */
	INIT_HEALTH_SKIPPED,  /* its condition does not hold in this boot: not counted */
};

struct init_service {
	uint32_t version;
	char name[INIT_NAME_MAX];
	uint32_t state;		      /* enum service_state (lib/service.h) */
	uint32_t health;	      /* enum init_health */
	uint32_t critical;	      /* 1: the machine is not ready without it */
	int32_t pid;		      /* 0 when no process */
	uint32_t starts;	      /* processes started since boot */
	uint32_t failures;	      /* in a row */
	int32_t exit_status;	      /* of the last end, as waitpid(2) gives it; -1 never ended */
	uint32_t retry_in_ms;	      /* until the next start, 0 when none is due */
	uint64_t up_ms;		      /* how long it has been in its state */
	uint64_t log_lost_bytes;      /* rotated away or not stored */
	char reason[INIT_REASON_MAX]; /* why it is not OK, one sentence; empty when OK */
};

#endif
