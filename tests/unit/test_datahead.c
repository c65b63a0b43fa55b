// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "bytes.h"
#include "datahead.h"

static uint8_t head[DATAHEAD_BYTES];

static int clear(void **state)
{
	(void)state;
	memset(head, 0, sizeof(head));
	return 0;
}

static void put_ext4(const char *label, uint32_t mtime)
{
	le16_store(head + 1024 + 0x38, 0xef53);
	le32_store(head + 1024 + 0x2c, mtime);
	(void)strncpy((char *)head + 1024 + 0x78, label, 16);
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(datahead_judge(head), DATAHEAD_EMPTY);
}

/* One bit anywhere makes it someone's. */
static void test_any_bit_is_not_empty(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(head); i++) {
		head[i] = 0x10;
		assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
		head[i] = 0;
	}
}

static void test_marks(void **state)
{
	(void)state;
	datahead_mark(DATAHEAD_MAKING, head);
	assert_int_equal(datahead_judge(head), DATAHEAD_MAKING);
	assert_int_equal(le32_load(head + 64), 0x82564557);
	put_ext4(DATAHEAD_LABEL, 0); /* mke2fs was done, the mark not yet */
	assert_int_equal(datahead_judge(head), DATAHEAD_MAKING);
	datahead_mark(DATAHEAD_MADE, head);
	assert_int_equal(datahead_judge(head), DATAHEAD_MADE);
	memset(head + 1024, 0xff, 1024); /* a superblock to be repaired from its copies */
	assert_int_equal(datahead_judge(head), DATAHEAD_MADE);
	le32_store(head + 16, 3);
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	le32_store(head + 16, 0);
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	le32_store(head + 16, 1);
	le32_store(head + 20, 3);
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
}

static void test_encrypted_marks(void **state)
{
	(void)state;
	datahead_mark(DATAHEAD_MAKING_ENCRYPTED, head);
	assert_int_equal(datahead_judge(head), DATAHEAD_MAKING_ENCRYPTED);
	assert_int_equal(le32_load(head + 64), 0);
	memset(head + 4096, 0xa5, 8192); /* keys that were made before a cut */
	assert_int_equal(datahead_judge(head), DATAHEAD_MAKING_ENCRYPTED);
	datahead_mark(DATAHEAD_ENCRYPTED, head);
	assert_int_equal(datahead_judge(head), DATAHEAD_ENCRYPTED);
	le32_store(head + 20, 0);
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	le32_store(head + 20, 3);
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	memset(head, 0, 512); /* the mark is gone, and what follows is not zero */
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	assert_string_equal(datahead_name(DATAHEAD_ENCRYPTED), "made, encrypted");
}

static void test_lost_mark(void **state)
{
	(void)state;
	put_ext4(DATAHEAD_LABEL, 0);
	assert_int_equal(datahead_judge(head), DATAHEAD_MAKING);
	put_ext4(DATAHEAD_LABEL, 1700000000);
	assert_int_equal(datahead_judge(head), DATAHEAD_MADE);
	head[3] = 1;
	assert_int_equal(datahead_judge(head), DATAHEAD_MADE);
	put_ext4(DATAHEAD_LABEL, 0);
	assert_int_equal(datahead_judge(head), DATAHEAD_MADE);
}

static void test_others(void **state)
{
	static const uint8_t luks[] = { 0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe };

	(void)state;
	put_ext4("holiday-photos", 0);
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	(void)clear(NULL);
	memcpy(head, luks, sizeof(luks));
	assert_int_equal(datahead_judge(head), DATAHEAD_UNKNOWN);
	assert_string_equal(datahead_name(DATAHEAD_UNKNOWN), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, clear),
		cmocka_unit_test_setup(test_any_bit_is_not_empty, clear),
		cmocka_unit_test_setup(test_marks, clear),
		cmocka_unit_test_setup(test_encrypted_marks, clear),
		cmocka_unit_test_setup(test_lost_mark, clear),
		cmocka_unit_test_setup(test_others, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
