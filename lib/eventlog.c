// SPDX-License-Identifier: Apache-2.0
#include "eventlog.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define ALG_SHA256 0x000b /* TPM 2.0 Part 2 r1.59, TPM_ALG_ID */
#define SHA1_SIZE 20
#define DIGEST_MAX 64

static const char spec_id[16] = "Spec ID Event03";
static const char startup_locality[16] = "StartupLocality";

/* take - step over n bytes of the log; NULL when it ends before. */
static const uint8_t *take(struct eventlog *log, size_t n)
{
	const uint8_t *p = log->buf + log->pos;

	if (n > log->len - log->pos)
		return NULL;
	log->pos += n;
	return p;
}

static int cut_short(const struct eventlog *log, struct err *err)
{
	return err_set(err, -EBADMSG, "event log: event %u is cut short at byte %zu of %zu",
		       log->index, log->pos, log->len);
}

static int read_algorithms(struct eventlog *log, const uint8_t *data, uint32_t size,
			   struct err *err)
{
	uint32_t i, j, n;
	int sha256_found = 0;

	if (size < 28 || memcmp(data, spec_id, sizeof(spec_id)) != 0)
		return err_set(err, -EBADMSG, "event log: no Spec ID event at its start");
	n = le32_load(data + 24);
	if (n == 0 || n > EVENTLOG_ALGS_MAX || size < 28 + 4 * n + 1)
		return err_set(err, -EBADMSG, "event log: %u algorithms in %u bytes", n, size);
	for (i = 0; i < n; i++) {
		log->alg[i].id = le16_load(data + 28 + 4 * i);
		log->alg[i].size_bytes = le16_load(data + 30 + 4 * i);
		for (j = 0; j < i; j++)
			if (log->alg[j].id == log->alg[i].id)
				return err_set(err, -EBADMSG, "event log: algorithm 0x%x twice",
					       log->alg[i].id);
		if (log->alg[i].size_bytes == 0 || log->alg[i].size_bytes > DIGEST_MAX)
			return err_set(err, -EBADMSG, "event log: digest of %u bytes",
				       log->alg[i].size_bytes);
		if (log->alg[i].id == ALG_SHA256) {
			if (log->alg[i].size_bytes != SHA256_SIZE)
				return err_set(err, -EBADMSG, "event log: SHA-256 of %u bytes",
					       log->alg[i].size_bytes);
			sha256_found = 1;
		}
	}
	if (size != 28 + 4 * n + 1 + data[28 + 4 * n])
		return err_set(err, -EBADMSG, "event log: Spec ID event of %u bytes", size);
	if (!sha256_found)
		return err_set(err, -ENOTSUP, "event log: no SHA-256 bank");
	log->algs = n;
	return 0;
}

int eventlog_init(struct eventlog *log, const uint8_t *buf, size_t len, struct err *err)
{
	const uint8_t *head, *data;
	uint32_t size;

	memset(log, 0, sizeof(*log));
	if (len > EVENTLOG_SIZE_MAX)
		return err_set(err, -EFBIG, "event log: %zu bytes, at most %u are read", len,
			       EVENTLOG_SIZE_MAX);
	log->buf = buf;
	log->len = len;
	head = take(log, 8 + SHA1_SIZE + 4);
	if (!head)
		return cut_short(log, err);
	if (le32_load(head) != 0 || le32_load(head + 4) != EVENTLOG_EV_NO_ACTION)
		return err_set(err, -EBADMSG, "event log: no Spec ID event at its start");
	size = le32_load(head + 8 + SHA1_SIZE);
	data = take(log, size);
	if (!data)
		return cut_short(log, err);
	log->index = 1;
	return read_algorithms(log, data, size, err);
}

/* digest_size - bytes of a digest of this algorithm; 0 when the log does not name it. */
static uint16_t digest_size(const struct eventlog *log, uint16_t id)
{
	uint32_t i;

	for (i = 0; i < log->algs; i++)
		if (log->alg[i].id == id)
			return log->alg[i].size_bytes;
	return 0;
}

int eventlog_next(struct eventlog *log, struct eventlog_event *ret_event, struct err *err)
{
	struct eventlog_event e = { .index = log->index };
	const uint8_t *p;
	uint32_t i, n;

	if (log->pos == log->len)
		return 0;
	p = take(log, 12);
	if (!p)
		return cut_short(log, err);
	e.pcr = le32_load(p);
	e.type = le32_load(p + 4);
	n = le32_load(p + 8);
	if (e.pcr >= EVENTLOG_PCRS && e.type != EVENTLOG_EV_NO_ACTION)
		return err_set(err, -EBADMSG, "event log: event %u names PCR %u", e.index, e.pcr);
	if (n > log->algs)
		return err_set(err, -EBADMSG, "event log: event %u has %u digests", e.index, n);
	for (i = 0; i < n; i++) {
		uint16_t id, size;

		p = take(log, 2);
		if (!p)
			return cut_short(log, err);
		id = le16_load(p);
		size = digest_size(log, id);
		if (size == 0)
			return err_set(err, -EBADMSG, "event log: event %u has algorithm 0x%x",
				       e.index, id);
		p = take(log, size);
		if (!p)
			return cut_short(log, err);
		if (id == ALG_SHA256 && e.digest)
			return err_set(err, -EBADMSG, "event log: event %u has SHA-256 twice",
				       e.index);
		if (id == ALG_SHA256)
			e.digest = p;
	}
	if (!e.digest)
		return err_set(err, -EBADMSG, "event log: event %u has no SHA-256 digest", e.index);
	p = take(log, 4);
	if (!p)
		return cut_short(log, err);
	e.data_len = le32_load(p);
	e.data = take(log, e.data_len);
	if (!e.data)
		return cut_short(log, err);
	log->index++;
	*ret_event = e;
	return 1;
}

static void reset(struct eventlog_pcrs *pcrs)
{
	memset(pcrs, 0, sizeof(*pcrs));
	/* PCRs 17 to 22 are all ones until a dynamic launch (TPM profile 1.05, section 4.6.2). */
	memset(pcrs->pcr[17], 0xff, 6 * SHA256_SIZE);
}

void eventlog_extend(uint8_t pcr[static SHA256_SIZE], const uint8_t digest[static SHA256_SIZE])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, pcr, SHA256_SIZE);
	sha256_update(&h, digest, SHA256_SIZE);
	sha256_final(&h, pcr);
}

static void extend(struct eventlog_pcrs *pcrs, const struct eventlog_event *e)
{
	eventlog_extend(pcrs->pcr[e->pcr], e->digest);
	pcrs->extended |= 1u << e->pcr;
}

/* no_action - of these events only StartupLocality changes a PCR: the last byte PCR 0 began with.
 */
static int no_action(struct eventlog_pcrs *pcrs, const struct eventlog_event *e, struct err *err)
{
	if (e->data_len != sizeof(startup_locality) + 1 ||
	    memcmp(e->data, startup_locality, sizeof(startup_locality)) != 0)
		return 0;
	if (e->pcr != 0 || pcrs->extended & 1u)
		return err_set(err, -EBADMSG, "event log: StartupLocality after PCR 0 began");
	pcrs->pcr[0][SHA256_SIZE - 1] = e->data[sizeof(startup_locality)];
	return 0;
}

int eventlog_replay(const uint8_t *buf, size_t len, struct eventlog_pcrs *ret_pcrs, struct err *err)
{
	struct eventlog_pcrs pcrs;
	struct eventlog_event e = { 0 };
	struct eventlog log;
	int rc;

	rc = eventlog_init(&log, buf, len, err);
	if (rc)
		return rc;
	reset(&pcrs);
	while ((rc = eventlog_next(&log, &e, err)) > 0) {
		if (e.type == EVENTLOG_EV_NO_ACTION)
			rc = no_action(&pcrs, &e, err);
		else
			extend(&pcrs, &e);
		if (rc < 0)
			break;
		pcrs.events++;
	}
	if (rc < 0)
		return rc;
	*ret_pcrs = pcrs;
	return 0;
}
