// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_STATUS_H
#define CAIRN_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "updatelog.h"

/*
 * The state of the machine as one plain struct, the verdict on it, and its two forms for others:
 * the console line and the JSON document (docs/status.md). Pure: the agent fills it in.
 * Texts are NUL-terminated; an empty text is "not known".
 */

#define STATUS_FORMAT 1 /* of the JSON document; moves when a key changes its meaning or goes */
#define STATUS_SERVICES_MAX 32
#define STATUS_NAME_SIZE 24
#define STATUS_TEXT_SIZE 128
#define STATUS_WHY_SIZE 192
#define STATUS_PCRS 24
#define STATUS_JSON_SIZE 98304 /* bytes that hold every document with its NUL */
#define STATUS_LINE_SIZE 1536

enum status_health {
	STATUS_OK = 1,
	STATUS_STARTING,
	STATUS_FAILING, /* ended several times in a row and is tried again */
	STATUS_FAILED,	/* given up */
	STATUS_STOPPED, /* by order */
	STATUS_SKIPPED, /* does not belong to this boot */
};

struct status_service {
	char name[STATUS_NAME_SIZE];
	char state[STATUS_NAME_SIZE]; /* init's word for it */
	uint32_t health;	      /* enum status_health */
	bool critical;
	int32_t pid;	   /* 0: no process */
	uint32_t starts;   /* since boot */
	uint32_t failures; /* in a row */
	uint64_t since_ms; /* how long it has had this health */
	char reason[STATUS_TEXT_SIZE];
};

enum status_verity { STATUS_VERITY_NONE, STATUS_VERITY_OK, STATUS_VERITY_CORRUPT };
enum status_secureboot {
	STATUS_SECUREBOOT_UNSUPPORTED,
	STATUS_SECUREBOOT_OFF,
	STATUS_SECUREBOOT_ON
};
enum status_tpm { STATUS_TPM_ASKED, STATUS_TPM_NONE, STATUS_TPM_OK, STATUS_TPM_FAILED };
enum status_eventlog { STATUS_EVENTLOG_NONE, STATUS_EVENTLOG_MATCH, STATUS_EVENTLOG_MISMATCH };

/* What the part that holds the TPM found. */
struct status_measured {
	uint32_t tpm;			       /* enum status_tpm */
	uint32_t eventlog;		       /* enum status_eventlog */
	uint32_t events;		       /* in the log */
	uint32_t pcr_mask;		       /* bit n: pcr[n] was read */
	uint32_t mismatch_mask;		       /* bit n: the log says something else of PCR n */
	char vendor[8];			       /* of the TPM, as it names itself */
	char why[STATUS_TEXT_SIZE];	       /* why FAILED, or why there is no log */
	uint8_t pcr[STATUS_PCRS][SHA256_SIZE]; /* SHA-256 bank */
};

enum status_verdict_kind { STATUS_VERDICT_STARTING, STATUS_VERDICT_READY, STATUS_VERDICT_FAILED };

struct status_verdict {
	uint32_t kind; /* enum status_verdict_kind */
	char what[STATUS_NAME_SIZE +
		  8]; /* FAILED: root, data, tpm, service:NAME; STARTING: alike */
	char why[STATUS_WHY_SIZE];
};

/* What service update says (docs/update.md). */
struct status_update {
	char state[24];	  /* "": it has said nothing */
	uint64_t release; /* offered, being written, or written; 0 none */
	char version[64], kind[8], source[12];
	uint32_t percent; /* of the step under way; 101: none is */
	uint64_t speed_kib_s, fetched_bytes;
	char what[32], why[STATUS_WHY_SIZE];
	uint32_t failures; /* in a row */
	bool paused, marked;
	char primary[4];	    /* a, b, - */
	uint32_t good[2], tries[2]; /* of slot a, b */
	char channel[512], time[16];
	uint64_t sequence;
	int64_t created_s, expires_s; /* of the last channel read; 0 none */
	uint32_t attempts;
	struct updatelog_attempt attempt[UPDATELOG_ATTEMPTS]; /* oldest first */
};

struct status {
	/* Of the release and this boot: fixed while the agent runs. */
	char version[64];
	uint64_t release; /* its number; 0 not known */
	char variant[16]; /* production, dev */
	bool dev_keys;	  /* signed with the insecure development keys */
	char slot[2];	  /* a, b */
	char disk[64];
	uint32_t verity;
	char root_hash[2 * SHA256_SIZE + 1];
	uint32_t secureboot;
	bool setup_mode;
	/* Of now. */
	struct status_measured measured;
	uint32_t services;
	struct status_service service[STATUS_SERVICES_MAX];
	bool services_known; /* init has answered */
	char data_state[16], data_why[STATUS_WHY_SIZE];
	char data_encrypted[4];		    /* yes, no, - */
	char data_sealed[STATUS_TEXT_SIZE]; /* to what its key is sealed, for people */
	char net_state[16], net_if[16], net_addr4[64], net_addr6[64], net_dns[STATUS_TEXT_SIZE];
	char net_config[16], net_problem[STATUS_WHY_SIZE];
	char time_state[16], time_servers[STATUS_TEXT_SIZE];
	uint32_t time_stratum; /* 0: not known */
	int64_t time_offset_us;
	int64_t wall_s;	    /* Unix time by this machine's clock */
	uint64_t uptime_ms; /* since kernel start */
	uint64_t ready_ms;  /* kernel start to the first READY; 0: not yet */
	/* used: what nothing but its owner can give back (docs/status.md); available: the kernel's
	 * MemAvailable. */
	uint32_t mem_total_kib, mem_used_kib, mem_available_kib;
	uint32_t watchdog_s; /* hardware watchdog's time; 0: none */
	struct status_verdict verdict;
	struct status_update update;
};

/*
 * status_judge - the verdict on what is known. A service that is not up is waited for until
 * deadline_ms; one that fails again and again, and a part of the machine that is broken, are
 * failures at once. The machine is ready when nothing is left to wait for.
 */
void status_judge(const struct status *s, uint64_t deadline_ms, struct status_verdict *ret_verdict);

/* status_counts - services that are up, of those that belong to this boot. */
void status_counts(const struct status *s, uint32_t *ret_up, uint32_t *ret_all);

/*
 * status_line - the console line `cairn: ready ...` or `cairn: failed ...` with its newline;
 * empty while STARTING. Returns its length.
 */
size_t status_line(const struct status *s, char ret_line[static STATUS_LINE_SIZE]);

#define STATUS_VERDICT_TEXT_SIZE 512

/*
 * status_verdict_text - the verdict as key=value for other services: state=, what=, why=, tpm=.
 * Returns its length.
 */
size_t status_verdict_text(const struct status *s, char ret_text[static STATUS_VERDICT_TEXT_SIZE]);

/* status_json - the document, ends with a newline. Returns its length, or -errno of json_end. */
int status_json(const struct status *s, char ret_text[static STATUS_JSON_SIZE]);

#endif
