// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_MAIN_H
#define CAIRN_UPDATE_MAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/core/notify.h"
#include "control_proto.h"
#include "health.h"
#include "proto.h"
#include "records.h"
#include "source.h"
#include "stick.h"
#include "trust.h"
#include "updateconf.h"
#include "updateplan.h"
#include "updatetime.h"

/* What the files of the main part share. main.c owns it all; policy.c decides. */

#define MAIN_RUN_DIR "/run/cairn/update"
#define MAIN_STATE_DIR "/data/cairn/update"

/* main_now_ms - CLOCK_BOOTTIME: time asleep counts. */
uint64_t main_now_ms(void);
/* main_wall_s - Unix seconds by this machine's clock. */
int64_t main_wall_s(void);

/* Of the running release: /etc/cairn/release and the signed command line. */
struct main_release {
	uint64_t release, floor;
	char version[UPDATELOG_VERSION_SIZE];
	char compatible[CHANNEL_WORD_SIZE];
	char architecture[CHANNEL_WORD_SIZE];
	int64_t build_s;
	bool has_root;
	uint8_t root[SHA256_SIZE];
	char disk[32]; /* kernel's name of the disk */
};

/* What is being looked at, written, or is written. */
struct main_job {
	enum updatelog_source source;
	struct source_config config; /* where it is read from */
	int fd;			     /* of SOURCE_FD; -1 */
	bool any_release;	     /* an older one too, by order */
	bool forced;		     /* the window does not count */
	uint64_t release;
	char version[UPDATELOG_VERSION_SIZE];
	enum updatelog_kind kind;
	uint8_t full[SHA256_SIZE], delta[SHA256_SIZE]; /* manifests */
	bool has_full, has_delta;
	uint64_t since_ms;
};

struct main_speed {
	uint64_t at_ms, fetched;
	uint64_t bytes_s;
};

struct update {
	const char *run_dir;   /* MAIN_RUN_DIR but in tests */
	const char *time_file; /* what timed says */
	struct notify notify;
	int signal_fd, writer_fd, fetch_fd, stick_fd, listen_fd;
	pid_t writer, fetch, health_pid, stick;
	struct updateconf conf;
	struct main_release own;
	struct records rec;
	struct trust trust;
	struct updatetime time;
	uint64_t floor_saved_ms;
	/* the plan */
	enum updateplan_state state;
	uint64_t timer_ms; /* of the state; 0 none */
	struct updateplan_boot boot;
	struct writer_bootstate boot_raw;
	bool marked; /* this boot was marked good */
	bool tried_stage1;
	bool polled;		  /* in this life */
	uint64_t no_delta_for;	  /* release whose delta did not apply in this life */
	uint32_t failures;	  /* in a row */
	struct main_job job;	  /* release 0: none */
	uint64_t written_release; /* read back, not tried */
	uint32_t manifest_len;	  /* its signed manifest */
	uint8_t manifest[SIGNED_MAX];
	uint64_t seal_again_ms; /* service trust does not know yet that this boot is good; 0 */
	bool probing;		/* the channel is read for health only */
	struct source source;
	struct health health;
	struct writer_report progress; /* the last one of the order under way */
	struct main_speed speed;
	/* of the last channel taken */
	enum updatetime_verdict channel_time;
	bool has_channel;
	int64_t created_s, expires_s;
	/* of the last failure */
	char what[HEALTH_WHAT_SIZE], why[UPDATELOG_WHY_SIZE];
	struct stick_found stick_found; /* version 0: none waits */
	bool stick_used;		/* the job reads from it */
	bool dirty;			/* the published status is old */
};

#endif
