// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_HEX_H
#define CAIRN_HEX_H

#include <stddef.h>
#include <stdint.h>

/* hex_encode - write 2*len lower-case digits and a NUL; ret_text holds 2*len+1 bytes. */
void hex_encode(const uint8_t *buf, size_t len, char *ret_text);

/*
 * hex_decode - read exactly 2*len digits of either case, followed by NUL.
 * Errors: -EINVAL wrong length or a character that is no digit; ret_buf is then unspecified.
 */
int hex_decode(const char *text, uint8_t *ret_buf, size_t len);

#endif
