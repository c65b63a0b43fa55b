// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_REPORT_H
#define CAIRN_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "status.h"

/*
 * The report: what the machine says of itself. Canonical text, every line in this order:
 *
 *     cairn-report 1
 *     version=0.1.0
 *     release=1
 *     root=<64 hex digits: root hash of the running system>
 *     slot=a|b|-            the booted one
 *     primary=a|b|-         the one to start next
 *     a=<good 0|1> <tries 0 to 3>
 *     b=<good 0|1> <tries 0 to 3>
 *     secureboot=on|off|unsupported
 *     verity=ok|corrupt|none
 *     verdict=starting|ready|failed
 *     what=<of starting and failed: which part; may be empty>
 *     why=<one sentence; may be empty>
 *     marked=0|1            this boot has been marked good
 *     uptime_ms=<since kernel start>
 *     end
 */
#define REPORT_TEXT_MAX 1024

struct report {
	char version[64], slot[4], primary[4], secureboot[16], verity[16], verdict[16];
	char what[32], why[192]; /* printable ASCII; others become `?` */
	uint64_t release;
	uint8_t root[SHA256_SIZE];
	uint8_t good[2], tries[2]; /* of slot a, b */
	uint8_t marked;
	uint64_t uptime_ms;
};

/* report_from_status - the same machine, in fewer words; what is not known is `-` or zero. */
void report_from_status(const struct status *s, struct report *ret);

/* report_format - the text; no NUL is counted. Errors: -EINVAL a word that is not of the form. */
int report_format(const struct report *r, char ret_text[static REPORT_TEXT_MAX], size_t *ret_len);
/* report_parse - read it back: only what report_format writes. Errors: -EBADMSG. */
int report_parse(const uint8_t *buf, size_t len, struct report *ret, struct err *err);

#endif
