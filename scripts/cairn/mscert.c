// SPDX-License-Identifier: Apache-2.0
#include "mscert.h"

/* Built in, so that the command needs no folder beside it. */
__asm__(".section .rodata\n"
	"mscert_begin:\n"
	".incbin \"conf/secureboot/microsoft-uefi-ca-2011.der\"\n"
	"mscert_end:\n"
	".balign 4\n"
	"mscert_bytes: .long mscert_end - mscert_begin\n"
	".previous\n");
extern const uint8_t mscert_begin[];
extern const uint32_t mscert_bytes;

const uint8_t *mscert_der(size_t *ret_len)
{
	*ret_len = mscert_bytes;
	return mscert_begin;
}
