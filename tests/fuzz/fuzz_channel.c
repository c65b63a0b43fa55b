// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "channel.h"
#include "through.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* Past the signatures: what parses is what is written again. */
static bool past(const uint8_t *buf, size_t len)
{
	uint8_t again[CHANNEL_DOCUMENT_MAX];
	struct channel c;
	size_t n;

	if (channel_parse(buf, len, &c, NULL))
		return false;
	if (channel_format(&c, again, &n) || n != len || memcmp(again, buf, n) != 0)
		abort();
	return true;
}

static int open(const uint8_t *buf, size_t len, const struct trust *t)
{
	const struct channel_want want = { "cairn-x86_64", "stable", 3, NULL, 1, 1700000000 };
	uint8_t digest[SHA256_SIZE];
	struct channel c;
	int rc = channel_open(buf, len, t, 1, &c, digest, NULL);

	if (rc == 0 && channel_check(&c, digest, &want, NULL) == 0 &&
	    (c.sequence < 3 || c.expires <= want.now))
		abort();
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	if (len < 1)
		return 0;
	through(buf, len, past(buf, len), open, 4);
	return 0;
}
