// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ATTESTRECORD_H
#define CAIRN_ATTESTRECORD_H

#include <stddef.h>
#include <stdint.h>

#include "attest.h"
#include "err.h"

/*
 * What a verifier keeps of a machine, as canonical text:
 *
 *     cairn-machine 1
 *     ek=<hex: TPMT_PUBLIC>
 *     ak=<hex>
 *     identity=<hex>
 *     clock=<ms> <resets> <restarts>      of the last evidence that was accepted
 *     end
 */
#define ATTESTRECORD_MAX 4096

/* attestrecord_parse - *ret is ready (attest_machine_ready). Errors: -EBADMSG, -ENOTSUP,
 * -EKEYREJECTED. */
int attestrecord_parse(const uint8_t *buf, size_t len, struct attest_machine *ret, struct err *err);
/* attestrecord_format - Errors: -EINVAL. */
int attestrecord_format(const struct attest_machine *m, char ret_text[static ATTESTRECORD_MAX],
			size_t *ret_len);

#endif
