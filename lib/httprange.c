// SPDX-License-Identifier: Apache-2.0
#include "httprange.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NUMBER_MAX (UINT64_MAX >> 1)

int httprange_number(const uint8_t *buf, size_t len, uint64_t *ret_number)
{
	uint64_t v = 0;
	size_t i;

	if (len == 0)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		unsigned int digit = buf[i] - (unsigned int)'0';

		if (digit > 9 || v > (NUMBER_MAX - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	*ret_number = v;
	return 0;
}

/* part - the number before `stop`, or before the end where stop is 0. */
static int part(const uint8_t **buf, size_t *len, uint8_t stop, uint64_t *ret_number)
{
	const uint8_t *end = stop ? memchr(*buf, stop, *len) : *buf + *len;
	size_t n, over;

	if (!end)
		return -EINVAL;
	n = (size_t)(end - *buf);
	over = stop ? n + 1 : n;
	if (httprange_number(*buf, n, ret_number))
		return -EINVAL;
	*buf += over;
	*len -= over;
	return 0;
}

int httprange_parse(const uint8_t *buf, size_t len, struct httprange *ret_range)
{
	static const char unit[] = "bytes ";
	struct httprange r = { 0 };

	if (len > HTTPRANGE_VALUE_MAX || len < sizeof(unit) ||
	    memcmp(buf, unit, sizeof(unit) - 1) != 0)
		return -EINVAL;
	buf += sizeof(unit) - 1;
	len -= sizeof(unit) - 1;
	if (len > 2 && buf[0] == '*' && buf[1] == '/') {
		buf += 2;
		len -= 2;
	} else {
		if (part(&buf, &len, '-', &r.first) || part(&buf, &len, '/', &r.last) ||
		    r.first > r.last)
			return -EINVAL;
		r.satisfied = true;
	}
	if (len != 1 || buf[0] != '*') {
		if (part(&buf, &len, 0, &r.total) || (r.satisfied && r.last >= r.total))
			return -EINVAL;
		r.sized = true;
	}
	if (!r.satisfied && !r.sized)
		return -EINVAL;
	*ret_range = r;
	return 0;
}

int httprange_tag(const uint8_t *buf, size_t len, char ret_tag[static HTTPRANGE_TAG_SIZE])
{
	size_t i;

	ret_tag[0] = '\0';
	if (len == 0 || len >= HTTPRANGE_TAG_SIZE)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (buf[i] < 0x20 || buf[i] > 0x7e)
			return -EINVAL;
	memcpy(ret_tag, buf, len);
	ret_tag[len] = '\0';
	return 0;
}

bool httprange_strong(const char *etag)
{
	size_t n = strlen(etag);

	return n >= 2 && etag[0] == '"' && etag[n - 1] == '"';
}

/* value_of - the value of a header line of this name, without blanks around it; NULL: another. */
static const uint8_t *value_of(const uint8_t *line, size_t len, const char *name, size_t *ret_len)
{
	size_t i, n = strlen(name);

	if (len <= n || line[n] != ':')
		return NULL;
	for (i = 0; i < n; i++)
		if ((line[i] >= 'A' && line[i] <= 'Z' ? line[i] | 0x20 : line[i]) !=
		    (uint8_t)name[i])
			return NULL;
	line += n + 1;
	len -= n + 1;
	while (len && (line[0] == ' ' || line[0] == '\t')) {
		line++;
		len--;
	}
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	*ret_len = len;
	return line;
}

void httprange_header(struct httprange_answer *answer, const uint8_t *line, size_t len)
{
	const uint8_t *v;
	size_t n;

	v = value_of(line, len, "content-range", &n);
	if (v) {
		answer->bad_range = answer->has_range || httprange_parse(v, n, &answer->range);
		answer->has_range = true;
	}
	v = value_of(line, len, "content-length", &n);
	if (v) {
		/* The same length twice is allowed (RFC 9110, 8.6); not needed, not taken. */
		answer->bad_length = answer->has_length || httprange_number(v, n, &answer->length);
		answer->has_length = true;
	}
	v = value_of(line, len, "content-encoding", &n);
	if (v && (n != 8 || memcmp(v, "identity", 8) != 0))
		answer->encoded = true;
	v = value_of(line, len, "etag", &n);
	if (v)
		(void)httprange_tag(v, n, answer->etag);
	v = value_of(line, len, "last-modified", &n);
	if (v)
		(void)httprange_tag(v, n, answer->date);
}

/* same_object - does the answer speak of the object of the earlier ones. */
static bool same_object(const struct httprange_want *want, const struct httprange_answer *a,
			uint64_t total)
{
	if (want->etag[0] && a->etag[0] && strcmp(want->etag, a->etag) != 0)
		return false;
	/* Servers behind one name agree on the tag, not always on the date. */
	if (!(want->etag[0] && a->etag[0]) && want->date[0] && a->date[0] &&
	    strcmp(want->date, a->date) != 0)
		return false;
	return !want->total || !total || want->total == total;
}

static int judge_status(int status, struct err *err)
{
	switch (status) {
	case 404:
	case 410:
		return err_set(err, -ENOENT, "it is not there (HTTP %d)", status);
	case 401:
	case 403:
		return err_set(err, -EACCES, "the server does not give it (HTTP %d)", status);
	case 407:
		return err_set(err, -EACCES, "the proxy wants another name or password (HTTP 407)");
	case 408:
	case 425:
	case 429:
		return err_set(err, -EAGAIN, "the server says: later (HTTP %d)", status);
	default:
		if (status >= 500 && status <= 599)
			return err_set(err, -EAGAIN, "the server fails (HTTP %d)", status);
		return err_set(err, -EPROTO, "the server answers HTTP %d", status);
	}
}

static int changed(struct err *err)
{
	return err_set(err, -ESTALE, "it changed on the server while it was read");
}

/* 416: the server says how long the object is, or not even that. */
static int judge_past_end(const struct httprange_want *want, const struct httprange_answer *a,
			  struct err *err)
{
	if (!want->ranged)
		return err_set(err, -EPROTO, "the server answers HTTP 416 to no range");
	if (a->has_range && !a->bad_range && a->range.sized) {
		if (!same_object(want, a, a->range.total))
			return changed(err);
		if (a->range.total > want->next)
			return err_set(err, -EPROTO, "HTTP 416 for bytes that are there");
	} else if (want->total > want->next) {
		return changed(err);
	}
	return err_set(err, -ENODATA, "it ends before byte %" PRIu64, want->next);
}

static int judge_part(const struct httprange_want *want, const struct httprange_answer *a,
		      struct httprange_take *ret_take, struct err *err)
{
	uint64_t total = a->range.sized ? a->range.total : 0;

	if (!want->ranged)
		return err_set(err, -EPROTO, "the server sends a range unasked");
	if (!a->has_range || a->bad_range || !a->range.satisfied)
		return err_set(err, -EPROTO, "the server sends a range and does not say which");
	if (a->range.first != want->next || a->range.last >= want->end)
		return err_set(err, -EPROTO,
			       "the server sends bytes %" PRIu64 "-%" PRIu64
			       ", not those from %" PRIu64,
			       a->range.first, a->range.last, want->next);
	if (a->has_length && a->length != a->range.last - a->range.first + 1)
		return err_set(err, -EPROTO, "Content-Length does not fit Content-Range");
	if (!same_object(want, a, total))
		return changed(err);
	ret_take->skip = 0;
	ret_take->take = a->range.last - a->range.first + 1;
	ret_take->total = total;
	return 0;
}

static int judge_whole(const struct httprange_want *want, const struct httprange_answer *a,
		       struct httprange_take *ret_take, struct err *err)
{
	uint64_t total = a->has_length ? a->length : 0;

	if (a->has_range)
		return err_set(err, -EPROTO, "the server sends all and calls it a range");
	if (!same_object(want, a, total))
		return changed(err);
	if (a->has_length && want->next && a->length <= want->next)
		return err_set(err, -ENODATA, "it ends before byte %" PRIu64, want->next);
	if (want->next > want->skip_max)
		return err_set(err, -EFBIG,
			       "the server knows no ranges, and %" PRIu64
			       " bytes are too many to pass over",
			       want->next);
	ret_take->skip = want->next;
	ret_take->take = want->end - want->next;
	if (a->has_length && a->length - want->next < ret_take->take)
		ret_take->take = a->length - want->next;
	ret_take->total = total;
	return 0;
}

int httprange_judge(const struct httprange_want *want, const struct httprange_answer *answer,
		    struct httprange_take *ret_take, struct err *err)
{
	struct httprange_take take = { 0 };
	int rc;

	if (answer->status == 416)
		return judge_past_end(want, answer, err);
	if (answer->status != 200 && answer->status != 206)
		return judge_status(answer->status, err);
	if (answer->encoded)
		return err_set(err, -EPROTO, "the server compresses unasked");
	if (answer->bad_length)
		return err_set(err, -EPROTO, "Content-Length is not a number");
	rc = answer->status == 206 ? judge_part(want, answer, &take, err)
				   : judge_whole(want, answer, &take, err);
	if (rc)
		return rc;
	if (want->end == UINT64_MAX &&
	    (want->whole_max < want->next || take.total > want->whole_max))
		return err_set(err, -EFBIG, "it has %" PRIu64 " bytes, more than %" PRIu64,
			       take.total, want->whole_max);
	*ret_take = take;
	return 0;
}

uint32_t httprange_backoff_ms(unsigned int n, uint32_t first_ms, uint32_t max_ms, uint32_t random)
{
	uint64_t wait = first_ms;

	while (n-- > 1 && wait < max_ms)
		wait *= 2;
	if (wait > max_ms)
		wait = max_ms;
	return (uint32_t)(wait - wait * random / UINT32_MAX / 2);
}
