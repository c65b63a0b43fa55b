// SPDX-License-Identifier: Apache-2.0
#include "signed.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "doctext.h"

#define FIRST_LINE "cairn-signed 1\n"

/* Could more bytes make these few the two lines before a document? */
static bool begins_well(const uint8_t *buf, size_t len)
{
	size_t first = strlen(FIRST_LINE);

	if (len <= first)
		return !len || memcmp(buf, FIRST_LINE, len) == 0;
	return len < SIGNED_HEAD_MAX && memcmp(buf, FIRST_LINE, first) == 0 &&
	       !memchr(buf + first, '\n', len - first);
}

/* The two lines before the document; *ret_head is how long they are. */
static int head(const uint8_t *buf, size_t len, size_t *ret_head, size_t *ret_document,
		size_t *ret_signatures, struct err *err)
{
	struct doctext_in in;
	size_t document, signatures;

	doctext_in(&in, buf, len < SIGNED_HEAD_MAX ? len : SIGNED_HEAD_MAX);
	doctext_lit(&in, FIRST_LINE "document=");
	document = (size_t)doctext_u64(&in, 1, SIGNED_DOCUMENT_MAX);
	doctext_lit(&in, " signatures=");
	signatures = (size_t)doctext_u64(&in, 0, SIGNED_SIGNATURES_MAX * SIGNED_LINE_BYTES);
	doctext_lit(&in, "\n");
	if (in.failed && begins_well(buf, len)) {
		(void)err_set(err, 0, "the signed document ends in its first lines");
		return -ENODATA;
	}
	if (in.failed || signatures % SIGNED_LINE_BYTES) {
		(void)err_set(err, 0, "this is no signed document of a known version");
		return -EBADMSG;
	}
	*ret_head = (size_t)(in.at - in.start);
	*ret_document = document;
	*ret_signatures = signatures / SIGNED_LINE_BYTES;
	return 0;
}

int signed_bytes(const uint8_t *buf, size_t len, size_t *ret_total, struct err *err)
{
	size_t before, document, signatures;
	int rc = head(buf, len, &before, &document, &signatures, err);

	if (!rc)
		*ret_total = before + document + signatures * SIGNED_LINE_BYTES;
	return rc;
}

int signed_split(const uint8_t *buf, size_t len, struct signed_doc *ret, struct err *err)
{
	size_t before, document, signatures, i;
	struct doctext_in in;
	int rc;

	rc = head(buf, len, &before, &document, &signatures, err);
	if (rc)
		return rc;
	ret->total = before + document + signatures * SIGNED_LINE_BYTES;
	if (len < ret->total)
		return err_set(err, -ENODATA, "the signed document has %zu bytes, %zu are there",
			       ret->total, len);
	ret->document = buf + before;
	ret->document_len = document;
	ret->signatures = signatures;
	doctext_in(&in, buf + before + document, signatures * SIGNED_LINE_BYTES);
	for (i = 0; i < signatures; i++) {
		struct signature *s = &ret->signature[i];

		doctext_hex(&in, s->key_id, sizeof(s->key_id));
		doctext_lit(&in, " ");
		doctext_hex(&in, s->rs, sizeof(s->rs));
		doctext_lit(&in, "\n");
		if (in.failed)
			return err_set(err, -EBADMSG, "signature %zu is malformed", i + 1);
		/* Ascending: so one key signs once, and there is one order only. */
		if (i && memcmp(s[-1].key_id, s->key_id, sizeof(s->key_id)) >= 0)
			return err_set(err, -EBADMSG,
				       "signature %zu: a key twice, or keys out of order", i + 1);
	}
	sha256(ret->document, document, ret->digest);
	return 0;
}

/* The smallest id above `after` (NULL: of all). */
static const struct signature *next_id(const struct signature *signatures, size_t count,
				       const struct signature *after)
{
	const struct signature *best = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct signature *s = &signatures[i];

		if (after && memcmp(s->key_id, after->key_id, sizeof(s->key_id)) <= 0)
			continue;
		if (!best || memcmp(s->key_id, best->key_id, sizeof(s->key_id)) < 0)
			best = s;
	}
	return best;
}

int signed_write(const void *document, size_t document_len, const struct signature *signatures,
		 size_t count, uint8_t ret_buf[static SIGNED_MAX], size_t *ret_len)
{
	const struct signature *s = NULL;
	struct doctext_out out;
	size_t i;

	if (document_len < 1 || document_len > SIGNED_DOCUMENT_MAX || count > SIGNED_SIGNATURES_MAX)
		return -EINVAL;
	doctext_out(&out, ret_buf, SIGNED_HEAD_MAX);
	doctext_put(&out, FIRST_LINE "document=%zu signatures=%zu\n", document_len,
		    count * SIGNED_LINE_BYTES);
	if (out.failed)
		return -EINVAL;
	memcpy(ret_buf + out.len, document, document_len);
	i = out.len + document_len;
	doctext_out(&out, ret_buf, SIGNED_MAX);
	out.len = i;
	for (i = 0; i < count; i++) {
		s = next_id(signatures, count, s);
		if (!s)
			return -EINVAL;
		doctext_put_hex(&out, s->key_id, sizeof(s->key_id));
		doctext_put(&out, " ");
		doctext_put_hex(&out, s->rs, sizeof(s->rs));
		doctext_put(&out, "\n");
	}
	if (out.failed)
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

void signed_key_id(const uint8_t point[static P256_POINT_SIZE], uint8_t ret_id[static SHA256_SIZE])
{
	sha256(point, P256_POINT_SIZE, ret_id);
}
