// SPDX-License-Identifier: Apache-2.0
/*
 * usage: trust-double SOCKET ORDERS
 * Stands for service trust before `data` in tests without a TPM: answers agent/trust/proto.h by
 * what the file ORDERS says when it is asked, one word and a reason:
 *
 *   plain WHY | open | make | closed WHY | silent
 *   auto PARTITION (by its head) | tags PARTITION (the same, with authenticated encryption)
 *
 * The key is always the same; what was asked for it is written to SOCKET.log, a line each.
 * Says `ready` on standard output when it listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/trust/proto.h"
#include "datahead.h"
#include "io.h"

static const char *orders_file, *log_file;
static uint32_t cipher = KEYHEAD_XTS;

static void note(const char *what)
{
	FILE *f = fopen(log_file, "a");

	if (f) {
		(void)fprintf(f, "%s\n", what);
		(void)fclose(f);
	}
}

/* order - the word of ORDERS; its reason in why. */
static void order(char word[static 16], char why[static TRUSTD_WHY_SIZE])
{
	char text[256];
	size_t len;

	word[0] = why[0] = '\0';
	if (io_read_file(orders_file, text, sizeof(text), NULL))
		return;
	text[strcspn(text, "\n")] = '\0';
	len = strcspn(text, " ");
	(void)snprintf(word, 16, "%.*s", len < 16 ? (int)len : 15, text);
	if (text[len])
		(void)snprintf(why, TRUSTD_WHY_SIZE, "%.*s", (int)TRUSTD_WHY_SIZE - 1,
			       text + len + 1);
}

/* by_head - what trust would say of this partition. */
static uint32_t by_head(const char *part)
{
	static uint8_t head[DATAHEAD_BYTES];
	int fd _cleanup_close_ = open(part, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || io_pread(fd, head, sizeof(head), 0))
		return TRUSTD_DATA_CLOSED;
	switch (datahead_judge(head)) {
	case DATAHEAD_EMPTY:
	case DATAHEAD_MAKING:
	case DATAHEAD_MAKING_ENCRYPTED:
		return TRUSTD_DATA_MAKE;
	case DATAHEAD_ENCRYPTED:
		return TRUSTD_DATA_OPEN;
	default:
		return TRUSTD_DATA_PLAIN;
	}
}

static void answer_data(struct trustd_reply *r)
{
	static const char *const words[] = { "", "plain", "open", "make", "closed" };
	struct trustd_data d = { 0 };
	char word[16];
	uint32_t i;

	order(word, d.why);
	for (i = TRUSTD_DATA_PLAIN; i <= TRUSTD_DATA_CLOSED; i++)
		if (strcmp(word, words[i]) == 0)
			d.what = i;
	cipher = strcmp(word, "tags") == 0 ? KEYHEAD_XTS_HMAC : KEYHEAD_XTS;
	d.cipher = cipher;
	if (strcmp(word, "auto") == 0 || strcmp(word, "tags") == 0) {
		d.what = by_head(d.why);
		d.why[0] = '\0';
	}
	memcpy(r->body, &d, sizeof(d));
	r->len = sizeof(d);
}

static void answer_key(struct trustd_reply *r)
{
	struct trustd_key key = { .cipher = cipher, .key_bytes = keyhead_key_bytes(cipher) };
	uint32_t i;

	for (i = 0; i < key.key_bytes; i++)
		key.key[i] = (uint8_t)(i * 7 + 1);
	memcpy(r->body, &key, sizeof(key));
	r->len = sizeof(key);
}

static int serve(int fd)
{
	static struct trustd_request q;
	static struct trustd_reply r;
	char word[16], why[TRUSTD_WHY_SIZE];
	ssize_t n;

	while ((n = recv(fd, &q, sizeof(q), 0)) == (ssize_t)sizeof(q)) {
		order(word, why);
		if (strcmp(word, "silent") == 0)
			return 0;
		memset(&r, 0, sizeof(r));
		r.version = TRUSTD_VERSION;
		r.op = q.op;
		switch (q.op) {
		case TRUSTD_DATA:
			answer_data(&r);
			break;
		case TRUSTD_DATA_KEY:
			note("key");
			answer_key(&r);
			break;
		case TRUSTD_DATA_NEW:
			note("new");
			answer_key(&r);
			break;
		case TRUSTD_DATA_WIPE:
			note("wipe");
			break;
		default:
			r.rc = -EOPNOTSUPP;
		}
		if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) != (ssize_t)sizeof(r))
			return -errno;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	static char log_name[sizeof(at.sun_path) + 8];
	int fd;

	if (argc != 3 || strlen(argv[1]) >= sizeof(at.sun_path)) {
		(void)fprintf(stderr, "usage: trust-double SOCKET ORDERS\n");
		return 100;
	}
	orders_file = argv[2];
	(void)snprintf(log_name, sizeof(log_name), "%s.log", argv[1]);
	log_file = log_name;
	memcpy(at.sun_path, argv[1], strlen(argv[1]) + 1);
	(void)unlink(argv[1]);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) || listen(fd, 4)) {
		perror(argv[1]);
		return 111;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			return 111;
		(void)serve(peer);
		(void)close(peer);
	}
}
