// SPDX-License-Identifier: Apache-2.0
#include "evidence.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

static const uint8_t magic[8] = { 'C', 'A', 'I', 'R', 'N', '-', 'E', 'V' };

#define PART_HEAD 8
#define BIT(part) (1u << (part))
/* Which parts a kind has, and must have. */
#define REQUEST_MUST                                                                               \
	(BIT(EVIDENCE_AK) | BIT(EVIDENCE_IDENTITY) | BIT(EVIDENCE_EK) | BIT(EVIDENCE_ATTEST) |     \
	 BIT(EVIDENCE_SIGNATURE))
#define QUOTE_MUST                                                                                 \
	(REQUEST_MUST | BIT(EVIDENCE_REPORT) | BIT(EVIDENCE_EVENTLOG) | BIT(EVIDENCE_PCRS))

const char *evidence_part_name(int part)
{
	static const char *const names[EVIDENCE_PARTS] = {
		"?",	       "report",   "ak",   "identity", "ek",
		"certificate", "eventlog", "pcrs", "attest",   "signature",
	};

	return part > 0 && part < EVIDENCE_PARTS ? names[part] : "?";
}

static size_t part_max(int part)
{
	return part == EVIDENCE_EVENTLOG ? EVIDENCE_EVENTLOG_MAX : EVIDENCE_SMALL_MAX;
}

static int check_parts(uint16_t kind, uint32_t have, struct err *err)
{
	uint32_t must = kind == EVIDENCE_QUOTE ? QUOTE_MUST : REQUEST_MUST;
	int part;

	for (part = 1; part < EVIDENCE_PARTS; part++) {
		if (must & ~have & BIT(part))
			return err_set(err, -EBADMSG, "evidence: part %s is missing",
				       evidence_part_name(part));
		if (have & ~(must | BIT(EVIDENCE_CERTIFICATE)) & BIT(part))
			return err_set(err, -EBADMSG, "evidence: part %s does not belong here",
				       evidence_part_name(part));
	}
	return 0;
}

int evidence_parse(const uint8_t *buf, size_t len, struct evidence *ret, struct err *err)
{
	struct evidence e = { .bound = buf };
	size_t at = EVIDENCE_HEAD, size;
	uint32_t have = 0;
	int part = 0, next;

	if (len > EVIDENCE_MAX)
		return err_set(err, -EFBIG, "evidence: %zu bytes, at most %u are read", len,
			       EVIDENCE_MAX);
	if (len < EVIDENCE_HEAD || memcmp(buf, magic, sizeof(magic)) != 0)
		return err_set(err, -EBADMSG, "evidence: no such container");
	e.kind = be16_load(buf + 10);
	if (be16_load(buf + 8) != EVIDENCE_VERSION ||
	    (e.kind != EVIDENCE_QUOTE && e.kind != EVIDENCE_REQUEST))
		return err_set(err, -EBADMSG, "evidence: version %u, kind %u", be16_load(buf + 8),
			       e.kind);
	for (; at < len; at += size) {
		if (len - at < PART_HEAD)
			return err_set(err, -EBADMSG, "evidence: cut short after part %s",
				       evidence_part_name(part));
		next = be16_load(buf + at);
		size = be32_load(buf + at + 4);
		if (next <= part || next >= EVIDENCE_PARTS || be16_load(buf + at + 2) != 0)
			return err_set(err, -EBADMSG, "evidence: part %d after part %d", next,
				       part);
		part = next;
		if (part >= EVIDENCE_ATTEST && e.bound_len == 0)
			e.bound_len = at;
		at += PART_HEAD;
		if (size > part_max(part) || size > len - at)
			return err_set(err, -EBADMSG, "evidence: part %s of %zu bytes",
				       evidence_part_name(part), size);
		e.part[part].buf = buf + at;
		e.part[part].len = size;
		have |= BIT(part);
	}
	if (check_parts(e.kind, have, err))
		return -EBADMSG;
	*ret = e;
	return 0;
}

void evidence_begin(struct evidence_writer *w, uint8_t *buf, size_t max, enum evidence_kind kind)
{
	*w = (struct evidence_writer){ .buf = buf, .max = max, .len = EVIDENCE_HEAD };
	if (max < EVIDENCE_HEAD) {
		w->error = -ENOSPC;
		return;
	}
	memcpy(buf, magic, sizeof(magic));
	be16_store(buf + 8, EVIDENCE_VERSION);
	be16_store(buf + 10, (uint16_t)kind);
}

void evidence_add(struct evidence_writer *w, enum evidence_part part, const void *content,
		  size_t len)
{
	uint8_t *p = w->buf + w->len;

	if (w->error)
		return;
	if ((int)part <= w->part)
		w->error = -EINVAL;
	else if (len > part_max((int)part))
		w->error = -EFBIG;
	else if (w->max - w->len < PART_HEAD || w->max - w->len - PART_HEAD < len)
		w->error = -ENOSPC;
	if (w->error)
		return;
	be16_store(p, (uint16_t)part);
	be16_store(p + 2, 0);
	be32_store(p + 4, (uint32_t)len);
	if (len)
		memcpy(p + PART_HEAD, content, len);
	w->len += PART_HEAD + len;
	w->part = (int)part;
}

int evidence_end(struct evidence_writer *w, size_t *ret_len)
{
	struct evidence e;

	if (w->error)
		return w->error;
	if (evidence_parse(w->buf, w->len, &e, NULL))
		return -EINVAL;
	*ret_len = w->len;
	return 0;
}

void evidence_qualify(const struct evidence_ask *ask, const uint8_t *bound, size_t bound_len,
		      uint8_t ret[static SHA256_SIZE])
{
	static const char label[] = "cairn-evidence-1";
	uint8_t digest[SHA256_SIZE];
	struct sha256 h;

	sha256(bound, bound_len, digest);
	sha256_init(&h);
	sha256_update(&h, label, sizeof(label) - 1);
	sha256_update(&h, ask->nonce, sizeof(ask->nonce));
	sha256_update(&h, ask->channel, sizeof(ask->channel));
	sha256_update(&h, digest, sizeof(digest));
	sha256_final(&h, ret);
}
