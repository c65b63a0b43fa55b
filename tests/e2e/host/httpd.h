// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TESTS_HTTPD_H
#define CAIRN_TESTS_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* A static HTTP/1.1 server for tests that misbehaves on order: httpd.c has its usage. */

#define HTTPD_IN 16384
#define HTTPD_OUT 65536
#define HTTPD_CONNS 64
#define HTTPD_FAULTS 16
#define HTTPD_NEVER UINT64_MAX

/* What ends a body before its end. */
enum httpd_cut { CUT_NONE, CUT_CLOSE, CUT_RESET, CUT_STALL, CUT_RESTART, CUT_CHANGE };

struct httpd_fault {
	char name[24];
	uint64_t at;	/* object's byte, rate or difference; HTTPD_NEVER: not given */
	uint64_t every; /* each multiple of it; 0: not given */
	uint64_t times; /* left; HTTPD_NEVER: always */
};

struct httpd_conf {
	const char *root;
	const char *only; /* faults hit paths that contain it; NULL: all */
	const char *cert, *key;
	const char *auth; /* of the proxy: USER:PASSWORD */
	struct {
		const char *from, *to;
	} redirect[8];
	unsigned int redirects;
	struct httpd_fault fault[HTTPD_FAULTS];
	unsigned int faults;
	unsigned int port;
	unsigned int down_ms; /* how long `restart` refuses */
	bool proxy, no_etag, any;
	int root_fd;
	int log_fd;
	bool changed; /* `change` was hit: other content, another ETag */
};

/* The answer under way: object bytes pos..end of file_fd are still to be sent. */
struct httpd_reply {
	char line[640]; /* method and path, for the log */
	char range[64];
	char fault[24];
	int file_fd;
	int status;
	uint64_t pos, end, sent;
	uint64_t cut_at;
	enum httpd_cut cut;
	uint64_t corrupt_at;
	uint64_t rate; /* bytes/s, 0: none */
	int64_t since_ms;
	bool open, chunked, endless, other, head_flood;
};

enum httpd_state {
	CONN_FREE,
	CONN_REQUEST,
	CONN_REPLY,
	CONN_STALLED,
	CONN_CONNECTING,
	CONN_TUNNEL
};

struct httpd_conn {
	enum httpd_state state;
	int fd;
	SSL *ssl;
	bool tls_open, tls_wants_write;
	bool close_after; /* when out is empty */
	bool eof;	  /* tunnel: the other side has closed */
	struct httpd_conn *peer;
	char in[HTTPD_IN];
	size_t in_len;
	uint8_t out[HTTPD_OUT];
	size_t out_at, out_len;
	struct httpd_reply reply;
};

int64_t httpd_now_ms(void);
/* httpd_options - the command line, into conf. */
int httpd_options(struct httpd_conf *conf, int argc, char **argv);
/* A connection to another server, for the proxy; NULL: none. */
struct httpd_conn *httpd_dial(struct httpd_conf *conf, const char *host, const char *port);

/* httpd_answer - one whole request is in c->in (its head_len bytes): begin to answer it. */
void httpd_answer(struct httpd_conf *conf, struct httpd_conn *c, size_t head_len);
/* httpd_fill - put more of the answer's body into c->out. Returns false where it has to wait. */
bool httpd_fill(struct httpd_conn *c);
/* httpd_reply_end - write the answer's line to the log. */
void httpd_reply_end(struct httpd_conf *conf, struct httpd_conn *c);

#endif
