// SPDX-License-Identifier: Apache-2.0
/*
 * Data that goes forward and back: a release that knows one format, and its successor that knows
 * two, take turns on the same files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datafile.h"

/* A folder in memory: what stands in NAME.F. */
struct folder {
	struct {
		uint8_t buf[4096];
		size_t len;
	} file[DATAFILE_FORMAT_MAX + 1];
	int fail_write; /* the next write fails with this */
};

static struct folder folder;
static struct datafile_work work;
static struct err err;

static int folder_read(void *ctx, const char *name, unsigned int format, uint8_t *buf, size_t size,
		       size_t *ret_len)
{
	struct folder *f = ctx;

	assert_string_equal(name, "counter");
	if (f->file[format].len == 0)
		return -ENOENT;
	if (f->file[format].len > size)
		return -EFBIG;
	memcpy(buf, f->file[format].buf, f->file[format].len);
	*ret_len = f->file[format].len;
	return 0;
}

static int folder_write(void *ctx, const char *name, unsigned int format, const uint8_t *buf,
			size_t len)
{
	struct folder *f = ctx;

	assert_string_equal(name, "counter");
	if (f->fail_write)
		return f->fail_write;
	assert_in_range(len, 1, sizeof(f->file[format].buf));
	memcpy(f->file[format].buf, buf, len);
	f->file[format].len = len;
	return 0;
}

static const struct datafile_store store = { &folder, folder_read, folder_write };

/* The older release: format 1 is a number. The newer one: format 2 is a number and a word. */

static int old_load(int *ret_n)
{
	const uint8_t *body;
	unsigned int format;
	char text[64];
	size_t len;
	int rc = datafile_load(&store, "counter", 1, &work, &body, &len, &format, &err);

	if (rc)
		return rc;
	assert_int_equal(format, 1);
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)body);
	*ret_n = atoi(text);
	return 0;
}

static int old_save(int n)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%d", n);

	return datafile_save(&store, "counter", 1, text, (size_t)len, &work, &err);
}

static int new_load(int *ret_n, char ret_word[static 16])
{
	const uint8_t *body;
	unsigned int format;
	char text[64];
	size_t len;
	int rc = datafile_load(&store, "counter", 2, &work, &body, &len, &format, &err);

	if (rc)
		return rc;
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)body);
	(void)strcpy(ret_word, "none");
	if (format == 2)
		assert_int_equal(sscanf(text, "%d %15s", ret_n, ret_word), 2);
	else
		*ret_n = atoi(text);
	return 0;
}

static int new_save(int n, const char *word)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%d %s", n, word);

	return datafile_save(&store, "counter", 2, text, (size_t)len, &work, &err);
}

static int clear(void **state)
{
	(void)state;
	memset(&folder, 0, sizeof(folder));
	err.msg[0] = '\0';
	return 0;
}

static void test_forward_and_back(void **state)
{
	char word[16];
	int n = 0;

	(void)state;
	assert_int_equal(old_load(&n), -ENOENT);
	assert_int_equal(old_save(1), 0);
	assert_int_equal(old_save(2), 0);
	assert_int_equal(old_load(&n), 0);
	assert_int_equal(n, 2);
	/* Forward: what the older one wrote is there, and stays there for it. */
	assert_int_equal(new_load(&n, word), 0);
	assert_int_equal(n, 2);
	assert_string_equal(word, "none");
	assert_int_equal(new_save(3, "three"), 0);
	assert_int_equal(new_load(&n, word), 0);
	assert_int_equal(n, 3);
	assert_string_equal(word, "three");
	/* Back: the older one finds what it left. */
	assert_int_equal(old_load(&n), 0);
	assert_int_equal(n, 2);
	/* Back without a write, and forward again: nothing was lost. */
	assert_int_equal(new_load(&n, word), 0);
	assert_string_equal(word, "three");
	/* The older one writes: now its word is the last. */
	assert_int_equal(old_save(4), 0);
	assert_int_equal(old_load(&n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(new_load(&n, word), 0);
	assert_int_equal(n, 4);
	assert_string_equal(word, "none");
	assert_int_equal(new_save(5, "five"), 0);
	assert_int_equal(new_load(&n, word), 0);
	assert_int_equal(n, 5);
	assert_string_equal(word, "five");
}

/* A first release that is newer, then an older one: it begins anew and harms nothing. */
static void test_back_first(void **state)
{
	char word[16];
	int n = 0;

	(void)state;
	assert_int_equal(new_save(7, "seven"), 0);
	assert_int_equal(old_load(&n), -ENOENT);
	assert_int_equal(old_save(8), 0);
	assert_int_equal(new_load(&n, word), 0);
	assert_int_equal(n, 8);
}

static void test_damaged(void **state)
{
	char word[16];
	size_t i;
	int n = 0;

	(void)state;
	assert_int_equal(old_save(1), 0);
	assert_int_equal(new_save(2, "two"), 0);
	/* Any byte of the newer file broken or cut: the older file is taken, and why is said. */
	for (i = 0; i < folder.file[2].len; i++) {
		struct folder whole = folder;

		folder.file[2].buf[i] ^= 1;
		err.msg[0] = '\0';
		assert_int_equal(new_load(&n, word), 0);
		/* A flipped sequence is the one thing the sum does not cover: never a wrong body.
		 */
		assert_true((n == 1 && err.msg[0]) || (n == 2 && !strcmp(word, "two")));
		folder = whole;
		folder.file[2].len = i;
		assert_int_equal(new_load(&n, word), 0);
		assert_int_equal(n, 1);
		folder = whole;
	}
	folder.file[2].buf[folder.file[2].len++] = 'x';
	assert_int_equal(new_load(&n, word), 0);
	assert_int_equal(n, 1);
	/* Both gone: as if there had never been one. */
	folder.file[1].buf[0] = 'x';
	assert_int_equal(new_load(&n, word), -ENOENT);
	assert_int_not_equal(err.msg[0], '\0');
}

static void test_errors(void **state)
{
	static char big[DATAFILE_BODY_MAX + 1];
	int n = 0;

	(void)state;
	assert_int_equal(datafile_save(&store, "", 1, "x", 1, &work, &err), -EINVAL);
	assert_int_equal(datafile_save(&store, "a/b", 1, "x", 1, &work, &err), -EINVAL);
	assert_int_equal(
		datafile_save(&store, "a-name-that-is-far-too-long", 1, "x", 1, &work, &err),
		-EINVAL);
	assert_int_equal(datafile_save(&store, "counter", 0, "x", 1, &work, &err), -EINVAL);
	assert_int_equal(datafile_save(&store, "counter", 10, "x", 1, &work, &err), -EINVAL);
	assert_int_equal(datafile_save(&store, "counter", 1, big, sizeof(big), &work, &err),
			 -EINVAL);
	assert_int_equal(old_save(1), 0);
	folder.fail_write = -ENOSPC;
	assert_int_equal(old_save(2), -ENOSPC);
	assert_string_equal(err.msg, "cannot write counter.1: No space left on device");
	assert_int_equal(old_load(&n), 0);
	assert_int_equal(n, 1);
}

static void test_heads(void **state)
{
	static const char *const bad[] = {
		"",
		"cairn-data 2\nname=a format=1 sequence=1 bytes=0 sha256=",
		"cairn-data 1\nname= format=1 sequence=1 bytes=0 sha256=",
		"cairn-data 1\nname=A format=1 sequence=1 bytes=0 sha256=",
		"cairn-data 1\nname=a format=0 sequence=1 bytes=0 sha256=",
		"cairn-data 1\nname=a format=10 sequence=1 bytes=0 sha256=",
		"cairn-data 1\nname=a format=1 sequence=0 bytes=0 sha256=",
		"cairn-data 1\nname=a format=1 sequence=01 bytes=0 sha256=",
		"cairn-data 1\nname=a format=1 sequence=18446744073709551616 bytes=0 sha256=",
		"cairn-data 1\nname=a format=1 sequence=1 bytes=99999 sha256=",
		"cairn-data 1\nname=a format=1  sequence=1 bytes=0 sha256=",
	};
	struct datafile_head head;
	const uint8_t *body;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int n = snprintf(text, sizeof(text), "%s%064d\n", bad[i], 0);

		if (datafile_head((const uint8_t *)text, (size_t)n, &head, &body, &err) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
	}
	i = (size_t)snprintf(text, sizeof(text),
			     "cairn-data 1\nname=a format=9 sequence=18446744073709551615 bytes=2 "
			     "sha256=%064d\nhi",
			     0);
	assert_int_equal(datafile_head((const uint8_t *)text, i, &head, &body, &err), 0);
	assert_int_equal(head.format, 9);
	assert_true(head.sequence == UINT64_MAX);
	assert_memory_equal(body, "hi", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_forward_and_back, clear),
		cmocka_unit_test_setup(test_back_first, clear),
		cmocka_unit_test_setup(test_damaged, clear),
		cmocka_unit_test_setup(test_errors, clear),
		cmocka_unit_test_setup(test_heads, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
