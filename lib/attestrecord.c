// SPDX-License-Identifier: Apache-2.0
#include "attestrecord.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctext.h"

int attestrecord_format(const struct attest_machine *m, char ret_text[static ATTESTRECORD_MAX],
			size_t *ret_len)
{
	struct doctext_out out;

	doctext_out(&out, ret_text, ATTESTRECORD_MAX);
	doctext_put(&out, "cairn-machine 1\nek=");
	doctext_put_hex(&out, m->ek.area, m->ek.len);
	doctext_put(&out, "\nak=");
	doctext_put_hex(&out, m->ak.area, m->ak.len);
	doctext_put(&out, "\nidentity=");
	doctext_put_hex(&out, m->identity.area, m->identity.len);
	doctext_put(&out, "\nclock=%" PRIu64 " %" PRIu32 " %" PRIu32 "\nend\n", m->last.clock_ms,
		    m->last.resets, m->last.restarts);
	if (out.failed)
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

int attestrecord_parse(const uint8_t *buf, size_t len, struct attest_machine *ret, struct err *err)
{
	struct doctext_in in;

	memset(ret, 0, sizeof(*ret));
	doctext_in(&in, buf, len);
	doctext_lit(&in, "cairn-machine 1\nek=");
	ret->ek.len = doctext_hex_upto(&in, ret->ek.area, sizeof(ret->ek.area));
	doctext_lit(&in, "\nak=");
	ret->ak.len = doctext_hex_upto(&in, ret->ak.area, sizeof(ret->ak.area));
	doctext_lit(&in, "\nidentity=");
	ret->identity.len = doctext_hex_upto(&in, ret->identity.area, sizeof(ret->identity.area));
	doctext_lit(&in, "\nclock=");
	ret->last.clock_ms = doctext_u64(&in, 0, UINT64_MAX);
	doctext_lit(&in, " ");
	ret->last.resets = (uint32_t)doctext_u64(&in, 0, UINT32_MAX);
	doctext_lit(&in, " ");
	ret->last.restarts = (uint32_t)doctext_u64(&in, 0, UINT32_MAX);
	doctext_lit(&in, "\nend\n");
	if (!doctext_done(&in))
		return err_set(err, -EBADMSG, "machine: not of its form at byte %zu",
			       (size_t)(in.at - in.start));
	return attest_machine_ready(ret, err);
}
