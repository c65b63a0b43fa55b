// SPDX-License-Identifier: Apache-2.0
#include "mscert.h"

/* Built in, so that the command needs no folder beside it. */
__asm__(".section .rodata\n"
	"mscert_begin:\n"
	".incbin \"conf/secureboot/microsoft-uefi-ca-2011.der\"\n"
	"mscert_end:\n"
	".previous\n");
extern const uint8_t mscert_begin[], mscert_end[];

const uint8_t *mscert_der(size_t *ret_len)
{
	*ret_len = (size_t)(mscert_end - mscert_begin);
	return mscert_begin;
}
