// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "devpath.h"
#include "efiboot.h"

static const struct efiboot_esp esp1 = { 1, 8192, 131072, { 1, 2, 3 }, "\\EFI\\BOOT\\BOOTX64.EFI" };
static const struct efiboot_esp esp2 = {
	8, 139264, 131072, { 8, 2, 3 }, "\\EFI\\BOOT\\BOOTX64.EFI"
};

/* As OVMF makes it for an NVMe disk: "UEFI x", PciRoot(0x0)/Pci(0x4,0x0)/NVMe(0x1,...). */
static const uint8_t nvme[] = {
	1,    0,    0,	0, 38,	 0,    'U',  0,	   'x', 0, 0, 0,	     /* head, description */
	2,    1,    12, 0, 0xd0, 0x41, 0x03, 0x0a, 0,	0, 0, 0,	     /* PciRoot(0) */
	1,    1,    6,	0, 0,	 4,					     /* Pci(4, 0) */
	3,    0x17, 16, 0, 1,	 0,    0,    0,	   0,	0, 0, 0, 0, 0, 0, 0, /* NVMe(1) */
	0x7f, 0xff, 4,	0,						     /* end */
	0xaa, 0xbb,							     /* optional data */
};

static void test_format(void **state)
{
	/* HD() and the file, byte by byte (UEFI 2.10, 10.3.5.1 and 10.3.5.4). */
	static const uint8_t hd[] = { 4, 1, 42, 0, 8, 0, 0, 0, 0, 0x20, 2, 0, 0,  0, 0,	   0,
				      0, 0, 2,	0, 0, 0, 0, 0, 8, 2,	3, 0, 0,  0, 0,	   0,
				      0, 0, 0,	0, 0, 0, 0, 0, 2, 2,	4, 4, 48, 0, '\\', 0 };
	uint8_t buf[EFIBOOT_OPTION_MAX];
	struct devpath where, want;
	size_t len = efiboot_format("Cairn 2", &esp2, NULL, 0, buf), with;

	(void)state;
	assert_int_equal(len, 6 + 16 + 42 + 48 + 4);
	assert_int_equal(le32_load(buf), 1);
	assert_int_equal(le16_load(buf + 4), 42 + 48 + 4);
	assert_memory_equal(buf + 6, "C\0a\0i\0r\0n\0 \0002\0\0\0", 16);
	assert_memory_equal(buf + 22, hd, sizeof(hd));
	assert_memory_equal(buf + len - 4, "\x7f\xff\x04\0", 4);
	/* The disk as the firmware itself named it. */
	with = efiboot_format("Cairn 2", &esp2, nvme, sizeof(nvme), buf);
	assert_int_equal(with, len + 34);
	assert_memory_equal(buf + 22, nvme + 12, 34);
	assert_int_equal(devpath_of_option(nvme, sizeof(nvme), &want), 0);
	assert_int_equal(devpath_of_option(buf, with, &where), 0);
	assert_memory_equal(&where, &want, sizeof(where));
	assert_true(efiboot_starts(buf, with, &esp2));
	/* An entry of ours as the current one gives the same again. */
	{
		uint8_t again[EFIBOOT_OPTION_MAX];

		assert_int_equal(efiboot_format("Cairn 2", &esp2, buf, with, again), with);
		assert_memory_equal(buf, again, with);
	}
}

static void test_format_of_nonsense(void **state)
{
	uint8_t bad[sizeof(nvme)], buf[EFIBOOT_OPTION_MAX];
	size_t i, plain = efiboot_format("x", &esp1, NULL, 0, buf);

	(void)state;
	/* Cut anywhere, or of a length that cannot be: HD() alone, or the same as whole. */
	for (i = 0; i < sizeof(nvme); i++)
		assert_true(efiboot_format("x", &esp1, nvme, i, buf) >= plain);
	for (i = 0; i < sizeof(nvme); i++) {
		memcpy(bad, nvme, sizeof(bad));
		bad[i] ^= 0xff;
		assert_true(efiboot_format("x", &esp1, bad, sizeof(bad), buf) >= plain);
	}
	/* Too long a description. */
	{
		char text[EFIBOOT_OPTION_MAX];

		memset(text, 'a', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		assert_int_equal(efiboot_format(text, &esp1, NULL, 0, buf), 0);
	}
}

static void test_starts(void **state)
{
	struct efiboot_esp other = esp1;
	uint8_t buf[EFIBOOT_OPTION_MAX];
	size_t len = efiboot_format("Cairn", &esp1, nvme, sizeof(nvme), buf), i;

	(void)state;
	assert_true(efiboot_starts(buf, len, &esp1));
	assert_false(efiboot_starts(buf, len, &esp2));
	other.partition = 2;
	assert_false(efiboot_starts(buf, len, &other));
	other = esp1, other.first_lba++;
	assert_false(efiboot_starts(buf, len, &other));
	other = esp1, other.sectors++;
	assert_false(efiboot_starts(buf, len, &other));
	other = esp1, other.guid[15] = 1;
	assert_false(efiboot_starts(buf, len, &other));
	other = esp1, other.file = "\\EFI\\BOOT\\BOOTX64.EFX";
	assert_false(efiboot_starts(buf, len, &other));
	assert_false(efiboot_starts(nvme, sizeof(nvme), &esp1));
	for (i = 0; i < len; i++)
		assert_false(efiboot_starts(buf, i, &esp1));
}

static void test_order(void **state)
{
	static const uint8_t bytes[] = { 3, 0, 1, 0, 0x1f, 0, 2, 0 };
	uint8_t buf[2 * EFIBOOT_ORDER_MAX];
	struct efiboot_order o;
	char name[9];
	uint16_t i;

	(void)state;
	assert_int_equal(efiboot_order_parse(bytes, sizeof(bytes), &o), 0);
	assert_int_equal(o.count, 4);
	assert_int_equal(efiboot_order_format(&o, buf), sizeof(bytes));
	assert_memory_equal(buf, bytes, sizeof(bytes));
	assert_int_equal(efiboot_order_lead(&o, 2, 9), 0);
	assert_int_equal(efiboot_order_format(&o, buf), 10);
	assert_memory_equal(buf, "\x02\0\x09\0\x03\0\x01\0\x1f\0", 10);
	assert_int_equal(efiboot_order_lead(&o, 9, 9), 0);
	assert_int_equal(o.count, 5);
	assert_int_equal(o.number[0], 9);
	assert_int_equal(o.number[1], 2);
	assert_int_equal(efiboot_order_parse(bytes, 3, &o), -EINVAL);
	assert_int_equal(efiboot_order_parse(bytes, 0, &o), 0);
	assert_int_equal(o.count, 0);
	o.count = EFIBOOT_ORDER_MAX;
	for (i = 0; i < EFIBOOT_ORDER_MAX; i++)
		o.number[i] = i;
	assert_int_equal(efiboot_order_lead(&o, 1000, 1001), -E2BIG);
	assert_int_equal(efiboot_order_lead(&o, 5, 6), 0);
	assert_int_equal(o.count, EFIBOOT_ORDER_MAX);
	efiboot_name(0x1f, name);
	assert_string_equal(name, "Boot001F");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_of_nonsense),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
