// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "object.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* report - one form only: what is read is written as it was. */
static void report(const uint8_t *buf, size_t len)
{
	char text[REPORT_TEXT_MAX];
	struct report r;
	size_t n;

	if (report_parse(buf, len, &r, NULL) == 0 &&
	    (report_format(&r, text, &n) || n != len || memcmp(text, buf, n) != 0))
		abort();
}

/* A machine of the input's own keys, so that the checks behind those of the keys are met too. */
static void verify(const struct evidence *e, const uint8_t *buf, size_t len)
{
	static struct attest_machine m;
	static struct attest_result r;
	static struct pcrlist list;
	const struct pcrlist *const lists[] = { &list };
	struct attest_policy policy = { .machine = &m, .list = lists, .lists = 1 };

	if (e->part[EVIDENCE_EK].len > TPM2_PUBLIC_MAX ||
	    e->part[EVIDENCE_AK].len > TPM2_PUBLIC_MAX ||
	    e->part[EVIDENCE_IDENTITY].len > TPM2_PUBLIC_MAX)
		return;
	memset(&m, 0, sizeof(m));
	memcpy(m.ek.area, e->part[EVIDENCE_EK].buf, m.ek.len = e->part[EVIDENCE_EK].len);
	memcpy(m.ak.area, e->part[EVIDENCE_AK].buf, m.ak.len = e->part[EVIDENCE_AK].len);
	memcpy(m.identity.area, e->part[EVIDENCE_IDENTITY].buf,
	       m.identity.len = e->part[EVIDENCE_IDENTITY].len);
	pcrlist_init(&list, ATTEST_PCRS);
	if (attest_machine_ready(&m, NULL) || crypto_p256_key_new(m.ak_public.point, &policy.ak))
		return;
	memset(policy.ask.nonce, 0xa1, sizeof(policy.ask.nonce));
	memset(policy.ask.channel, 0xc2, sizeof(policy.ask.channel));
	/* Real evidence fails here at the latest: no list. */
	if (attest_verify(&policy, buf, len, &r) == 0)
		abort();
	crypto_p256_key_free(policy.ak);
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const struct evidence_ask ask;
	static struct attest_machine m;
	static struct attest_result r;
	struct evidence e;
	struct object o;
	struct err err;

	if (object_parse(buf, len, &o, &err) == 0) {
		buf = o.content;
		len = o.len;
	}
	report(buf, len);
	if (evidence_parse(buf, len, &e, &err))
		return 0;
	if (e.kind == EVIDENCE_QUOTE) {
		report(e.part[EVIDENCE_REPORT].buf, e.part[EVIDENCE_REPORT].len);
		verify(&e, buf, len);
	} else {
		(void)attest_enrol(&ask, buf, len, &m, &r);
	}
	return 0;
}
