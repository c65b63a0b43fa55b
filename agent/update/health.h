// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_HEALTH_H
#define CAIRN_UPDATE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/core/initclient.h"
#include "err.h"

/*
 * Is the machine healthy? Asked again and again until it is (docs/update.md has the list):
 *
 *   services   init says that all services of this boot are up
 *   watchdog   armed, where the machine has one; init's answer shows that its loop, which feeds
 *              it, goes round
 *   agent      its verdict is ready: root checked, TPM answers, DATA usable
 *   data       a file on DATA is written, flushed and read back
 *   channel    only where required: it can be read and believed
 *   NAME       the integrator's programs, one after another, by the health part
 */

#define HEALTH_WHAT_SIZE 32
#define HEALTH_WHY_SIZE 192
#define HEALTH_DIR "/usr/libexec/cairn/health.d"
#define HEALTH_VERSION 1u

/* main -> health part: run them all. */
struct health_ask {
	uint32_t version;
	uint32_t limit_ms; /* for all of them together */
};

/* health part -> main: one when all have ended or one has failed. */
struct health_answer {
	uint32_t version;
	int32_t rc; /* 0: all well */
	uint32_t ran;
	char what[HEALTH_WHAT_SIZE]; /* the program that failed */
	char why[HEALTH_WHY_SIZE];   /* the last line it wrote to stderr, or how it ended */
};

/* health_run - the part's body, as the others of agent/update/parts.h. */
int health_run(int main_fd);

enum health_step {
	HEALTH_OFF,
	HEALTH_LOOK,	/* services, watchdog, agent, data */
	HEALTH_CHANNEL, /* the owner reads the channel and says how it went */
	HEALTH_PROGRAMS,
	HEALTH_PASSED,
};

struct health {
	enum health_step step;
	bool require_channel;
	uint64_t until_ms;     /* end of the window, 0: none */
	uint64_t next_ms;      /* when to look again */
	uint64_t asked_ms;     /* programs are running since; 0 */
	int part_fd;	       /* -1: the part has ended */
	const char *probe;     /* the file on DATA */
	const char *verdict;   /* what the agent says */
	const char *watchdogs; /* folder of the kernel's watchdogs */
	struct initclient init;
	struct status status;				   /* services and watchdog, as init says */
	char what[HEALTH_WHAT_SIZE], why[HEALTH_WHY_SIZE]; /* of the last look that failed */
};

/* health_begin - watch from now; window_s 0: without an end. */
void health_begin(struct health *h, uint32_t window_s, bool require_channel, uint64_t now_ms);
void health_end(struct health *h);

enum health_result {
	HEALTH_NOT_YET,
	HEALTH_WANTS_CHANNEL, /* call health_channel when it has been read; said once a look */
	HEALTH_IS_GOOD,
	HEALTH_WINDOW_OVER, /* what and why say of the last look */
};

/* health_turn - one round: call it when init or the part have said something, or next_ms is due. */
enum health_result health_turn(struct health *h, uint64_t now_ms);
/* health_news - init has answered, or its connection ended. */
void health_news(struct health *h, uint64_t now_ms);
/* health_channel - how reading it went; why NULL: well. */
void health_channel(struct health *h, const char *why, uint64_t now_ms);
/* health_part - what the part answered. Errors (< 0): it is lost. */
int health_part(struct health *h, uint64_t now_ms);

#endif
