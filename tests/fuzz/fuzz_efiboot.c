// SPDX-License-Identifier: Apache-2.0
/* A load option of somebody else's, as the current one and as one that may be ours; a record. */
#include <stdlib.h>
#include <string.h>

#include "efiboot.h"
#include "stage1.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const struct efiboot_esp esp = {
		8, 139264, 131072, { 8 }, "\\EFI\\BOOT\\BOOTX64.EFI"
	};
	uint8_t option[EFIBOOT_OPTION_MAX], again[STAGE1_RECORD_BYTES];
	struct stage1_record record;
	struct efiboot_order order;
	size_t n;

	(void)efiboot_starts(buf, len, &esp);
	n = efiboot_format("Cairn 2", &esp, buf, len, option);
	if (n && !efiboot_starts(option, n, &esp))
		abort();
	if (efiboot_order_parse(buf, len, &order) == 0)
		(void)efiboot_order_lead(&order, 1, 2);
	if (stage1_record_parse(buf, len, &record) == 0) {
		stage1_record_format(&record, again);
		if (memcmp(again, buf, sizeof(again)) != 0)
			abort();
	}
	return 0;
}
