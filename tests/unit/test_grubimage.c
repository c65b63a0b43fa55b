// SPDX-License-Identifier: Apache-2.0
/* tests/data/fuzz/fuzz_grubimage/tiny: a PE image laid out as grub-mkimage does, with a section of
 * modules that no machine can run. Real images are read in tests/e2e/33-pcr.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "grubimage.h"
#include "io.h"

/* Offsets in the file. */
enum { MODS = 1024, FIRST = MODS + 24, SECOND = FIRST + 16 };

static uint8_t file[8192];
static size_t len;
static struct grubimage image;
static struct err err;

static int load(void **state)
{
	(void)state;
	return io_read_file("tests/data/fuzz/fuzz_grubimage/tiny", file, sizeof(file), &len);
}

static int scripts(void)
{
	return grubimage_scripts(file, len, &image, &err);
}

static void test_scripts(void **state)
{
	static const char early[] = "set check_signatures=no\nsource (memdisk)/grub.cfg\nreboot\n";

	(void)state;
	assert_int_equal(scripts(), 0);
	assert_int_equal(image.early_len, sizeof(early) - 1);
	assert_memory_equal(image.early, early, sizeof(early) - 1);
	assert_int_equal(image.config_len, 8);
	assert_memory_equal(image.config, "set a=b\n", 8);
}

static void test_damaged(void **state)
{
	/* Where a byte is changed, and to what. */
	static const struct {
		size_t at;
		uint8_t to;
		int rc;
	} rows[] = {
		{ 0, 0, -EINVAL },
		{ MODS, 0, -EBADMSG },	       /* no list of modules */
		{ MODS + 17, 0xff, -EBADMSG }, /* longer than the section */
		{ MODS + 8, 0xff, -EBADMSG },  /* begins in the middle of a module */
		{ FIRST + 4, 7, -EBADMSG },    /* a module shorter than its head */
		{ FIRST + 6, 1, -EBADMSG },    /* longer than the list */
		{ SECOND, 4, -EBADMSG },       /* no early configuration */
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load(state), 0);
		file[rows[i].at] = rows[i].to;
		assert_int_equal(scripts(), rows[i].rc);
	}
	/* No grub.cfg in the archive, and one that is longer than it. */
	assert_int_equal(load(state), 0);
	assert_int_equal(scripts(), 0);
	file[(const uint8_t *)image.config - file - 512] = 'x';
	assert_int_equal(scripts(), -EBADMSG);
	assert_int_equal(load(state), 0);
	assert_int_equal(scripts(), 0);
	file[(const uint8_t *)image.config - file - 512 + 126] = '7';
	assert_int_equal(scripts(), -EBADMSG);
	/* No such section. */
	assert_int_equal(io_read_file("tests/data/pe/tiny.efi", file, sizeof(file), &len), 0);
	assert_int_equal(scripts(), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_scripts, load),
		cmocka_unit_test_setup(test_damaged, load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
