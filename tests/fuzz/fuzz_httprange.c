// SPDX-License-Identifier: Apache-2.0
/*
 * The input: two bytes (status and what was asked for), then header lines of a server's answer,
 * each ended by a newline.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err.h"
#include "httprange.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const int status[] = { 200, 206, 416, 404, 500, 302, 200, 206 };
	struct httprange_want want = {
		.next = 100, .end = 200, .ranged = true, .skip_max = 4096, .whole_max = 4096
	};
	struct httprange_answer a;
	struct httprange_take take;
	struct err err;

	if (len < 2)
		return 0;
	memset(&a, 0, sizeof(a));
	a.status = status[buf[0] & 7];
	want.ranged = buf[0] & 8;
	if (buf[0] & 16)
		want.end = UINT64_MAX;
	if (!want.ranged)
		want.next = 0;
	if (buf[0] & 32)
		memcpy(want.etag, "\"a\"", 4);
	want.total = buf[1] & 1 ? 1000 : 0;
	buf += 2;
	len -= 2;
	while (len) {
		const uint8_t *nl = memchr(buf, '\n', len);
		size_t n = nl ? (size_t)(nl - buf) : len;

		httprange_header(&a, buf, n);
		n += nl ? 1 : 0;
		buf += n;
		len -= n;
	}
	if (httprange_judge(&want, &a, &take, &err))
		return 0;
	/* What is taken is what was asked for, and no more. */
	if (take.take > want.end - want.next || (take.skip && take.skip != want.next) ||
	    take.skip > want.skip_max || (want.total && take.total && take.total != want.total) ||
	    (take.total && take.take > take.total - want.next))
		__builtin_trap();
	return 0;
}
