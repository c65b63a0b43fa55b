// SPDX-License-Identifier: Apache-2.0
#include "datafile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"

static const char first_line[] = "cairn-data 1\n";

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < DATAFILE_NAME_SIZE &&
	       len == strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

/* skip - past a text that must stand at *p. */
static bool skip(const char **p, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

static bool number(const char **p, uint64_t *ret)
{
	uint64_t v = 0;
	const char *from = *p;

	while (**p >= '0' && **p <= '9') {
		unsigned int digit = (unsigned int)(**p - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
		(*p)++;
	}
	*ret = v;
	/* One way to write a number. */
	return *p != from && (*from != '0' || *p == from + 1);
}

int datafile_head(const uint8_t *buf, size_t len, struct datafile_head *ret_head,
		  const uint8_t **ret_body, struct err *err)
{
	char text[DATAFILE_HEAD_MAX + 1], hex[2 * SHA256_SIZE + 1] = "";
	size_t n = len < DATAFILE_HEAD_MAX ? len : DATAFILE_HEAD_MAX, name_len;
	struct datafile_head h = { .format = 0 };
	uint64_t format, bytes;
	const char *p = text;

	memcpy(text, buf, n);
	text[n] = '\0';
	if (!skip(&p, first_line) || !skip(&p, "name="))
		return err_set(err, -EBADMSG, "not a file of ours");
	name_len = strcspn(p, " ");
	if (name_len >= sizeof(h.name))
		return err_set(err, -EBADMSG, "bad name in the head");
	memcpy(h.name, p, name_len);
	p += name_len;
	if (!name_ok(h.name) || !skip(&p, " format=") || !number(&p, &format) ||
	    !skip(&p, " sequence=") || !number(&p, &h.sequence) || !skip(&p, " bytes=") ||
	    !number(&p, &bytes) || !skip(&p, " sha256=") || strlen(p) <= 2 * SHA256_SIZE ||
	    p[2 * SHA256_SIZE] != '\n')
		return err_set(err, -EBADMSG, "bad head");
	memcpy(hex, p, 2 * SHA256_SIZE);
	if (hex_decode(hex, h.sha256, SHA256_SIZE))
		return err_set(err, -EBADMSG, "bad head");
	p += 2 * SHA256_SIZE + 1;
	if (format < 1 || format > DATAFILE_FORMAT_MAX || h.sequence == 0 ||
	    bytes > DATAFILE_BODY_MAX)
		return err_set(err, -EBADMSG, "a number out of range in the head");
	if (len - (size_t)(p - text) != bytes)
		return err_set(err, -EBADMSG, "not of the length that its head says");
	h.format = (unsigned int)format;
	h.body_len = (size_t)bytes;
	*ret_head = h;
	*ret_body = buf + (p - text);
	return 0;
}

/* take - one file, head and sum. */
static int take(const struct datafile_store *store, const char *name, unsigned int format,
		uint8_t *buf, size_t size, struct datafile_head *ret_head, const uint8_t **ret_body,
		struct err *err)
{
	uint8_t digest[SHA256_SIZE];
	size_t len = 0;
	int rc = store->read(store->ctx, name, format, buf, size, &len);

	if (rc == -ENOENT)
		return rc;
	if (rc)
		return err_sys(err, rc, "cannot read %s.%u", name, format);
	rc = datafile_head(buf, len, ret_head, ret_body, err);
	if (rc) {
		err_prefix(err, "%s.%u", name, format);
		return rc;
	}
	if (strcmp(ret_head->name, name) != 0 || ret_head->format != format)
		return err_set(err, -EBADMSG, "%s.%u is %s.%u", name, format, ret_head->name,
			       ret_head->format);
	sha256(*ret_body, ret_head->body_len, digest);
	if (memcmp(digest, ret_head->sha256, sizeof(digest)) != 0)
		return err_set(err, -EBADMSG, "%s.%u is damaged", name, format);
	return 0;
}

int datafile_load(const struct datafile_store *store, const char *name, unsigned int format,
		  struct datafile_work *work, const uint8_t **ret_body, size_t *ret_len,
		  unsigned int *ret_format, struct err *err)
{
	uint64_t newest = 0;
	unsigned int f, best = 0;

	if (!name_ok(name) || format < 1 || format > DATAFILE_FORMAT_MAX)
		return err_set(err, -EINVAL, "bad name or format");
	for (f = 1; f <= format; f++) {
		struct datafile_head head = { .format = 0 };
		const uint8_t *body = NULL;
		uint8_t *buf = work->buf[1];

		if (take(store, name, f, buf, sizeof(work->buf[0]), &head, &body, err) ||
		    head.sequence < newest)
			continue;
		newest = head.sequence;
		/* The best one stays in buf[0], the next is tried in buf[1]. */
		memcpy(work->buf[0], buf, (size_t)(body - buf) + head.body_len);
		best = f;
		*ret_body = work->buf[0] + (body - buf);
		*ret_len = head.body_len;
		*ret_format = f;
	}
	return best ? 0 : -ENOENT;
}

/* highest - the highest sequence there is, in any format. */
static uint64_t highest(const struct datafile_store *store, const char *name,
			struct datafile_work *work)
{
	uint64_t newest = 0;
	unsigned int f;

	for (f = 1; f <= DATAFILE_FORMAT_MAX; f++) {
		struct datafile_head head = { .format = 0 };
		const uint8_t *body = NULL;

		if (!take(store, name, f, work->buf[1], sizeof(work->buf[1]), &head, &body, NULL) &&
		    head.sequence > newest)
			newest = head.sequence;
	}
	return newest;
}

int datafile_save(const struct datafile_store *store, const char *name, unsigned int format,
		  const void *body, size_t len, struct datafile_work *work, struct err *err)
{
	char hex[2 * SHA256_SIZE + 1];
	uint8_t digest[SHA256_SIZE];
	uint64_t sequence;
	int n, rc;

	if (!name_ok(name) || format < 1 || format > DATAFILE_FORMAT_MAX || len > DATAFILE_BODY_MAX)
		return err_set(err, -EINVAL, "bad name, format or length");
	sequence = highest(store, name, work) + 1;
	if (sequence == 0)
		return err_set(err, -EOVERFLOW, "%s has no sequence left", name);
	sha256(body, len, digest);
	hex_encode(digest, sizeof(digest), hex);
	n = snprintf((char *)work->buf[0], DATAFILE_HEAD_MAX,
		     "%sname=%s format=%u sequence=%llu bytes=%zu sha256=%s\n", first_line, name,
		     format, (unsigned long long)sequence, len, hex);
	if (n < 0 || n >= DATAFILE_HEAD_MAX)
		return err_set(err, -EINVAL, "bad name");
	memcpy(work->buf[0] + n, body, len);
	rc = store->write(store->ctx, name, format, work->buf[0], (size_t)n + len);
	return rc ? err_sys(err, rc, "cannot write %s.%u", name, format) : 0;
}
