// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "channel.h"
#include "testkeys.h"

#define NOW UINT64_C(1800000000)

static void make(struct channel *c)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	strcpy(c->name, "stable");
	strcpy(c->compatible, "cairn-x86_64");
	strcpy(c->version, "0.2.0");
	c->sequence = 12;
	c->created = NOW - 1000;
	c->expires = NOW + 1000;
	c->trust = 1;
	c->release = 2;
	memset(c->full.manifest, 0xf0, SHA256_SIZE);
	c->full.size_bytes = 27900000;
	c->deltas = 2;
	for (i = 0; i < c->deltas; i++) {
		memset(c->delta[i].base, (int)(0xa0 + i), SHA256_SIZE);
		memset(c->delta[i].manifest, (int)(0xd0 + i), SHA256_SIZE);
		c->delta[i].size_bytes = 2000000 + i;
	}
}

static size_t sign_channel(const struct channel *c, unsigned int mask, uint8_t *ret)
{
	uint8_t doc[CHANNEL_DOCUMENT_MAX];
	size_t len;

	assert_int_equal(channel_format(c, doc, &len), 0);
	return testkeys_sign(doc, len, mask, ret);
}

static void test_there_and_back(void **state)
{
	uint8_t buf[CHANNEL_DOCUMENT_MAX], base[SHA256_SIZE];
	struct channel c, got;
	size_t len, i;

	(void)state;
	make(&c);
	assert_int_equal(channel_format(&c, buf, &len), 0);
	assert_int_equal(channel_parse(buf, len, &got, NULL), 0);
	assert_memory_equal(&got, &c, sizeof(c));
	for (i = 0; i < len; i++)
		assert_int_equal(channel_parse(buf, i, &got, NULL), -EBADMSG);
	memset(base, 0xa1, sizeof(base));
	assert_ptr_equal(channel_delta(&c, base), &c.delta[1]);
	base[31] ^= 1;
	assert_null(channel_delta(&c, base));
	memset(base, 0, sizeof(base));
	assert_null(channel_delta(&c, base));
	/* The largest fits. */
	memset(c.name, 'n', sizeof(c.name) - 1);
	memset(c.compatible, 'c', sizeof(c.compatible) - 1);
	memset(c.version, '~', sizeof(c.version) - 1);
	c.sequence = c.release = c.trust = c.expires = c.full.size_bytes = UINT64_MAX;
	c.deltas = CHANNEL_DELTAS_MAX;
	for (i = 0; i < c.deltas; i++) {
		memset(c.delta[i].base, (int)i, SHA256_SIZE);
		c.delta[i].size_bytes = UINT64_MAX;
	}
	assert_int_equal(channel_format(&c, buf, &len), 0);
}

static void test_not_written(void **state)
{
	uint8_t buf[CHANNEL_DOCUMENT_MAX];
	struct channel good, c;
	size_t len;

	(void)state;
	make(&good);
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		c = good;                                                                          \
		change;                                                                            \
		assert_int_equal(channel_format(&c, buf, &len), -EINVAL);                          \
	} while (0)
	REFUSED(c.sequence = 0);
	REFUSED(c.created = 0);
	REFUSED(c.trust = 0);
	REFUSED(c.release = 0);
	REFUSED(c.expires = c.created);
	REFUSED(c.full.size_bytes = 0);
	REFUSED(c.delta[0].size_bytes = 0);
	REFUSED(c.deltas = CHANNEL_DELTAS_MAX + 1);
	REFUSED(memcpy(c.delta[1].base, c.delta[0].base, SHA256_SIZE)); /* a base twice */
	REFUSED(c.delta[0].base[0] = 0xff);				/* out of order */
	REFUSED(c.name[0] = '\0');
	REFUSED(strcpy(c.name, "a b"));
	REFUSED(strcpy(c.version, "1\n2"));
	REFUSED(memset(c.version, 'x', sizeof(c.version)));
#undef REFUSED
}

static void test_form(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "cairn-channel 1", "cairn-channel 2" },
		{ "cairn-channel 1", "cairn-bundle 1" },
		{ "name=stable", "name=" },
		{ "name=stable", "name=a/b" },
		{ "name=stable\n", "" },
		{ "name=stable\n", "name=stable\r\n" },
		{ "sequence=12", "sequence=012" },
		{ "sequence=12", "sequence=0" },
		{ "sequence=12", "sequence=99999999999999999999" },
		{ "sequence=12\n", "sequence=12\nstaged=10\n" },
		{ "full=", "patch=" },
		{ "full=f0", "full=F0" },
		{ "full=f0", "full=f" },
		{ "delta=a0", "delta=A0" },
		{ "delta=a0", "delta=b0" },
		{ "end\n", "" },
		{ "end\n", "end\n\n" },
		{ "end\n", "full=1\nend\n" },
	};
	uint8_t doc[CHANNEL_DOCUMENT_MAX], buf[CHANNEL_DOCUMENT_MAX + 64];
	struct channel c, got;
	size_t len, i;

	(void)state;
	make(&c);
	assert_int_equal(channel_format(&c, doc, &len), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *at = memmem(doc, len, rows[i].from, strlen(rows[i].from));
		size_t before, n;

		assert_non_null(at);
		before = (size_t)(at - doc);
		n = before + strlen(rows[i].from);
		memcpy(buf, doc, before);
		memcpy(buf + before, rows[i].to, strlen(rows[i].to));
		memcpy(buf + before + strlen(rows[i].to), doc + n, len - n);
		if (channel_parse(buf, before + strlen(rows[i].to) + len - n, &got, NULL) !=
		    -EBADMSG)
			fail_msg("accepted: %s for %s", rows[i].to, rows[i].from);
	}
}

static void test_open(void **state)
{
	uint8_t buf[SIGNED_MAX + 1], digest[SHA256_SIZE], want[SHA256_SIZE];
	uint8_t doc[CHANNEL_DOCUMENT_MAX];
	struct channel c, got;
	struct trust t;
	size_t len;

	(void)state;
	make(&c);
	testkeys_simple(&t);
	assert_int_equal(channel_format(&c, doc, &len), 0);
	sha256(doc, len, want);
	len = sign_channel(&c, 4, buf);
	assert_int_equal(channel_open(buf, len, &t, NOW, &got, digest, NULL), 0);
	assert_memory_equal(&got, &c, sizeof(c));
	assert_memory_equal(digest, want, sizeof(want));
	assert_int_equal(channel_open(buf, len, &t, NOW, &got, NULL, NULL), 0);
	assert_int_equal(channel_open(buf, len - 1, &t, NOW, &got, NULL, NULL), -EBADMSG);
	assert_int_equal(channel_open(buf, len + 1, &t, NOW, &got, NULL, NULL), -EBADMSG);
	/* Signed with root's or release's key, or by nobody. */
	len = sign_channel(&c, 3, buf);
	assert_int_equal(channel_open(buf, len, &t, NOW, &got, NULL, NULL), -EKEYREJECTED);
	len = sign_channel(&c, 0, buf);
	assert_int_equal(channel_open(buf, len, &t, NOW, &got, NULL, NULL), -EKEYREJECTED);
	/* Under a trust that has expired. */
	len = sign_channel(&c, 4, buf);
	assert_int_equal(channel_open(buf, len, &t, t.expires, &got, NULL, NULL), -EKEYEXPIRED);
	/* A well signed document of another kind. */
	len = testkeys_sign("cairn-bundle 1\n", 15, 4, buf);
	assert_int_equal(channel_open(buf, len, &t, NOW, &got, NULL, NULL), -EBADMSG);
}

static void test_check(void **state)
{
	static const uint8_t same[SHA256_SIZE] = { 1 }, other[SHA256_SIZE] = { 2 };
	static const struct {
		const char *what;
		struct channel_want want;
		int rc;
	} rows[] = {
		{ "first sight", { "cairn-x86_64", NULL, 0, NULL, 1, NOW }, 0 },
		{ "a newer one", { "cairn-x86_64", "stable", 11, other, 1, NOW }, 0 },
		{ "the same again", { "cairn-x86_64", "stable", 12, same, 1, NOW }, 0 },
		{ "the same, content not kept", { "cairn-x86_64", "stable", 12, NULL, 1, NOW }, 0 },
		{ "replay", { "cairn-x86_64", "stable", 13, other, 1, NOW }, -ESTALE },
		{ "two of one sequence", { "cairn-x86_64", "stable", 12, other, 1, NOW }, -ESTALE },
		{ "for others", { "cairn-aarch64", "stable", 0, NULL, 1, NOW }, -EXDEV },
		{ "for a longer name", { "cairn-x86_64v3", NULL, 0, NULL, 1, NOW }, -EXDEV },
		{ "another channel", { "cairn-x86_64", "beta", 0, NULL, 1, NOW }, -EXDEV },
		{ "freeze", { "cairn-x86_64", NULL, 0, NULL, 1, NOW + 1000 }, -EKEYEXPIRED },
		{ "freeze for years",
		  { "cairn-x86_64", NULL, 0, NULL, 1, UINT64_MAX },
		  -EKEYEXPIRED },
		{ "the last second", { "cairn-x86_64", NULL, 0, NULL, 1, NOW + 999 }, 0 },
		{ "clock not set", { "cairn-x86_64", NULL, 0, NULL, 1, TRUST_TIME_UNKNOWN }, 0 },
		{ "replay, clock not set",
		  { "cairn-x86_64", NULL, 13, NULL, 1, TRUST_TIME_UNKNOWN },
		  -ESTALE },
		{ "a clock that is behind", { "cairn-x86_64", NULL, 0, NULL, 1, 1 }, 0 },
		{ "a trust held back", { "cairn-x86_64", NULL, 0, NULL, 0, NOW }, -ENOKEY },
		{ "a newer trust is here", { "cairn-x86_64", NULL, 0, NULL, 5, NOW }, 0 },
	};
	struct err err = { "" };
	struct channel c;
	size_t i;

	(void)state;
	make(&c);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (channel_check(&c, same, &rows[i].want, &err) != rows[i].rc)
			fail_msg("%s: %s", rows[i].what, err.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_form),	       cmocka_unit_test(test_open),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
