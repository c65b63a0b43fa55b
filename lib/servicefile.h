// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SERVICEFILE_H
#define CAIRN_SERVICEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * The file of a service: /etc/cairn/services/NAME.conf, at most SERVICEFILE_MAX bytes, lines
 * of `key=value`, `#` begins a comment line. docs/init.md describes each key. A key that is
 * unknown, twice there or out of its range is an error: a file is either understood or refused.
 */

#define SERVICEFILE_MAX 4096
#define SERVICE_MAX 32	    /* services of a machine; their sets are 32-bit masks */
#define SERVICE_NAME_MAX 24 /* with NUL; [a-z0-9-], begins with a letter */
#define SERVICE_ARGS_MAX 16 /* words of the command */
#define SERVICE_LINKS_MAX 8 /* names in needs, in after */
#define SERVICE_GROUPS_MAX 8
#define SERVICE_TEXT_MAX 512 /* words of the command with their NULs */

enum service_type {
	SERVICE_SIMPLE,	 /* up as soon as it runs */
	SERVICE_ONESHOT, /* up when it has ended well */
	SERVICE_NOTIFY,	 /* up when it says READY=1 */
};

enum service_restart {
	SERVICE_RESTART_ALWAYS,
	SERVICE_RESTART_ON_FAILURE,
	SERVICE_RESTART_NO,
};

struct service_conf {
	char name[SERVICE_NAME_MAX];
	char text[SERVICE_TEXT_MAX];	 /* the words, one after the other */
	uint16_t argv[SERVICE_ARGS_MAX]; /* where each begins in text */
	uint16_t argc;
	char user[SERVICE_NAME_MAX];
	char groups[SERVICE_GROUPS_MAX][SERVICE_NAME_MAX]; /* "" ends the list */
	char needs[SERVICE_LINKS_MAX][SERVICE_NAME_MAX];
	char after[SERVICE_LINKS_MAX][SERVICE_NAME_MAX];
	char condition[48];		    /* cmdline:KEY or !cmdline:KEY, or empty */
	char runtime_dir[SERVICE_NAME_MAX]; /* below /run, made for user; or empty */
	char state_dir[SERVICE_NAME_MAX];   /* below /data, made for user; or empty */
	char tty[32]; /* /dev/NAME: becomes stdin, stdout, stderr and controlling; or empty */
	enum service_type type;
	enum service_restart restart;
	uint32_t backoff_ms, max_backoff_ms; /* doubles from one to the other */
	uint32_t reset_ms;		     /* a life as long as this ends the row of failures */
	uint32_t start_timeout_ms;	     /* 0: none */
	uint32_t stop_timeout_ms;	     /* 1..60000 */
	uint32_t watchdog_ms;		     /* 0: none */
	uint32_t vital_ms; /* not well for so long: init restarts the machine; 0: never */
	uint64_t memory_max_bytes;
	uint32_t pids_max;
	uint32_t nofile;
	uint64_t capabilities; /* bit n is capability n (linux/capability.h) */
	int32_t oom_score_adj;
	int32_t nice;
	bool no_new_privs;
	bool critical;
	bool console; /* its lines that begin with `cairn: ` go to the console too */
	bool orders;  /* its user may order a reboot and the like */
	/* Filled by servicefile_resolve: bit i is service i of the set. */
	uint32_t needs_mask, after_mask;
	char problem[128]; /* why this service cannot run, one sentence; or empty */
};

/*
 * servicefile_parse - read one file. name is that of the file without `.conf`.
 * ret_conf has every default filled in. On failure ret_conf holds only the name.
 * Errors: -EINVAL with the line's number in err, -EFBIG.
 */
int servicefile_parse(const char *name, const uint8_t *buf, size_t len,
		      struct service_conf *ret_conf, struct err *err);

/*
 * servicefile_resolve - turn the names in needs and after into masks. A service that needs one
 * that does not exist or cannot run, or that is part of a circle, gets a `problem` that names
 * it; the others are untouched by that. Names in after that do not exist are no problem.
 * count is at most SERVICE_MAX. Returns the number of services with a problem.
 */
size_t servicefile_resolve(struct service_conf *confs, size_t count);

/* servicefile_name_ok - is it a service's, user's or group's name as this file wants it? */
bool servicefile_name_ok(const char *name);

/* service_capability - number of "CAP_NAME", or -1. */
int service_capability(const char *name);

#endif
