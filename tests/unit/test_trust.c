// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "testkeys.h"

#define EXPIRES UINT64_C(2000000000)

/* Sign the trust's document with the keys of the mask. */
static size_t sign_trust(const struct trust *t, unsigned int mask, uint8_t *ret)
{
	uint8_t doc[TRUST_DOCUMENT_MAX];
	size_t len;

	assert_int_equal(trust_format(t, doc, &len), 0);
	return testkeys_sign(doc, len, mask, ret);
}

/* Keys 0 to 2 are root (two needed), 3 and 4 release (one), 5 channel. */
static void make(struct trust *t, uint64_t number, unsigned int root_mask)
{
	testkeys_trust(t, number, EXPIRES, root_mask | 0x38);
	testkeys_role(t, TRUST_ROOT, 2, root_mask);
	testkeys_role(t, TRUST_RELEASE, 1, 0x18);
	testkeys_role(t, TRUST_CHANNEL, 1, 0x20);
}

static void test_there_and_back(void **state)
{
	uint8_t buf[TRUST_DOCUMENT_MAX], again[TRUST_DOCUMENT_MAX];
	struct trust t, got;
	size_t len, again_len, i;

	(void)state;
	make(&t, 7, 7);
	assert_int_equal(trust_format(&t, buf, &len), 0);
	assert_int_equal(trust_parse(buf, len, &got, NULL), 0);
	assert_int_equal(got.number, 7);
	assert_int_equal(got.expires, EXPIRES);
	assert_int_equal(got.keys, 6);
	assert_int_equal(got.role[TRUST_ROOT].threshold, 2);
	assert_int_equal(got.role[TRUST_ROOT].keys, 3);
	assert_int_equal(trust_format(&got, again, &again_len), 0);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, buf, len);
	for (i = 0; i < len; i++)
		assert_int_equal(trust_parse(buf, i, &got, NULL), -EBADMSG);
	buf[len] = '\n';
	assert_int_equal(trust_parse(buf, len + 1, &got, NULL), -EBADMSG);
	/* The largest fits. */
	testkeys_trust(&t, UINT64_MAX, UINT64_MAX, 0xffff);
	testkeys_role(&t, TRUST_ROOT, 16, 0xffff);
	testkeys_role(&t, TRUST_RELEASE, 16, 0xffff);
	testkeys_role(&t, TRUST_CHANNEL, 16, 0xffff);
	assert_int_equal(trust_format(&t, buf, &len), 0);
	assert_int_equal(trust_parse(buf, len, &got, NULL), 0);
}

static void test_not_written(void **state)
{
	uint8_t buf[TRUST_DOCUMENT_MAX];
	struct trust good, t;
	size_t len;

	(void)state;
	make(&good, 1, 7);
	t = good;
	t.number = 0;
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
	t = good;
	t.role[TRUST_RELEASE].threshold = 3; /* more than keys */
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
	t = good;
	t.role[TRUST_CHANNEL].threshold = 0;
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
	t = good;
	t.role[TRUST_ROOT].key[1] = t.role[TRUST_ROOT].key[0]; /* a key twice in a role */
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
	t = good;
	t.role[TRUST_ROOT].key[2] = 6;
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
	t = good;
	t.key[1] = t.key[0]; /* a key twice */
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
	t = good;
	t.keys = 17;
	assert_int_equal(trust_format(&t, buf, &len), -EINVAL);
}

static void refuse_edit(const uint8_t *doc, size_t len, const char *from, const char *to)
{
	uint8_t buf[TRUST_DOCUMENT_MAX + 64];
	const uint8_t *at = memmem(doc, len, from, strlen(from));
	size_t before, n = 0;
	struct trust t;

	assert_non_null(at);
	before = (size_t)(at - doc);
	memcpy(buf, doc, before);
	n = before;
	memcpy(buf + n, to, strlen(to));
	n += strlen(to);
	memcpy(buf + n, at + strlen(from), len - before - strlen(from));
	n += len - before - strlen(from);
	if (trust_parse(buf, n, &t, NULL) != -EBADMSG)
		fail_msg("accepted: `%s' for `%s'", to, from);
}

static void test_form(void **state)
{
	uint8_t doc[TRUST_DOCUMENT_MAX];
	struct trust t;
	size_t len;

	(void)state;
	make(&t, 1, 7);
	assert_int_equal(trust_format(&t, doc, &len), 0);
	refuse_edit(doc, len, "cairn-trust 1", "cairn-trust 2");
	refuse_edit(doc, len, "cairn-trust 1", "cairn-channel 1");
	refuse_edit(doc, len, "number=1", "number=01");
	refuse_edit(doc, len, "number=1", "number=0");
	refuse_edit(doc, len, "number=1", "number=");
	refuse_edit(doc, len, "number=1", "number= 1");
	refuse_edit(doc, len, "number=1\n", "number=1\n\n");
	refuse_edit(doc, len, "number=1\n", "number=1\n#\n");
	refuse_edit(doc, len, "number=1\n", "number=1\nfuture=1\n");
	refuse_edit(doc, len, "number=1\n", "number=1\nnumber=1\n");
	refuse_edit(doc, len, "number=1\n", "number=18446744073709551616\n");
	refuse_edit(doc, len, "number=1\n", "");
	refuse_edit(doc, len, "key=04", "key=02");
	refuse_edit(doc, len, "key=04", "key=0 ");
	refuse_edit(doc, len, "root=2", "root=4");
	refuse_edit(doc, len, "root=2", "root=2 ");
	refuse_edit(doc, len, "root=2", "root=0");
	refuse_edit(doc, len, "release=", "targets=");
	refuse_edit(doc, len, "end\n", "");
	refuse_edit(doc, len, "end\n", "end");
	refuse_edit(doc, len, "end\n", "role=1\nend\n");
	refuse_edit(doc, len, "end\n", "end\nend\n");
}

static void test_open(void **state)
{
	uint8_t buf[SIGNED_MAX + 1];
	struct trust t, got;
	size_t len;

	(void)state;
	make(&t, 1, 7);
	len = sign_trust(&t, 3, buf);
	assert_int_equal(trust_open(buf, len, &got, NULL), 0);
	assert_memory_equal(&got, &t, sizeof(t));
	buf[len] = '\n';
	assert_int_equal(trust_open(buf, len + 1, &got, NULL), -EBADMSG);
	assert_int_equal(trust_open(buf, len - 1, &got, NULL), -EBADMSG);
	/* One of two; others' keys; none. */
	len = sign_trust(&t, 1, buf);
	assert_int_equal(trust_open(buf, len, &got, NULL), -EKEYREJECTED);
	len = sign_trust(&t, 0x39, buf);
	assert_int_equal(trust_open(buf, len, &got, NULL), -EKEYREJECTED);
	len = sign_trust(&t, 0, buf);
	assert_int_equal(trust_open(buf, len, &got, NULL), -EKEYREJECTED);
}

/* Who must have signed number 2, whose root keys are 1, 2 and 6, after 1 with 0, 1 and 2. */
static void test_rotation(void **state)
{
	static const struct {
		uint64_t number;
		unsigned int mask; /* who signs */
		int rc;
	} rows[] = {
		{ 2, 0x06, 0 },		    /* two that both have */
		{ 2, 0x43, 0 },		    /* 0, 1 for the old; 1, 6 for the new */
		{ 2, 0x7f, 0 },		    /* all, and some that do not count */
		{ 2, 0x03, -EKEYREJECTED }, /* the old alone */
		{ 2, 0x44, -EKEYREJECTED }, /* the new alone */
		{ 2, 0x02, -EKEYREJECTED }, /* one that both have */
		{ 2, 0x38, -EKEYREJECTED }, /* release and channel keys */
		{ 2, 0x00, -EKEYREJECTED },
		{ 3, 0x06, -ERANGE }, /* a number was skipped */
		{ UINT64_MAX, 0x06, -ERANGE },
		{ 1, 0x06, -ESTALE }, /* the same again */
	};
	uint8_t buf[SIGNED_MAX];
	struct trust one, two, got;
	size_t i, len;

	(void)state;
	make(&one, 1, 7);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trust kept;

		make(&two, rows[i].number, 0x46);
		len = sign_trust(&two, rows[i].mask, buf);
		memset(&got, 0x5a, sizeof(got));
		kept = got;
		if (trust_next(&one, buf, len, &got, NULL) != rows[i].rc)
			fail_msg("row %zu", i);
		if (rows[i].rc)
			assert_memory_equal(&got, &kept, sizeof(got));
		else
			assert_memory_equal(&got, &two, sizeof(got));
	}
	/* An older trust is no way back. */
	len = sign_trust(&one, 7, buf);
	make(&two, 2, 0x46);
	assert_int_equal(trust_next(&two, buf, len, &got, NULL), -ESTALE);
	/* A signature of the role that does not hold refuses all, enough others or not. */
	len = sign_trust(&two, 0x07, buf);
	buf[len - 2] = buf[len - 2] == '0' ? '1' : '0';
	assert_int_equal(trust_next(&one, buf, len, &got, NULL), -EKEYREJECTED);
}

/* What was taken lies in one file; a newer start passes over what it knows. */
static void test_chain(void **state)
{
	static uint8_t file[4 * SIGNED_MAX];
	struct trust one, two, three, t;
	size_t len, first, all;

	(void)state;
	make(&one, 1, 0x07);
	make(&two, 2, 0x46);
	make(&three, 3, 0x0c0 | 4);
	all = first = sign_trust(&two, 0x06, file);
	all += sign_trust(&three, 0x44, file + all);

	t = one;
	assert_int_equal(trust_chain(&t, file, all, NULL), 0);
	assert_int_equal(t.number, 3);
	t = two;
	assert_int_equal(trust_chain(&t, file, all, NULL), 0);
	assert_int_equal(t.number, 3);
	t = three;
	assert_int_equal(trust_chain(&t, file, all, NULL), 0);
	assert_int_equal(t.number, 3);
	t = one; /* the middle is missing */
	assert_int_equal(trust_chain(&t, file + first, all - first, NULL), 0);
	assert_int_equal(t.number, 1);
	t = one;
	assert_int_equal(trust_chain(&t, file, 0, NULL), 0);
	assert_int_equal(t.number, 1);
	t = one; /* cut in the third: the second counts */
	for (len = first + 1; len < all; len += 97) {
		assert_int_equal(trust_chain(&t, file, len, NULL), -EBADMSG);
		assert_int_equal(t.number, 2);
		t = one;
	}
	assert_int_equal(trust_chain(&t, file, TRUST_CHAIN_MAX + 1, NULL), -EBADMSG);
}

static void test_check(void **state)
{
	static const char doc_text[] = "cairn-test 1\nend\n";
	static const struct {
		unsigned int mask;
		enum trust_role role;
		uint64_t now;
		int rc;
	} rows[] = {
		{ 0x08, TRUST_RELEASE, 1, 0 },
		{ 0x10, TRUST_RELEASE, 1, 0 },
		{ 0x18, TRUST_RELEASE, 1, 0 },
		{ 0x20, TRUST_CHANNEL, 1, 0 },
		{ 0x20, TRUST_RELEASE, 1, -EKEYREJECTED }, /* the channel's key signs no bundle */
		{ 0x18, TRUST_CHANNEL, 1, -EKEYREJECTED }, /* nor the other way round */
		{ 0x07, TRUST_RELEASE, 1, -EKEYREJECTED }, /* nor root's either of them */
		{ 0x07, TRUST_ROOT, 1, 0 },
		{ 0x04, TRUST_ROOT, 1, -EKEYREJECTED },
		{ 0x80, TRUST_RELEASE, 1, -EKEYREJECTED }, /* a key that nobody knows */
		{ 0x88, TRUST_RELEASE, 1, 0 },		   /* beside one that counts */
		{ 0x08, TRUST_RELEASE, EXPIRES - 1, 0 },
		{ 0x08, TRUST_RELEASE, EXPIRES, -EKEYEXPIRED },
		{ 0x08, TRUST_RELEASE, UINT64_MAX, -EKEYEXPIRED },
		{ 0x08, TRUST_RELEASE, TRUST_TIME_UNKNOWN, 0 },
	};
	uint8_t buf[SIGNED_MAX];
	struct signed_doc doc;
	struct trust t;
	struct err err = { "" };
	size_t i, len;

	(void)state;
	make(&t, 1, 7);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = testkeys_sign(doc_text, sizeof(doc_text) - 1, rows[i].mask, buf);
		assert_int_equal(signed_split(buf, len, &doc, NULL), 0);
		if (trust_check(&t, rows[i].role, &doc, rows[i].now, &err) != rows[i].rc)
			fail_msg("row %zu: %s", i, err.msg);
	}
	/* Another document under good signatures. */
	len = testkeys_sign(doc_text, sizeof(doc_text) - 1, 0x08, buf);
	buf[len - SIGNED_LINE_BYTES - 2] ^= 1;
	assert_int_equal(signed_split(buf, len, &doc, NULL), 0);
	assert_int_equal(trust_check(&t, TRUST_RELEASE, &doc, 1, &err), -EKEYREJECTED);
}

/* Two signatures of one key, under whatever id, are one signature. */
static void test_one_key_twice(void **state)
{
	static const char doc_text[] = "cairn-test 1\nend\n";
	struct signature s[2];
	uint8_t buf[SIGNED_MAX];
	struct signed_doc doc;
	struct trust t;
	size_t len;

	(void)state;
	make(&t, 1, 7);
	s[0] = s[1] = testkeys_signature(0, doc_text, sizeof(doc_text) - 1);
	s[1].key_id[0] ^= 1; /* the second goes under another name */
	assert_int_equal(signed_write(doc_text, sizeof(doc_text) - 1, s, 2, buf, &len), 0);
	assert_int_equal(signed_split(buf, len, &doc, NULL), 0);
	assert_int_equal(trust_check(&t, TRUST_ROOT, &doc, 1, NULL), -EKEYREJECTED);
	/* Even under the id of another key of the role. */
	memcpy(s[1].key_id, t.key[testkeys_index(&t, 1)].id, SHA256_SIZE);
	assert_int_equal(signed_write(doc_text, sizeof(doc_text) - 1, s, 2, buf, &len), 0);
	assert_int_equal(signed_split(buf, len, &doc, NULL), 0);
	assert_int_equal(trust_check(&t, TRUST_ROOT, &doc, 1, NULL), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_form),	       cmocka_unit_test(test_open),
		cmocka_unit_test(test_rotation),       cmocka_unit_test(test_chain),
		cmocka_unit_test(test_check),	       cmocka_unit_test(test_one_key_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
