// SPDX-License-Identifier: Apache-2.0
/* That other tools and the firmware read what is made here: tests/e2e/11-keys.sh, 36-enrol.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "efiauth.h"

static const uint8_t owner[EFIAUTH_GUID_BYTES] = { 0x6e, 0x72 };
static uint8_t buf[EFIAUTH_MAX + 1], message[EFIAUTH_MESSAGE_MAX];

static void test_lists(void **state)
{
	static const uint8_t hash[SHA256_SIZE] = { 7 }, other[SHA256_SIZE] = { 8 };
	uint8_t revoked[SHA256_SIZE + EFIAUTH_TIME_BYTES] = { 9 };
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;
	size_t len = 0, n;

	(void)state;
	assert_int_equal(efiauth_check(buf, 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(efiauth_add(buf, 400, &len, EFIAUTH_X509, owner, "cert", 4), 0);
	assert_int_equal(len, 28 + 16 + 4);
	assert_int_equal(efiauth_add(buf, 400, &len, EFIAUTH_SHA256, owner, hash, 32), 0);
	assert_int_equal(efiauth_add(buf, 400, &len, EFIAUTH_X509_SHA256, owner, revoked, 48), 0);
	assert_int_equal(efiauth_add(buf, 400, &len, EFIAUTH_SHA256, owner, hash, 31), -EINVAL);
	assert_int_equal(efiauth_add(buf, 400, &len, EFIAUTH_OTHER, owner, hash, 32), -EINVAL);
	assert_int_equal(
		efiauth_add(buf, len + 28 + 16 + 31, &len, EFIAUTH_SHA256, owner, hash, 32),
		-ENOSPC);
	assert_int_equal(efiauth_check(buf, len, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(efiauth_next(buf, len, &walk, &e), 1);
	assert_int_equal(e.type, EFIAUTH_X509);
	assert_int_equal(e.len, 4);
	assert_memory_equal(e.data, "cert", 4);
	assert_memory_equal(e.owner, owner, sizeof(owner));
	assert_true(efiauth_has(buf, len, EFIAUTH_SHA256, hash, 32));
	assert_false(efiauth_has(buf, len, EFIAUTH_X509, hash, 32));
	assert_false(efiauth_has(buf, len, EFIAUTH_SHA256, other, 32));
	assert_true(efiauth_has_all(buf, len, buf + 48, len - 48));
	assert_false(efiauth_has_all(buf, 48, buf, len));
	assert_true(efiauth_has_all(buf, 0, buf, 0));
}

/* A list of a type that is not known, with a header and two entries, is walked over. */
static void test_unknown_type(void **state)
{
	struct efiauth_walk walk = { 0 };
	struct efiauth_entry e;
	size_t n;

	(void)state;
	memset(buf, 0xee, 16);
	le32_store(buf + 16, 28 + 3 + 2 * 20);
	le32_store(buf + 20, 3);
	le32_store(buf + 24, 20);
	assert_int_equal(efiauth_check(buf, 71, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(efiauth_next(buf, 71, &walk, &e), 1);
	assert_int_equal(e.type, EFIAUTH_OTHER);
	assert_ptr_equal(e.data, buf + 28 + 3 + 16);
}

static void test_refused_lists(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {
		{ 16, 0 },	    { 16, 27 }, { 16, 49 }, { 16, 47 },
		{ 16, 0xffffffff }, { 20, 21 }, { 20, 1 },  { 20, 0xfffffff0 },
		{ 24, 0 },	    { 24, 16 }, { 24, 19 }, { 24, 0xffffffff },
	};
	size_t len = 0, i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = 0;
		assert_int_equal(efiauth_add(buf, 400, &len, EFIAUTH_X509, owner, "cert", 4), 0);
		le32_store(buf + cases[i].at, cases[i].value);
		assert_int_equal(efiauth_check(buf, len, &n), -EBADMSG);
	}
	for (len = 1; len < 48; len++)
		assert_int_equal(efiauth_check(buf, len, &n), -EBADMSG);
	assert_int_equal(efiauth_check(buf, EFIAUTH_MAX + 1, &n), -EFBIG);
}

static void test_time(void **state)
{
	static const struct {
		uint64_t seconds;
		uint8_t bytes[8];
	} cases[] = {
		{ 1704067200, { 0xe8, 0x07, 1, 1, 0, 0, 0 } },	   /* 2024-01-01T00:00:00 */
		{ 1709251199, { 0xe8, 0x07, 2, 29, 23, 59, 59 } }, /* 2024-02-29T23:59:59 */
		{ 1709251200, { 0xe8, 0x07, 3, 1, 0, 0, 0 } },
		{ 4102444799, { 0x33, 0x08, 12, 31, 23, 59, 59 } }, /* 2099-12-31T23:59:59 */
		{ 4107542400, { 0x34, 0x08, 3, 1, 0, 0, 0 } },	    /* 2100 is no leap year */
		{ 253402300799, { 0x0f, 0x27, 12, 31, 23, 59, 59 } },
	};
	uint8_t t[EFIAUTH_TIME_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(efiauth_time(cases[i].seconds, t), 0);
		assert_memory_equal(t, cases[i].bytes, 8);
	}
	assert_int_equal(efiauth_time(0, t), -EINVAL);
	assert_int_equal(efiauth_time(253402300800, t), -EINVAL);
}

static void test_auth(void **state)
{
	static const uint8_t db[] = "d\0b\0\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67"
				    "\x65\x6f\x27\0\0\0";
	uint8_t time[EFIAUTH_TIME_BYTES];
	struct efiauth a = { time, (const uint8_t *)"sig", 3, (const uint8_t *)"content", 7 }, b;
	size_t len, n;

	(void)state;
	assert_int_equal(efiauth_time(1704067200, time), 0);
	assert_int_equal(efiauth_format(&a, buf, &len), 0);
	assert_int_equal(len, 16 + 24 + 3 + 7);
	assert_int_equal(efiauth_parse(buf, len, &b, NULL), 0);
	assert_memory_equal(b.time, time, sizeof(time));
	assert_int_equal(b.pkcs7_len, 3);
	assert_memory_equal(b.pkcs7, "sig", 3);
	assert_int_equal(b.content_len, 7);
	assert_memory_equal(b.content, "content", 7);
	assert_int_equal(efiauth_message(EFIAUTH_DB, time, a.content, 7, message, &n), 0);
	assert_int_equal(n, sizeof(db) - 1 + 16 + 7);
	assert_memory_equal(message, db, sizeof(db) - 1);
	assert_memory_equal(message + sizeof(db) - 1, time, 16);
	/* Only dbx is appended to. */
	assert_int_equal(efiauth_attributes(EFIAUTH_DBX), 0x67);
	assert_int_equal(efiauth_attributes(EFIAUTH_PK), 0x27);

	/* Every byte of the head counts but the time. */
	for (n = 16; n < 40; n++) {
		buf[n] ^= 0x40;
		assert_true(efiauth_parse(buf, len, &b, NULL) == -EBADMSG);
		buf[n] ^= 0x40;
	}
	for (n = 0; n < 43; n++)
		assert_int_equal(efiauth_parse(buf, n, &b, NULL), -EBADMSG);
	assert_int_equal(efiauth_parse(buf, EFIAUTH_MAX + 1, &b, NULL), -EFBIG);
	a.content_len = EFIAUTH_MAX - 42;
	assert_int_equal(efiauth_format(&a, buf, &len), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),	      cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_refused_lists), cmocka_unit_test(test_time),
		cmocka_unit_test(test_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
