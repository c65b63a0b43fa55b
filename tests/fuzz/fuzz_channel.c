// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "tests/unit/testkeys.h"

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

/* Through them: nothing unsigned is taken, and what is well signed is taken where it parses. */
static void through(const uint8_t *buf, size_t len, bool parses)
{
	struct channel_want want = { "cairn-x86_64", "stable", 3, NULL, 1, 1700000000 };
	uint8_t whole[SIGNED_MAX], digest[SHA256_SIZE];
	struct channel c;
	struct trust t;
	size_t n;

	testkeys_simple(&t);
	(void)channel_open(buf, len, &t, 1, &c, digest, NULL);
	if (len > SIGNED_DOCUMENT_MAX)
		return;
	n = testkeys_sign(buf, len, 4, whole);
	if ((channel_open(whole, n, &t, 1, &c, digest, NULL) == 0) != parses)
		abort();
	if (parses && channel_check(&c, digest, &want, NULL) == 0 &&
	    (c.sequence < 3 || c.expires <= want.now))
		abort();
	if (!parses)
		return;
	n = testkeys_sign(buf, len, 3, whole);
	if (channel_open(whole, n, &t, 1, &c, digest, NULL) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	if (len < 1)
		return 0;
	through(buf, len, past(buf, len));
	return 0;
}
