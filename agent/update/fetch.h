// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_FETCH_H
#define CAIRN_UPDATE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "agent/update/proto.h"
#include "err.h"
#include "httprange.h"

/*
 * The fetch part from the inside. fetch.c speaks to main and the writer and owns the loop;
 * fetch_http.c carries one READ over as many connections as it takes; fetch_file.c reads it from a
 * stick. Bytes go through one slice an asker: while the asker's socket is full nothing is read
 * from the network, so the memory is the same for any object.
 */

/* READs of one asker that are known, the one under way included; more wait in its socket. */
#define FETCH_QUEUE 4
#define FETCH_WHOLE_MAX (1u << 20) /* bytes of an object that is read to its end */
#define FETCH_HEAD_MAX 16384	   /* bytes of an answer's header lines */
#define FETCH_HEAD_LINES 64
#define FETCH_BODY_IGNORED 65536   /* bytes of a redirect's or an error's body */
#define FETCH_PROGRESS (64u << 10) /* new bytes after which a lost link is a first one again */
#define FETCH_CA_MAX (256u << 10)  /* bytes of the operator's certificates */
#define FETCH_URL_SIZE 2048

#define FETCH_CA_PUBLIC "/etc/cairn/roots.pem"
#define FETCH_CA_RELEASE "/etc/cairn/ca.pem"
#define FETCH_CA_DATA "/data/config/ca.pem"
#define FETCH_RESOLV_DIR "/run/cairn/netd" /* where /run/resolv.conf points */

/* Bounds that a test makes shorter. */
struct fetch_limits {
	uint32_t connect_ms; /* TCP and TLS */
	uint32_t stall_s;    /* below stall_bytes a second for so long: the link is lost */
	uint32_t stall_bytes;
	uint32_t tries;	     /* lost links in a row without FETCH_PROGRESS between them */
	uint32_t backoff_ms; /* after the first */
	uint32_t backoff_max_ms;
	uint32_t redirects;
	uint64_t skip_max; /* bytes to read past where a server knows no ranges */
};

extern const struct fetch_limits fetch_limits_default;

struct fetch;

/* One asker and its READ under way (queue[0], where busy). */
struct fetch_read {
	struct fetch *f;
	int fd;
	struct source_request queue[FETCH_QUEUE];
	bool cancelled[FETCH_QUEUE];
	unsigned int queued;
	bool busy;
	struct source_data slice; /* filled from the front; sent when full, old or last */
	uint64_t slice_ms;	  /* when its first byte came */
	bool blocked;		  /* it waits for the socket */
	bool ended;		  /* it is the last one */

	uint64_t next; /* the object's next byte to be put into the slice */
	uint64_t end;  /* behind the last one wanted; UINT64_MAX: to the object's end */

	/* fetch_http.c */
	CURL *easy;
	struct curl_slist *headers;
	bool running; /* easy is with the multi handle */
	bool paused;
	char url[FETCH_URL_SIZE];
	char curl_error[CURL_ERROR_SIZE];
	struct httprange_want want;
	struct httprange_answer answer;
	struct httprange_take take;
	bool judged, redirect;
	int verdict; /* of httprange_judge, -errno; its sentence is in err */
	uint32_t head_bytes, head_lines, ignored;
	uint32_t redirects, attempts;
	uint32_t later_s;   /* Retry-After */
	uint64_t mark;	    /* `next` when attempts was 0 */
	uint64_t again_ms;  /* when to try again; 0: not waiting */
	uint32_t tls_flags; /* MBEDTLS_X509_BADCERT_* of the last handshake */
	struct err err;

	/* fetch_file.c */
	int file_fd;
};

enum fetch_kind { FETCH_NONE, FETCH_HTTP, FETCH_FILE };

struct fetch {
	struct fetch_limits limits;
	CURLM *multi;
	enum fetch_kind kind;
	struct source_config config;
	bool config_answer; /* is to be sent */
	int config_rc;
	struct err config_err;
	char *ca; /* the operator's certificates, PEM */
	size_t ca_len;
	int media_fd;  /* UPDATE_MEDIA_DIR */
	int source_fd; /* a folder or a bundle below it, or the descriptor that main sent */
	struct fetch_read read[2]; /* of main, of the writer */
};

uint64_t fetch_now_ms(void);

/*
 * fetch_serve - what fetch_run does, with other bounds.
 */
int fetch_serve(int main_fd, int asker_fd, const struct fetch_limits *limits);

/* --- fetch.c, for the two others --- */

/*
 * fetch_room - can the slice take len bytes (at most half of it) now; sends it where it cannot.
 * false: the asker's socket is full, r->blocked is set.
 */
bool fetch_room(struct fetch_read *r, size_t len);
/* fetch_put - put bytes into the slice; fetch_room said yes. */
void fetch_put(struct fetch_read *r, const void *buf, size_t len);
/* fetch_end - the READ is over. err may be NULL where rc is 0. */
void fetch_end(struct fetch_read *r, int rc, const struct err *err);
/* fetch_object - the path of what a request names, below the source. */
void fetch_object(const struct source_request *q, char *ret_path, size_t size);

/* --- fetch_conf.c --- */

bool fetch_is_https(const char *url);
/* fetch_http_config - take f->config in; f->kind is FETCH_HTTP then. */
int fetch_http_config(struct fetch *f, struct err *err);
int fetch_http_init(struct fetch *f, struct err *err);

/* --- fetch_http.c --- */

void fetch_http_begin(struct fetch_read *r);
/* fetch_http_on - what the transfers have to say, and what is due by the clock. */
void fetch_http_on(struct fetch *f, uint64_t now);
/* fetch_http_unblock - the slice was sent: go on. */
void fetch_http_unblock(struct fetch_read *r);
/* fetch_http_stop - drop the transfer. */
void fetch_http_stop(struct fetch_read *r);

/* --- fetch_file.c --- */

/* fetch_file_config - open the source; fd (or -1) came along and is taken over. */
int fetch_file_config(struct fetch *f, int fd, struct err *err);
void fetch_file_begin(struct fetch_read *r);
/* fetch_file_on - read on until the socket is full; some slices at most. */
void fetch_file_on(struct fetch_read *r);
void fetch_file_stop(struct fetch_read *r);

#endif
