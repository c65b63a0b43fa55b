// SPDX-License-Identifier: Apache-2.0
#include "httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

/* header - the value of a header in the request, or NULL. */
static const char *header(const char *head, const char *name, char *ret_value, size_t size)
{
	size_t n = strlen(name);

	for (const char *p = strstr(head, "\r\n"); p && p[2] != '\r'; p = strstr(p + 2, "\r\n")) {
		size_t len;

		if (strncasecmp(p + 2, name, n) != 0 || p[2 + n] != ':')
			continue;
		p += 3 + n;
		p += strspn(p, " ");
		len = strcspn(p, "\r");
		if (len >= size)
			return NULL;
		memcpy(ret_value, p, len);
		ret_value[len] = '\0';
		return ret_value;
	}
	return NULL;
}

static void put(struct httpd_conn *c, const char *text)
{
	size_t n = strlen(text);

	if (n > sizeof(c->out) - c->out_len)
		n = sizeof(c->out) - c->out_len;
	memcpy(c->out + c->out_len, text, n);
	c->out_len += n;
}

/* --- faults --- */

static struct httpd_fault *armed(struct httpd_conf *conf, const char *name)
{
	for (unsigned int i = 0; i < conf->faults; i++)
		if (conf->fault[i].times && strcmp(conf->fault[i].name, name) == 0)
			return &conf->fault[i];
	return NULL;
}

/* take - is this fault due for this path; counts it. */
static const struct httpd_fault *take(struct httpd_conf *conf, struct httpd_reply *r,
				      const char *name)
{
	struct httpd_fault *f = armed(conf, name);

	if (!f || (conf->only && !strstr(r->line, conf->only)))
		return NULL;
	if (f->times != HTTPD_NEVER)
		f->times--;
	(void)snprintf(r->fault, sizeof(r->fault), "%s", name);
	return f;
}

/* take_status - a fault that is a number is that status. */
static int take_status(struct httpd_conf *conf, struct httpd_reply *r)
{
	for (unsigned int i = 0; i < conf->faults; i++) {
		int status = atoi(conf->fault[i].name);

		if (status >= 100 && conf->fault[i].times && take(conf, r, conf->fault[i].name))
			return status;
	}
	return 0;
}

/* plan_cut - does the body end early. A fault counts when its byte is in what is sent. */
static void plan_cut(struct httpd_conf *conf, struct httpd_reply *r)
{
	static const struct {
		const char *name;
		enum httpd_cut cut;
	} cuts[] = { { "truncate", CUT_CLOSE },
		     { "reset", CUT_RESET },
		     { "stall", CUT_STALL },
		     { "restart", CUT_RESTART },
		     { "change", CUT_CHANGE } };

	r->cut_at = HTTPD_NEVER;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct httpd_fault *f = armed(conf, cuts[i].name);
		uint64_t at;

		if (!f)
			continue;
		at = f->every		    ? (r->pos / f->every + 1) * f->every
		     : f->at == HTTPD_NEVER ? r->pos
					    : f->at;
		if (at < r->pos || at >= r->end || at >= r->cut_at || !take(conf, r, cuts[i].name))
			continue;
		r->cut = cuts[i].cut;
		r->cut_at = at;
	}
}

/* --- answers --- */

static void begin(struct httpd_conn *c, int status, const char *why)
{
	char text[64];

	c->state = CONN_REPLY;
	c->reply.status = status;
	c->reply.open = true;
	c->reply.since_ms = httpd_now_ms();
	(void)snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\n", status, why);
	put(c, text);
}

static void plain(struct httpd_conn *c, int status, const char *why, const char *more)
{
	char text[64];

	begin(c, status, why);
	put(c, more);
	(void)snprintf(text, sizeof(text), "Content-Length: %zu\r\n\r\n%s\n", strlen(why) + 1, why);
	put(c, text);
}

/* read_range - "bytes=A-" or "bytes=A-B" of a request. */
static bool read_range(const char *text, uint64_t size, uint64_t *ret_from, uint64_t *ret_end)
{
	unsigned long long from, last;
	int n = sscanf(text, "bytes=%llu-%llu", &from, &last);

	if (n < 1)
		return false;
	*ret_from = from;
	*ret_end = n == 2 && last < size ? last + 1 : size;
	return true;
}

static void range_headers(struct httpd_conf *conf, struct httpd_conn *c, uint64_t size)
{
	struct httpd_reply *r = &c->reply;
	const struct httpd_fault *f;
	uint64_t total = size;
	char text[128];

	f = take(conf, r, "wrong-range");
	if (f)
		r->pos += f->at == HTTPD_NEVER ? 1 : f->at;
	f = take(conf, r, "wrong-total");
	if (f)
		total += f->at == HTTPD_NEVER ? 1 : f->at;
	(void)snprintf(text, sizeof(text), "Content-Range: bytes %llu-%llu/%llu\r\n",
		       (unsigned long long)r->pos, (unsigned long long)r->end - 1,
		       (unsigned long long)total);
	put(c, take(conf, r, "bad-range") ? "Content-Range: bytes 1-x/18446744073709551616\r\n"
					  : text);
}

static void body_headers(struct httpd_conf *conf, struct httpd_conn *c, const struct stat *st)
{
	struct httpd_reply *r = &c->reply;
	const struct httpd_fault *f;
	char text[192];

	if (take(conf, r, "endless")) {
		r->endless = r->chunked = true;
		put(c, "Transfer-Encoding: chunked\r\n");
	} else {
		uint64_t length = r->end - r->pos;

		f = take(conf, r, "wrong-length");
		if (f)
			length += f->at == HTTPD_NEVER ? 7 : f->at;
		c->close_after = c->close_after || f;
		(void)snprintf(text, sizeof(text), "Content-Length: %llu\r\n",
			       (unsigned long long)length);
		put(c, text);
	}
	if (!conf->no_etag) {
		(void)snprintf(text, sizeof(text), "ETag: \"%llx-%llx%s\"\r\n",
			       (unsigned long long)st->st_size, (unsigned long long)st->st_mtime,
			       r->other ? "-2" : "");
		put(c, text);
	}
	if (take(conf, r, "gzip"))
		put(c, "Content-Encoding: gzip\r\n");
	f = take(conf, r, "slow");
	if (f)
		r->rate = f->at == HTTPD_NEVER ? 1024 : f->at;
	f = take(conf, r, "corrupt");
	r->corrupt_at = f ? (f->at == HTTPD_NEVER ? r->pos : f->at) : HTTPD_NEVER;
	r->head_flood = take(conf, r, "header-flood");
	put(c, r->head_flood ? "" : "Accept-Ranges: bytes\r\n\r\n");
	plan_cut(conf, r);
}

static void send_file(struct httpd_conf *conf, struct httpd_conn *c, const char *path)
{
	struct httpd_reply *r = &c->reply;
	char range[64], etag[96], if_range[96];
	struct stat st;
	bool ranged;

	path += strspn(path, "/");
	r->file_fd = strstr(path, "..") ? -1 : openat(conf->root_fd, path, O_RDONLY | O_CLOEXEC);
	if (r->file_fd < 0 || fstat(r->file_fd, &st) || !S_ISREG(st.st_mode)) {
		plain(c, 404, "not found", "");
		return;
	}
	r->other = conf->changed;
	r->end = (uint64_t)st.st_size;
	(void)snprintf(etag, sizeof(etag), "\"%llx-%llx%s\"", (unsigned long long)st.st_size,
		       (unsigned long long)st.st_mtime, r->other ? "-2" : "");
	ranged = header(c->in, "Range", range, sizeof(range)) &&
		 read_range(range, r->end, &r->pos, &r->end);
	if (ranged && header(c->in, "If-Range", if_range, sizeof(if_range)) &&
	    strcmp(if_range, etag) != 0)
		ranged = false;
	if (ranged)
		(void)snprintf(r->range, sizeof(r->range), "%llu-%llu", (unsigned long long)r->pos,
			       (unsigned long long)r->end - 1);
	if (ranged && take(conf, r, "ignore-range"))
		ranged = false;
	if (ranged && r->pos >= (uint64_t)st.st_size) {
		(void)snprintf(range, sizeof(range), "Content-Range: bytes */%llu\r\n",
			       (unsigned long long)st.st_size);
		r->pos = r->end = 0;
		plain(c, 416, "range", range);
		return;
	}
	if (!ranged) {
		r->pos = 0;
		r->end = (uint64_t)st.st_size;
	}
	begin(c, ranged ? 206 : 200, "yes");
	if (ranged)
		range_headers(conf, c, (uint64_t)st.st_size);
	body_headers(conf, c, &st);
	if (strncmp(r->line, "HEAD ", 5) == 0)
		r->pos = r->end;
}

/* --- the proxy --- */

static bool authorized(const struct httpd_conf *conf, const char *head)
{
	char value[256], want[256] = "Basic ";

	if (!conf->auth)
		return true;
	(void)EVP_EncodeBlock((unsigned char *)want + 6, (const unsigned char *)conf->auth,
			      (int)strlen(conf->auth));
	return header(head, "Proxy-Authorization", value, sizeof(value)) &&
	       strcmp(value, want) == 0;
}

/* proxy - join the connection to the server that it names. */
static void proxy(struct httpd_conf *conf, struct httpd_conn *c, const char *method,
		  const char *target, size_t head_len)
{
	char host[512], *port, *rest, *p;
	struct httpd_conn *to;
	bool connect = strcmp(method, "CONNECT") == 0;

	if (!authorized(conf, c->in)) {
		plain(c, 407, "who are you", "Proxy-Authenticate: Basic realm=\"test\"\r\n");
		return;
	}
	if (!connect && strncmp(target, "http://", 7) != 0) {
		plain(c, 400, "not a proxy request", "");
		return;
	}
	(void)snprintf(host, sizeof(host), "%s", target + (connect ? 0 : 7));
	rest = strchr(host, '/');
	if (rest)
		*rest = '\0';
	p = host;
	port = strrchr(host, ':');
	if (*host == '[' && strchr(host, ']')) {
		p = host + 1;
		*strchr(host, ']') = '\0';
	}
	if (port)
		*port = '\0';
	to = httpd_dial(conf, p, port ? port + 1 : "80");
	if (!to) {
		plain(c, 502, "no such server", "");
		return;
	}
	to->peer = c;
	c->peer = to;
	c->state = CONN_TUNNEL;
	c->reply.status = 200;
	c->reply.open = true;
	if (connect) {
		put(c, "HTTP/1.1 200 joined\r\n\r\n");
	} else {
		(void)snprintf((char *)to->out, sizeof(to->out),
			       "%s /%s HTTP/1.1\r\nConnection: close\r\n", method,
			       strchr(target + 7, '/') ? strchr(target + 7, '/') + 1 : "");
		to->out_len = strlen((char *)to->out);
		p = strstr(c->in, "\r\n") + 2;
		memcpy(to->out + to->out_len, p, head_len - (size_t)(p - c->in));
		to->out_len += head_len - (size_t)(p - c->in);
	}
}

void httpd_answer(struct httpd_conf *conf, struct httpd_conn *c, size_t head_len)
{
	struct httpd_reply *r = &c->reply;
	char method[16], target[512], text[640];
	int status;

	memset(r, 0, sizeof(*r));
	r->file_fd = -1;
	r->cut_at = r->corrupt_at = HTTPD_NEVER;
	(void)snprintf(r->range, sizeof(r->range), "-");
	(void)snprintf(r->fault, sizeof(r->fault), "-");
	if (sscanf(c->in, "%15s %511s", method, target) != 2) {
		plain(c, 400, "bad request", "");
		c->close_after = true;
		return;
	}
	(void)snprintf(r->line, sizeof(r->line), "%s %s", method, target);
	c->close_after = strcasestr(c->in, "\r\nConnection: close") != NULL;
	status = take_status(conf, r);
	if (take(conf, r, "drop")) {
		c->close_after = true;
		c->state = CONN_REPLY;
		r->open = true;
	} else if (status) {
		plain(c, status, "as ordered", status == 503 ? "Retry-After: 1\r\n" : "");
	} else if (conf->proxy) {
		proxy(conf, c, method, target, head_len);
	} else if (take(conf, r, "redirect-loop")) {
		(void)snprintf(text, sizeof(text), "Location: %s\r\n", target);
		plain(c, 302, "again", text);
	} else {
		unsigned int i = 0;

		target[strcspn(target, "?")] = '\0';
		while (i < conf->redirects && strcmp(conf->redirect[i].from, target) != 0)
			i++;
		if (i < conf->redirects) {
			(void)snprintf(text, sizeof(text), "Location: %s\r\n",
				       conf->redirect[i].to);
			plain(c, 302, "elsewhere", text);
		} else {
			send_file(conf, c, target);
		}
	}
	/* What stands behind the request is the next one. */
	memmove(c->in, c->in + head_len, c->in_len - head_len + 1);
	c->in_len -= head_len;
}

bool httpd_fill(struct httpd_conn *c)
{
	struct httpd_reply *r = &c->reply;
	uint64_t want = sizeof(c->out) - 64, allowed;
	ssize_t n;
	size_t at = 0;

	if (r->head_flood) {
		while (c->out_len < sizeof(c->out) - 64)
			put(c, "X-Flood: 0123456789abcdef\r\n");
		r->sent += c->out_len;
		return true;
	}
	if (r->rate) {
		allowed = r->rate * (uint64_t)(httpd_now_ms() - r->since_ms) / 1000;
		if (allowed <= r->sent)
			return false;
		want = want < allowed - r->sent ? want : allowed - r->sent;
	}
	if (!r->endless && want > r->end - r->pos)
		want = r->end - r->pos;
	if (r->cut != CUT_NONE && want > r->cut_at - r->pos)
		want = r->cut_at - r->pos;
	if (r->chunked) {
		want = want < 32768 ? want : 32768;
		at = (size_t)snprintf((char *)c->out, 32, "%llx\r\n", (unsigned long long)want);
	}
	n = r->endless && r->pos >= r->end ? 0
					   : pread(r->file_fd, c->out + at, want, (off_t)r->pos);
	if (r->endless && n < (ssize_t)want) {
		memset(c->out + at + (n > 0 ? n : 0), 'e', want - (size_t)(n > 0 ? n : 0));
		n = (ssize_t)want;
	}
	if (n <= 0) {
		r->end = r->pos;
		c->close_after = true;
		return true;
	}
	for (ssize_t i = 0; r->other && i < n; i++)
		c->out[at + (size_t)i] ^= 0x55;
	if (r->corrupt_at >= r->pos && r->corrupt_at < r->pos + (uint64_t)n)
		c->out[at + (size_t)(r->corrupt_at - r->pos)] ^= 1;
	r->pos += (uint64_t)n;
	r->sent += (uint64_t)n;
	c->out_len = at + (size_t)n;
	if (r->chunked)
		put(c, "\r\n");
	return true;
}

void httpd_reply_end(struct httpd_conf *conf, struct httpd_conn *c)
{
	struct httpd_reply *r = &c->reply;
	char text[900];
	int n;

	if (!r->open)
		return;
	r->open = false;
	if (r->file_fd >= 0)
		(void)close(r->file_fd);
	r->file_fd = -1;
	n = snprintf(text, sizeof(text), "%s range=%s status=%d sent=%llu fault=%s\n", r->line,
		     r->range, r->status, (unsigned long long)r->sent, r->fault);
	if (conf->log_fd >= 0)
		(void)!write(conf->log_fd, text, (size_t)n);
}
