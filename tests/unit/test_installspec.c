// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "installspec.h"

static void test_valid(void **state)
{
	static const struct {
		const char *text;
		struct installspec want;
	} rows[] = {
		{ "nvme", { INSTALL_NVME, 0, "", INSTALL_OVER_NEVER, true } },
		{ "any-internal,over=any,keep=no",
		  { INSTALL_ANY_INTERNAL, 0, "", INSTALL_OVER_ANY, false } },
		{ "sata,min=8G,over=cairn",
		  { INSTALL_SATA, UINT64_C(8) << 30, "", INSTALL_OVER_CAIRN, true } },
		{ "mmc,model=DG40%", { INSTALL_MMC, 0, "DG40*", INSTALL_OVER_NEVER, true } },
		{ "virtio,model=Samsung_SSD_9@0,min=512M",
		  { INSTALL_VIRTIO, UINT64_C(512) << 20, "Samsung SSD 9?0", INSTALL_OVER_NEVER,
		    true } },
		{ "nvme,min=16777215T",
		  { INSTALL_NVME, UINT64_C(16777215) << 40, "", INSTALL_OVER_NEVER, true } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct installspec got;

		assert_int_equal(installspec_parse(rows[i].text, strlen(rows[i].text), &got, NULL),
				 0);
		assert_int_equal(got.transport, rows[i].want.transport);
		assert_int_equal(got.min_bytes, rows[i].want.min_bytes);
		assert_string_equal(got.model, rows[i].want.model);
		assert_int_equal(got.over, rows[i].want.over);
		assert_int_equal(got.keep_data, rows[i].want.keep_data);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"usb",
		"usb or unknown",
		"NVME",
		"nvme,",
		"nvme,,over=any",
		"over=any",
		"nvme,over=all",
		"nvme,over=any,over=never",
		"nvme,min=",
		"nvme,min=G",
		"nvme,min=-1",
		"nvme,min=1K",
		"nvme,min=16777216T",
		"nvme,min=9999999999999999",
		"nvme,model=",
		"nvme,model=a b",
		"nvme,model=\"x\"",
		"nvme,model=0123456789012345678901234567890123456789012345678901234567890123",
		"nvme,model=a*",
		"nvme,keep=maybe",
		"nvme,size=1",
	};
	char longer[INSTALLSPEC_MAX + 1];
	struct installspec got;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (installspec_parse(rows[i], strlen(rows[i]), &got, &err) == 0)
			fail_msg("accepted: %s", rows[i]);
	memset(longer, 'a', sizeof(longer));
	assert_true(installspec_parse(longer, sizeof(longer), &got, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
