// SPDX-License-Identifier: Apache-2.0
/* Mirrors scripts/vm/efivars.c. That firmware takes the result is shown in e2e (31-secureboot). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scripts/vm/efivars.c"

#define FV_HEADER 72
#define FLASH_BYTES 65536
#define STORE_BYTES 32768

static uint8_t flash[FLASH_BYTES];
static const uint8_t cert[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };

/* An empty store, as edk2 makes it. */
static int empty(void **state)
{
	(void)state;
	memset(flash, 0xff, sizeof(flash));
	memset(flash, 0, FV_HEADER);
	memcpy(flash + 40, "_FVH", 4);
	le16_store(flash + FV_HEADER_LEN_OFFSET, FV_HEADER);
	memcpy(flash + FV_HEADER, auth_store_guid, 16);
	le32_store(flash + FV_HEADER + 16, STORE_BYTES);
	return 0;
}

/* What is there before: with its own time, and found by who enrols after it. */
static void test_preset(void **state)
{
	static const uint8_t content[] = "some list";
	uint8_t time[EFIAUTH_TIME_BYTES] = { 0xe8, 0x07, 3, 1 }, auth[128];
	const uint8_t *v = flash + FV_HEADER + STORE_HEADER_BYTES;
	size_t len;

	(void)state;
	assert_int_equal(efiauth_format(&(struct efiauth){ time, cert, sizeof(cert), content,
							   sizeof(content) },
					auth, &len),
			 0);
	assert_int_equal(efivars_preset(flash, sizeof(flash), "dbx", auth, len, NULL), 0);
	assert_int_equal(efivars_preset(flash, sizeof(flash), "dby", auth, len, NULL), -EINVAL);
	assert_int_equal(efivars_preset(flash, sizeof(flash), "db", auth, 3, NULL), -EBADMSG);
	assert_true(name_is(v + VAR_HEADER_BYTES, le32_load(v + 36), "dbx"));
	assert_memory_equal(v + 16, time, sizeof(time));
	assert_memory_equal(v + VAR_HEADER_BYTES + 8, content, sizeof(content));
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), 0);
	assert_int_equal(efivars_preset(flash, sizeof(flash), "KEK", auth, len, NULL), -EEXIST);
}

static void test_four_variables(void **state)
{
	static const char *const names[] = { "PK", "KEK", "db", "SecureBootEnable" };
	size_t at = FV_HEADER + STORE_HEADER_BYTES;

	(void)state;
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		const uint8_t *v = flash + at;
		size_t name = le32_load(v + 36), data = le32_load(v + 40);

		assert_int_equal(le16_load(v), VAR_START_ID);
		assert_int_equal(v[2], VAR_ADDED);
		assert_true(name_is(v + VAR_HEADER_BYTES, name, names[i]));
		if (i < 3) {
			const uint8_t *list = v + VAR_HEADER_BYTES + name;

			assert_int_equal(data, ESL_HEADER_BYTES + sizeof(cert));
			assert_int_equal(le32_load(list + 16), data);
			assert_memory_equal(list + ESL_HEADER_BYTES, cert, sizeof(cert));
		} else {
			assert_int_equal(data, 1);
		}
		at = align4(at + VAR_HEADER_BYTES + name + data);
	}
	assert_int_equal(le16_load(flash + at), 0xffff);
}

static void test_enrolled_twice_is_refused(void **state)
{
	(void)state;
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), 0);
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), -EEXIST);
}

static void test_what_is_no_store(void **state)
{
	(void)state;
	assert_int_equal(efivars_enrol(flash, 512, cert, sizeof(cert), NULL), -EINVAL);
	le32_store(flash + FV_HEADER + 16, FLASH_BYTES);
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), -EINVAL);
	flash[FV_HEADER] ^= 1;
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), -EINVAL);
}

static void test_cut_variable(void **state)
{
	uint8_t *v = flash + FV_HEADER + STORE_HEADER_BYTES;

	(void)state;
	le16_store(v, VAR_START_ID);
	le32_store(v + 36, 0xfffffff0);
	le32_store(v + 40, 0xfffffff0);
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), -EINVAL);
}

static void test_no_room(void **state)
{
	(void)state;
	le32_store(flash + FV_HEADER + 16, STORE_HEADER_BYTES + 200);
	assert_int_equal(efivars_enrol(flash, sizeof(flash), cert, sizeof(cert), NULL), -ENOSPC);
}

#define T(f) cmocka_unit_test_setup(f, empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_four_variables),	  T(test_enrolled_twice_is_refused),
		T(test_what_is_no_store), T(test_cut_variable),
		T(test_no_room),	  T(test_preset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
