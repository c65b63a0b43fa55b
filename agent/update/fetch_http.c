// SPDX-License-Identifier: Apache-2.0
/*
 * A READ over HTTP or HTTPS: one request, and after a lost link another one from the byte where it
 * was. What an answer means is decided in lib/httprange.c; libcurl carries the bytes.
 */
#include "agent/update/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <mbedtls/ssl.h>

#include "agent/update/fault.h"

/* --- what libcurl calls --- */

static bool is_redirect(int status)
{
	return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

/* judge - the header lines are complete: is the body ours. */
static void judge(struct fetch_read *r)
{
	struct httprange_want *w = &r->want;
	const struct httprange_answer *a = &r->answer;
	curl_off_t later = 0;

	r->judged = true;
	if (is_redirect(a->status)) {
		r->redirect = true;
		return;
	}
	r->verdict = httprange_judge(w, a, &r->take, &r->err);
	if (r->verdict == -EAGAIN &&
	    curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &later) == CURLE_OK && later > 0)
		r->later_s = later > 60 ? 60 : (uint32_t)later;
	if (r->verdict)
		return;
	/* What later answers are held against. */
	if (!w->etag[0])
		memcpy(w->etag, a->etag, sizeof(w->etag));
	if (!w->date[0])
		memcpy(w->date, a->date, sizeof(w->date));
	if (!w->total)
		r->slice.total = w->total = r->take.total;
}

static size_t on_header(char *line, size_t one, size_t len, void *ctx)
{
	struct fetch_read *r = ctx;
	size_t n = len * one;
	long status = 0;

	r->head_bytes += (uint32_t)n;
	if (r->head_bytes > FETCH_HEAD_MAX || ++r->head_lines > FETCH_HEAD_LINES) {
		r->verdict = err_set(&r->err, -EPROTO, "the server sends header lines without end");
		return 0;
	}
	if (r->judged)
		return n; /* trailers */
	if (n > 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		memset(&r->answer, 0, sizeof(r->answer));
		return n;
	}
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	httprange_header(&r->answer, (const uint8_t *)line, len);
	if (len > 0)
		return n;
	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	r->answer.status = (int)status;
	if (status >= 200) /* before it come 100 and 103 */
		judge(r);
	return n;
}

/* body_part - how much of these n bytes is to be kept, and where it begins. */
static size_t body_part(const struct fetch_read *r, size_t n, size_t *ret_at)
{
	uint64_t keep;

	*ret_at = r->take.skip < n ? (size_t)r->take.skip : n;
	keep = n - *ret_at;
	return keep < r->take.take ? (size_t)keep : (size_t)r->take.take;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct fetch_read *r = ctx;
	size_t n = len * one, at, keep;

	if (!r->judged)
		return 0;
	if (r->redirect || r->verdict) {
		r->ignored += (uint32_t)n;
		return r->ignored > FETCH_BODY_IGNORED ? 0 : n;
	}
	keep = body_part(r, n, &at);
	if (!fetch_room(r, keep)) {
		r->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	r->slice.fetched += n;
	if (r->end == UINT64_MAX && r->next + keep > FETCH_WHOLE_MAX) {
		r->verdict = err_set(&r->err, -EFBIG, "it has more than %u bytes", FETCH_WHOLE_MAX);
		return 0;
	}
	fetch_put(r, bytes + at, keep);
	r->take.skip -= at;
	r->take.take -= r->take.take == UINT64_MAX ? 0 : keep;
	return at + keep == n ? n : 0; /* more than was asked for: no further */
}

/* Called for each certificate of the chain; what is wrong is kept for the sentence. */
static int on_certificate(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct fetch_read *r = ctx;

	(void)crt;
	(void)depth;
	r->tls_flags |= *flags;
	return 0;
}

static CURLcode on_tls(CURL *easy, void *config, void *ctx)
{
	(void)easy;
	/* RSA from 2048 bits, SHA-256 and more; libcurl's own choice allows SHA-1. */
	mbedtls_ssl_conf_cert_profile(config, &mbedtls_x509_crt_profile_default);
	mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
	mbedtls_ssl_conf_verify(config, on_certificate, ctx);
	return CURLE_OK;
}

/* --- the end of a transfer --- */

static bool complete(const struct fetch_read *r)
{
	return r->next == r->end || (r->want.total && r->next >= r->want.total);
}

/* lost - the link or the server failed: again from here, later, or give up. */
static void lost(struct fetch_read *r, int rc, const char *why)
{
	const struct fetch_limits *l = &r->f->limits;
	struct err err;
	uint32_t random = 0, wait;

	fault_point("fetch-lost");
	if (r->next - r->mark >= FETCH_PROGRESS) {
		r->mark = r->next;
		r->attempts = 0;
	}
	if (++r->attempts >= l->tries) {
		(void)err_set(&err, rc, "%s (given up after %u attempts at byte %llu)", why,
			      r->attempts, (unsigned long long)r->next);
		fetch_end(r, rc, &err);
		return;
	}
	(void)getrandom(&random, sizeof(random), GRND_NONBLOCK);
	wait = httprange_backoff_ms(r->attempts, l->backoff_ms, l->backoff_max_ms, random);
	if (wait < 1000 * r->later_s)
		wait = 1000 * r->later_s;
	r->later_s = 0;
	r->again_ms = fetch_now_ms() + wait;
}

/* certificate - the sentence of a chain that does not hold. */
static int certificate(struct fetch_read *r, struct err *err)
{
	const char *why = "it does not lead to a root that counts here";

	if (r->tls_flags & MBEDTLS_X509_BADCERT_FUTURE)
		why = "it is not valid yet: is the clock right?";
	else if (r->tls_flags & MBEDTLS_X509_BADCERT_EXPIRED)
		why = "it has expired: is the clock right?";
	else if (r->tls_flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
		why = "it is for another host name";
	else if (r->tls_flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_KEY |
				 MBEDTLS_X509_BADCERT_BAD_PK))
		why = "its keys or signatures are too weak";
	return err_set(err, -EKEYREJECTED, "the server's certificate is refused: %s", why);
}

static void failed(struct fetch_read *r, CURLcode code)
{
	const char *said = r->curl_error[0] ? r->curl_error : curl_easy_strerror(code);
	struct err err = { "" };
	char why[160];
	long proxy = 0;
	int rc;

	(void)snprintf(why, sizeof(why), "%.150s", said);
	(void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (proxy == 407 || proxy == 403) {
		(void)err_set(&err, -EACCES, "the proxy does not let us through (HTTP %ld)", proxy);
		fetch_end(r, -EACCES, &err);
		return;
	}
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		rc = certificate(r, &err);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		rc = err_set(&err, -EKEYREJECTED, "the CA's certificates cannot be read");
		break;
	case CURLE_OUT_OF_MEMORY:
		rc = err_set(&err, -ENOMEM, "no memory");
		break;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_TOO_LARGE:
		rc = err_set(&err, -EPROTO, "%s", why);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		lost(r, -ETIMEDOUT, why);
		return;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		lost(r, -EHOSTUNREACH, why);
		return;
	case CURLE_COULDNT_CONNECT:
		lost(r, -ECONNREFUSED, why);
		return;
	default:
		(void)err_set(&err, -ECONNRESET, "the link was lost: %s", why);
		lost(r, -ECONNRESET, err.msg);
		return;
	}
	fetch_end(r, rc, &err);
}

/* follow - to where a redirect points: http or https, never from https to http. */
static void follow(struct fetch_read *r)
{
	struct err err = { "" };
	char *to = NULL;

	(void)curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &to);
	if (!to || strlen(to) >= sizeof(r->url))
		(void)err_set(&err, -EPROTO, "the server redirects to nowhere");
	else if (strncasecmp(to, "http://", 7) != 0 && !fetch_is_https(to))
		(void)err_set(&err, -EPROTO, "the server redirects to %.60s", to);
	else if (fetch_is_https(r->url) && !fetch_is_https(to))
		(void)err_set(&err, -EPROTO, "the server redirects from https to http");
	else if (fetch_is_https(to) && r->f->config.ca == SOURCE_CA_NONE)
		(void)err_set(&err, -EPROTO, "the server redirects to https; no CA is set");
	else if (++r->redirects > r->f->limits.redirects)
		(void)err_set(&err, -ELOOP, "the server redirects more than %u times",
			      r->f->limits.redirects);
	if (err.msg[0]) {
		fetch_end(r, -EPROTO, &err);
		return;
	}
	(void)snprintf(r->url, sizeof(r->url), "%s", to);
	r->again_ms = fetch_now_ms();
}

/* at_end - all that was asked for is there, or all that the object has. */
static bool at_end(const struct fetch_read *r, CURLcode code)
{
	if (r->verdict)
		return r->verdict == -ENODATA && r->next > r->queue[0].offset;
	return complete(r) || (code == CURLE_OK && r->judged && r->end == UINT64_MAX);
}

static void again_now(struct fetch_read *r)
{
	r->mark = r->next;
	r->attempts = 0;
	r->again_ms = fetch_now_ms();
}

static void on_done(struct fetch_read *r, CURLcode code)
{
	struct err err = r->err;

	if (r->ended)
		return;
	if (r->redirect && (code == CURLE_OK || code == CURLE_WRITE_ERROR)) {
		follow(r);
		fetch_http_stop(r);
		return;
	}
	fetch_http_stop(r);
	if (r->verdict == -EAGAIN)
		lost(r, -EREMOTEIO, err.msg);
	else if (at_end(r, code))
		fetch_end(r, 0, NULL);
	else if (r->verdict)
		fetch_end(r, r->verdict, &err);
	else if (r->judged && r->take.take == 0 && r->next - r->mark >= FETCH_PROGRESS)
		again_now(r); /* a shorter range than asked for: the next one */
	else if (code != CURLE_OK)
		failed(r, code);
	else
		lost(r, -ECONNRESET, "the server ends the object early");
}

/* --- a transfer --- */

/* SET - an option that libcurl cannot refuse but for want of memory. */
static void set_options(struct fetch_read *r)
{
	const struct fetch *f = r->f;
	const struct fetch_limits *l = &f->limits;
	uint64_t limit = (uint64_t)f->config.limit_kib_s * 1024;
	struct curl_blob ca = { .data = f->ca, .len = f->ca_len, .flags = CURL_BLOB_NOCOPY };
	CURL *e = r->easy;

	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->curl_error);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "cairn");
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)CURL_MAX_WRITE_SIZE);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)l->connect_ms);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)l->stall_s);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT,
			       limit && limit / 2 < l->stall_bytes ? (long)limit / 2
								   : (long)l->stall_bytes);
	(void)curl_easy_setopt(e, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)limit);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 30L);
	/* "" and not NULL: nothing of it comes from the environment. */
	(void)curl_easy_setopt(e, CURLOPT_PROXY, f->config.proxy);
	(void)curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	(void)curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, r);
	(void)curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	(void)curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	if (f->config.ca == SOURCE_CA_PUBLIC)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, FETCH_CA_PUBLIC);
	else if (f->config.ca == SOURCE_CA_OPERATOR)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
}

/* header_line - one more for the request; a lost one is only less exact. */
static void header_line(struct fetch_read *r, const char *line)
{
	struct curl_slist *list = curl_slist_append(r->headers, line);

	if (list)
		r->headers = list;
}

/* set_request - what is asked for now: r->next and what follows. */
static void set_request(struct fetch_read *r)
{
	struct httprange_want *w = &r->want;
	const char *tag = httprange_strong(w->etag) ? w->etag : w->date;
	char line[HTTPRANGE_TAG_SIZE + 16], range[64] = "";

	w->next = r->next;
	w->end = r->end;
	w->ranged = r->next > 0 || r->end != UINT64_MAX;
	if (w->ranged && r->end == UINT64_MAX)
		(void)snprintf(range, sizeof(range), "%llu-", (unsigned long long)r->next);
	else if (w->ranged)
		(void)snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)r->next,
			       (unsigned long long)r->end - 1);
	(void)curl_easy_setopt(r->easy, CURLOPT_RANGE, w->ranged ? range : NULL);
	if (w->ranged && tag[0]) {
		(void)snprintf(line, sizeof(line), "If-Range: %s", tag);
		header_line(r, line);
	}
	/* A cache on the way must not hand out the channel of last week. */
	if (r->queue[0].object == SOURCE_CHANNEL)
		header_line(r, "Cache-Control: no-cache");
	(void)curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	(void)curl_easy_setopt(r->easy, CURLOPT_URL, r->url);
}

static void attempt(struct fetch_read *r)
{
	struct err err = { "" };

	r->again_ms = 0;
	r->judged = r->redirect = r->paused = false;
	r->verdict = 0;
	r->head_bytes = r->head_lines = r->ignored = 0;
	r->tls_flags = 0;
	r->err.msg[0] = r->curl_error[0] = '\0';
	memset(&r->answer, 0, sizeof(r->answer));
	memset(&r->take, 0, sizeof(r->take));
	curl_easy_reset(r->easy);
	set_options(r);
	set_request(r);
	r->running = curl_multi_add_handle(r->f->multi, r->easy) == CURLM_OK;
	if (!r->running) {
		(void)err_set(&err, -ENOMEM, "no memory");
		fetch_end(r, -ENOMEM, &err);
	}
}

void fetch_http_begin(struct fetch_read *r)
{
	char path[128];
	size_t n = strlen(r->f->config.url);

	while (n && r->f->config.url[n - 1] == '/')
		n--;
	fetch_object(&r->queue[0], path, sizeof(path));
	if (r->f->config.kind == SOURCE_FOLDER)
		(void)snprintf(r->url, sizeof(r->url), "%.*s/%s", (int)n, r->f->config.url, path);
	else
		(void)snprintf(r->url, sizeof(r->url), "%s", r->f->config.url);
	memset(&r->want, 0, sizeof(r->want));
	r->want.skip_max = r->f->limits.skip_max;
	r->want.whole_max = FETCH_WHOLE_MAX;
	r->mark = r->next;
	r->attempts = r->redirects = r->later_s = 0;
	attempt(r);
}

void fetch_http_stop(struct fetch_read *r)
{
	if (r->running)
		(void)curl_multi_remove_handle(r->f->multi, r->easy);
	r->running = r->paused = false;
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	if (r->ended)
		r->again_ms = 0;
}

void fetch_http_unblock(struct fetch_read *r)
{
	if (!r->paused)
		return;
	r->paused = false;
	(void)curl_easy_pause(r->easy, CURLPAUSE_CONT);
}

void fetch_http_on(struct fetch *f, uint64_t now)
{
	struct CURLMsg *m;
	int running, i;

	for (i = 0; i < 2; i++) {
		struct fetch_read *r = &f->read[i];

		if (r->busy && !r->ended && r->again_ms && r->again_ms <= now)
			attempt(r);
	}
	(void)curl_multi_perform(f->multi, &running);
	while ((m = curl_multi_info_read(f->multi, &running))) {
		struct fetch_read *r = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		if (r)
			on_done(r, m->data.result);
	}
	for (i = 0; i < 2; i++) {
		struct fetch_read *r = &f->read[i];

		/* A server that goes on after the last byte is not waited for. */
		if (r->running && !r->ended && r->judged && !r->verdict && complete(r))
			fetch_end(r, 0, NULL);
	}
}
