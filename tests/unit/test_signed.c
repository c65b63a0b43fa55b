// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "testkeys.h"

static const char doc_text[] = "cairn-test 1\nend\n";
#define DOC_LEN (sizeof(doc_text) - 1)

static void test_there_and_back(void **state)
{
	uint8_t buf[SIGNED_MAX];
	struct signed_doc doc;
	size_t len = testkeys_sign(doc_text, DOC_LEN, 0x1f, buf), total, i;
	size_t head = len - DOC_LEN - 5 * SIGNED_LINE_BYTES;

	(void)state;
	assert_int_equal(signed_split(buf, len, &doc, NULL), 0);
	assert_int_equal(doc.total, len);
	assert_int_equal(doc.document_len, DOC_LEN);
	assert_memory_equal(doc.document, doc_text, DOC_LEN);
	assert_int_equal(doc.signatures, 5);
	for (i = 1; i < 5; i++)
		assert_true(memcmp(doc.signature[i - 1].key_id, doc.signature[i].key_id,
				   SHA256_SIZE) < 0);
	/* Every shorter one says that more is needed, however short. */
	for (i = 0; i < len; i++) {
		assert_int_equal(signed_split(buf, i, &doc, NULL), -ENODATA);
		assert_int_equal(signed_bytes(buf, i, &total, NULL), i < head ? -ENODATA : 0);
	}
	assert_int_equal(signed_bytes(buf, SIGNED_HEAD_MAX, &total, NULL), 0);
	assert_int_equal(total, len);
}

static void test_limits(void **state)
{
	static uint8_t big[SIGNED_DOCUMENT_MAX + 1];
	uint8_t buf[SIGNED_MAX];
	struct signature s[2];
	struct signed_doc doc;
	size_t len;

	(void)state;
	memset(big, 'a', sizeof(big));
	s[0] = s[1] = testkeys_signature(0, big, SIGNED_DOCUMENT_MAX);
	assert_int_equal(signed_write(big, sizeof(big), s, 1, buf, &len), -EINVAL);
	assert_int_equal(signed_write(big, 0, s, 1, buf, &len), -EINVAL);
	assert_int_equal(signed_write(big, 1, s, SIGNED_SIGNATURES_MAX + 1, buf, &len), -EINVAL);
	/* One key twice cannot be written. */
	assert_int_equal(signed_write(big, 1, s, 2, buf, &len), -EINVAL);
	len = testkeys_sign(big, SIGNED_DOCUMENT_MAX, 0xffff, buf);
	assert_true(len <= SIGNED_MAX);
	assert_int_equal(signed_split(buf, len, &doc, NULL), 0);
	assert_int_equal(doc.signatures, SIGNED_SIGNATURES_MAX);
}

static void test_refused(void **state)
{
	static const char *const heads[] = {
		"cairn-signed 2\ndocument=17 signatures=0\n",
		"cairn-signed 1 \ndocument=17 signatures=0\n",
		"cairn-signed 1\ndocument=017 signatures=0\n",
		"cairn-signed 1\ndocument=+17 signatures=0\n",
		"cairn-signed 1\ndocument=0 signatures=0\n",
		"cairn-signed 1\ndocument=17 signatures=1\n",
		"cairn-signed 1\ndocument=17 signatures=193\n",
		"cairn-signed 1\ndocument=17 signatures=00\n",
		"cairn-signed 1\ndocument=17 signatures=-0\n",
		"cairn-signed 1\ndocument=17 signatures=3298\n",
		"cairn-signed 1\ndocument=16385 signatures=0\n",
		"cairn-signed 1\ndocument=18446744073709551633 signatures=0\n",
		"cairn-signed 1\ndocument=17 signatures=0 x=1\n",
		"cairn-signed 1\ndocument=17  signatures=0\n",
		"cairn-signed 1\nsignatures=0 document=17\n",
		"cairn-signed 1\r\ndocument=17 signatures=0\n",
		"Cairn-signed 1\ndocument=17 signatures=0\n",
		"\n",
	};
	char buf[4096];
	struct signed_doc doc;
	size_t i, total;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int len = snprintf(buf, sizeof(buf), "%s%s%200s", heads[i], doc_text, "");

		if (signed_split((uint8_t *)buf, (size_t)len, &doc, NULL) != -EBADMSG ||
		    signed_bytes((uint8_t *)buf, (size_t)len, &total, NULL) != -EBADMSG)
			fail_msg("accepted: %s", heads[i]);
	}
}

/* The lines of signatures: form, order, each key once. */
static void test_signature_lines(void **state)
{
	uint8_t good[SIGNED_MAX], buf[SIGNED_MAX], line[SIGNED_LINE_BYTES];
	size_t len = testkeys_sign(doc_text, DOC_LEN, 3, good), i;
	size_t first = len - 2 * SIGNED_LINE_BYTES, second = len - SIGNED_LINE_BYTES;
	struct signed_doc doc;

	(void)state;
	memcpy(buf, good, len); /* the wrong order */
	memcpy(line, buf + first, sizeof(line));
	memmove(buf + first, buf + second, sizeof(line));
	memcpy(buf + second, line, sizeof(line));
	assert_int_equal(signed_split(buf, len, &doc, NULL), -EBADMSG);
	memcpy(buf, good, len); /* one key twice */
	memcpy(buf + second, buf + first, sizeof(line));
	assert_int_equal(signed_split(buf, len, &doc, NULL), -EBADMSG);
	/* No byte of a line may be anything but a digit, the blank, the line's end. */
	for (i = first; i < len; i++) {
		memcpy(buf, good, len);
		buf[i] = 'A';
		assert_int_equal(signed_split(buf, len, &doc, NULL), -EBADMSG);
		buf[i] = '\0';
		assert_int_equal(signed_split(buf, len, &doc, NULL), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_signature_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
