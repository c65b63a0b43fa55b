// SPDX-License-Identifier: Apache-2.0
#include "der.h"

#include <errno.h>
#include <string.h>

int der_any(struct der *in, uint8_t *ret_tag, struct der *ret_value, struct der *ret_whole)
{
	const uint8_t *p = in->p;
	size_t head = 2, len, n, i;

	/* Tags of several bytes (31 in the low bits) occur in nothing that is read here. */
	if (in->len < 2 || (p[0] & 0x1f) == 0x1f)
		return -EBADMSG;
	len = p[1];
	if (len & 0x80) {
		n = len & 0x7f;
		if (n < 1 || n > 3 || in->len < 2 + n || !p[2])
			return -EBADMSG;
		for (i = 0, len = 0; i < n; i++)
			len = len << 8 | p[2 + i];
		if (len < 0x80)
			return -EBADMSG;
		head += n;
	}
	if (len > in->len - head)
		return -EBADMSG;
	if (ret_tag)
		*ret_tag = p[0];
	if (ret_value)
		*ret_value = (struct der){ p + head, len };
	if (ret_whole)
		*ret_whole = (struct der){ p, head + len };
	in->p = p + head + len;
	in->len -= head + len;
	return 0;
}

int der_next(struct der *in, uint8_t tag, struct der *ret_value)
{
	return der_next_is(in, tag) ? der_any(in, NULL, ret_value, NULL) : -EBADMSG;
}

int der_next_is(const struct der *in, uint8_t tag)
{
	return in->len && in->p[0] == tag;
}

int der_equal(const struct der *a, const void *bytes, size_t len)
{
	return a->len == len && memcmp(a->p, bytes, len) == 0;
}
