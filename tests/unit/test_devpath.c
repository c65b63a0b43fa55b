// SPDX-License-Identifier: Apache-2.0
/* Node layouts: UEFI 2.10, 10.3. The sysfs paths are those of QEMU's q35 and of real machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "devpath.h"
#include "hex.h"

#define ROOT0 "02010c00d041030a00000000"
#define ROOT1 "02010c00d041030a01000000"
#define PCI(function, device) "01010600" function device
#define NVME1 "03171000010000000000000000000000"
#define SATA(port) "03120a00" port "00ffff0000"
#define USB(port) "03050600" port "00"
#define UNIT0 "0311050000"
#define SCSI(target, lun) "03020800" target "00" lun "00"
#define SD0 "031a050000"
#define EMMC0 "031d050000"
#define SAS                                                                                        \
	"030a2c00"                                                                                 \
	"000000000000000000000000000000000000000000000000000000000000000000000000"                 \
	"00000000"
#define HD                                                                                         \
	"04012a0001000000000800000000000000000200000000006361697206e00000800000000000000a"         \
	"0202"
#define FILE_NODE                                                                                  \
	"04040e005c0045004600490000"                                                               \
	"00"
#define END "7fff0400"

static size_t bytes(const char *hex, uint8_t *ret)
{
	size_t len = strlen(hex) / 2;

	assert_int_equal(hex_decode(hex, ret, len), 0);
	return len;
}

static void test_match(void **state)
{
	static const struct {
		const char *path;
		struct devpath_disk disk;
		enum devpath_match want;
	} rows[] = {
#define V "/sys/devices/pci0000:00/0000:00:02.0/"
		/* virtio-blk: nothing after the controller */
		{ ROOT0 PCI("00", "02") HD END,
		  { V "virtio0/block/vda", 0, 0, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "02") END,
		  { V "virtio0/block/vda", -1, 0, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "03") END, { V "virtio0/block/vda", 0, 0, -1, 0 }, DEVPATH_NO },
		{ ROOT0 PCI("01", "02") END, { V "virtio0/block/vda", 0, 0, -1, 0 }, DEVPATH_NO },
		{ ROOT1 PCI("00", "02") END, { V "virtio0/block/vda", 0, 0, -1, 0 }, DEVPATH_NO },
		{ ROOT0 PCI("00", "02") PCI("00", "00") END,
		  { V "virtio0/block/vda", 0, 0, -1, 0 },
		  DEVPATH_NO },
		{ ROOT0 PCI("00", "02") END,
		  { V "0000:01:00.0/virtio0/block/vda", 0, 0, -1, 0 },
		  DEVPATH_NO },
		/* a file of the partition, and no root bridge: the short form says nothing */
		{ HD FILE_NODE END, { V "virtio0/block/vda", 0, 0, -1, 0 }, DEVPATH_NO },
		{ PCI("00", "02") END, { V "virtio0/block/vda", 0, 0, -1, 0 }, DEVPATH_NO },
#define N "/sys/devices/pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1"
		{ ROOT0 PCI("00", "1d") PCI("00", "00") NVME1 HD END,
		  { N, 0, 1, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "1d") PCI("00", "00") NVME1 END, { N, 0, 2, -1, 0 }, DEVPATH_NO },
		{ ROOT0 PCI("00", "1d") PCI("00", "00") NVME1 END,
		  { N, 0, 0, -1, 0 },
		  DEVPATH_CONTROLLER },
#define A "/sys/devices/pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0/block/sda"
		{ ROOT0 PCI("02", "1f") SATA("02") HD END, { A, 0, 0, 2, 0 }, DEVPATH_EXACT },
		{ ROOT0 PCI("02", "1f") SATA("01") HD END, { A, 0, 0, 2, 0 }, DEVPATH_NO },
		{ ROOT0 PCI("02", "1f") SATA("01") END, { A, 0, 0, -1, 0 }, DEVPATH_CONTROLLER },
		{ ROOT0 PCI("02", "1f") SAS END, { A, 0, 0, 2, 0 }, DEVPATH_CONTROLLER },
#define U "/sys/devices/pci0000:00/0000:00:14.0/"
		{ ROOT0 PCI("00", "14") USB("01") HD END,
		  { U "usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb", 0, 0, -1, 0 },
		  DEVPATH_EXACT },
		/* USB 3 ports come after those of USB 2 for the firmware */
		{ ROOT0 PCI("00", "14") USB("11") UNIT0 HD END,
		  { U "usb2/2-2/2-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb", 0, 0, -1, 16 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "14") USB("11") HD END,
		  { U "usb2/2-2/2-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb", 0, 0, -1, 0 },
		  DEVPATH_CONTROLLER },
		{ ROOT0 PCI("00", "14") USB("01") USB("02") HD END,
		  { U "usb1/1-2/1-2.3/1-2.3:1.0/host6/target6:0:0/6:0:0:0/block/sdb", 0, 0, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "14") USB("01") USB("03") HD END,
		  { U "usb1/1-2/1-2.3/1-2.3:1.0/host6/target6:0:0/6:0:0:0/block/sdb", 0, 0, -1, 0 },
		  DEVPATH_NO },
		{ ROOT0 PCI("00", "14") USB("01") HD END,
		  { U "usb1/1-2/1-2.3/1-2.3:1.0/host6/target6:0:0/6:0:0:0/block/sdb", 0, 0, -1, 0 },
		  DEVPATH_NO },
		{ ROOT0 PCI("00", "05") SCSI("01", "02") HD END,
		  { "/sys/devices/pci0000:00/0000:00:05.0/virtio1/host0/target0:0:1/0:0:1:2/block/"
		    "sda",
		    0, 0, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "05") SCSI("01", "03") HD END,
		  { "/sys/devices/pci0000:00/0000:00:05.0/virtio1/host0/target0:0:1/0:0:1:2/block/"
		    "sda",
		    0, 0, -1, 0 },
		  DEVPATH_NO },
		{ ROOT0 PCI("00", "1c") SD0 HD END,
		  { "/sys/devices/pci0000:00/0000:00:1c.0/mmc_host/mmc0/mmc0:4567/block/mmcblk0", 0,
		    0, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "1c") EMMC0 END,
		  { "/sys/devices/pci0000:00/0000:00:1c.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0", 0,
		    0, -1, 0 },
		  DEVPATH_EXACT },
		{ ROOT0 PCI("00", "1c") SD0 END,
		  { "/sys/devices/platform/80860F14:00/mmc_host/mmc0/mmc0:0001/block/mmcblk0", -1,
		    0, -1, 0 },
		  DEVPATH_NO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[512];
		size_t len = bytes(rows[i].path, buf);
		struct devpath p;

		assert_int_equal(devpath_parse(buf, len, &p), 0);
		if (devpath_match(&p, &rows[i].disk) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].disk.sysfs);
	}
}

static void test_malformed(void **state)
{
	static const char *const rows[] = {
		"",			      /* no end */
		ROOT0,			      /* no end */
		"02010300d041030a" END,	      /* shorter than its head */
		ROOT0 "0101ff000200" END,     /* longer than the path */
		ROOT0 "0101050000" END,	      /* PCI without its function */
		ROOT0 "0317080001000000" END, /* NVMe without its EUI-64 */
		"02010800d041030a" END,	      /* ACPI without _UID */
		"7fff",			      /* half an end */
	};
	uint8_t buf[4096];
	struct devpath p;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = bytes(rows[i], buf);
		assert_int_equal(devpath_parse(buf, len, &p), -EINVAL);
	}
	/* Nine bridges in a row. */
	len = bytes(ROOT0, buf);
	for (i = 0; i < 9; i++)
		len += bytes(PCI("00", "01"), buf + len);
	len += bytes(END, buf + len);
	assert_int_equal(devpath_parse(buf, len, &p), -E2BIG);
}

static void test_load_option(void **state)
{
	uint8_t buf[256], path[128];
	size_t path_len = bytes(ROOT0 PCI("00", "02") END, path), at = 6;
	struct devpath p;

	(void)state;
	memset(buf, 0, sizeof(buf));
	le32_store(buf, 1);
	le16_store(buf + 4, (uint16_t)path_len);
	le16_store(buf + at, 'U');
	le16_store(buf + at + 2, 'E');
	at += 6;
	memcpy(buf + at, path, path_len);
	assert_int_equal(devpath_of_option(buf, at + path_len, &p), 0);
	assert_int_equal(p.n_pci, 1);
	assert_int_equal(p.pci[0].device, 2);
	/* Optional data behind the path are not looked at. */
	assert_int_equal(devpath_of_option(buf, at + path_len + 5, &p), 0);
	assert_true(devpath_of_option(buf, at + path_len - 1, &p) < 0);
	assert_true(devpath_of_option(buf, at - 2, &p) < 0);
	assert_true(devpath_of_option(buf, 7, &p) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_load_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
