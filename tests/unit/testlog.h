// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TESTLOG_H
#define CAIRN_TESTLOG_H

/* Event logs made for tests: the SHA-256 bank only; each event's digest is that of its data. */
#include <string.h>

#include "bytes.h"
#include "crypto.h"

struct testlog {
	uint8_t buf[65536];
	size_t len;
};

static inline void testlog_init(struct testlog *log)
{
	memset(log, 0, sizeof(*log));
	le32_store(log->buf + 4, 3);
	le32_store(log->buf + 28, 33);
	memcpy(log->buf + 32, "Spec ID Event03", 16);
	le32_store(log->buf + 56, 1);
	le16_store(log->buf + 60, 0x000b);
	le16_store(log->buf + 62, SHA256_SIZE);
	log->len = 32 + 33;
}

static inline void testlog_digest(struct testlog *log, uint32_t pcr, uint32_t type,
				  const uint8_t *digest, const void *data, uint32_t size)
{
	uint8_t *p = log->buf + log->len;

	le32_store(p, pcr);
	le32_store(p + 4, type);
	le32_store(p + 8, 1);
	le16_store(p + 12, 0x000b);
	memcpy(p + 14, digest, SHA256_SIZE);
	le32_store(p + 46, size);
	memcpy(p + 50, data, size);
	log->len += 50 + size;
}

static inline void testlog_add(struct testlog *log, uint32_t pcr, uint32_t type, const char *text)
{
	uint8_t digest[SHA256_SIZE];

	sha256(text, strlen(text), digest);
	testlog_digest(log, pcr, type, digest, text, (uint32_t)strlen(text));
}

#endif
