// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_EFIBOOT_H
#define CAIRN_EFIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpt.h"

/*
 * The firmware's boot entries (UEFI 2.10, 3.1): which loader it starts, and in what order.
 *
 *     Boot####    a load option (3.1.3): attributes (4), bytes of the path (2), description
 *                 (UTF-16, NUL), the device path, optional data
 *     BootOrder   numbers #### (2 bytes each), the first is tried first
 *     BootNext    one number: tried once, before all others; firmware deletes it before it does
 *     BootCurrent the number of the entry that was started
 *
 * Our entries name one ESP of this machine's disk: the device path that the firmware itself used,
 * up to the disk, then HD(partition, GPT, guid, start, size), then \EFI\BOOT\BOOT<arch>.EFI. Where
 * the firmware's path is not known, HD() alone: firmware finds the disk by it (3.1.2).
 */

#define EFIBOOT_OPTION_MAX 1024 /* of those that we make; longer ones of others are passed over */
#define EFIBOOT_ORDER_MAX 128	/* entries */

/* EFI_GLOBAL_VARIABLE's attributes: non-volatile, boot services, runtime. */
#define EFIBOOT_ATTRIBUTES 7u

struct efiboot_esp {
	uint32_t partition; /* number in the GPT */
	uint64_t first_lba, sectors;
	uint8_t guid[GPT_GUID_BYTES];
	const char *file; /* "\\EFI\\BOOT\\BOOTX64.EFI" */
};

/*
 * efiboot_format - the load option of an ESP. current: the option that the machine was started by,
 * from which the path to the disk is taken; NULL, or one that makes no sense: HD() alone.
 * Returns its bytes; 0 where it has no room in EFIBOOT_OPTION_MAX.
 */
size_t efiboot_format(const char *description, const struct efiboot_esp *esp,
		      const uint8_t *current, size_t current_len,
		      uint8_t ret_buf[static EFIBOOT_OPTION_MAX]);

/*
 * efiboot_starts - would this load option start that ESP's loader? Its path ends in the ESP's
 * HD() (partition, start and guid) and its file. Anything malformed: no.
 */
bool efiboot_starts(const uint8_t *buf, size_t len, const struct efiboot_esp *esp);

/* BootOrder in the host's form. */
struct efiboot_order {
	size_t count;
	uint16_t number[EFIBOOT_ORDER_MAX];
};

/* efiboot_order_parse - Errors: -EINVAL an odd number of bytes, -E2BIG more than the limit. */
int efiboot_order_parse(const uint8_t *buf, size_t len, struct efiboot_order *ret);
/* efiboot_order_format - returns the bytes, 2 a number. */
size_t efiboot_order_format(const struct efiboot_order *order,
			    uint8_t ret_buf[static 2 * EFIBOOT_ORDER_MAX]);

/*
 * efiboot_order_lead - these two come first, in this order; all others stay as they were.
 * Errors: -E2BIG.
 */
int efiboot_order_lead(struct efiboot_order *order, uint16_t first, uint16_t second);

/* efiboot_name - "Boot001F", the variable of an entry. */
void efiboot_name(uint16_t number, char ret_name[static 9]);

#endif
