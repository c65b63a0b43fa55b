// SPDX-License-Identifier: Apache-2.0
/* The verifier: good evidence is taken, every single change of it is refused by the right check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "object.h"
#include "p256sign.h"
#include "tests/attest/kit.h"

static struct kit kit;
static struct attest_result result;

static int setup(void **state)
{
	(void)state;
	return kit_init(&kit);
}

static int teardown(void **state)
{
	(void)state;
	kit_release(&kit);
	return 0;
}

static void make(void)
{
	assert_int_equal(kit_make(&kit, EVIDENCE_QUOTE, NULL, NULL), 0);
}

static int verify(void)
{
	return attest_verify(&kit.policy, kit.buf, kit.len, &result);
}

static void test_good(void **state)
{
	(void)state;
	make();
	assert_int_equal(verify(), 0);
	assert_int_equal(result.failed, ATTEST_CHECKS);
	assert_string_equal(result.why.msg, "");
	assert_int_equal(result.events, KIT_EVENTS);
	assert_int_equal(result.clock.clock_ms, 2000);
	assert_int_equal(result.clock.resets, 4);
	assert_int_equal(result.report.release, 7);
	assert_string_equal(result.report.verdict, "ready");
	/* Again at the same moment, and after it has been remembered. */
	kit.machine.last = result.clock;
	assert_int_equal(verify(), 0);
	kit.machine.last = (struct attest_clock){ .clock_ms = 1000, .resets = 4, .restarts = 1 };
}

/* Rightly signed, wrong in one field. */
static void test_hostile(void **state)
{
	bool seen[ATTEST_CHECKS] = { false };
	size_t i;

	(void)state;
	for (i = 0; i < kit_hostile_count; i++) {
		const struct kit_hostile *h = &kit_hostile[i];

		assert_int_equal(kit_make(&kit, EVIDENCE_QUOTE, h->before, h->after), 0);
		if (verify() != -EKEYREJECTED || result.failed != h->refused_by ||
		    !result.why.msg[0])
			fail_msg("%s: refused by %s (%s), not by %s", h->name,
				 attest_check_name(result.failed), result.why.msg,
				 attest_check_name(h->refused_by));
		seen[h->refused_by] = true;
	}
	for (i = ATTEST_KEYS; i < ATTEST_REPORT; i++)
		if (!seen[i])
			fail_msg("no evidence for check %s",
				 attest_check_name((enum attest_check)i));
}

/* Every byte of good evidence, every bit of those outside the log, and every length. */
static void test_every_byte(void **state)
{
	struct evidence e;
	size_t at, log_at, log_end;

	(void)state;
	make();
	assert_int_equal(evidence_parse(kit.buf, kit.len, &e, NULL), 0);
	log_at = (size_t)(e.part[EVIDENCE_EVENTLOG].buf - kit.buf);
	log_end = log_at + e.part[EVIDENCE_EVENTLOG].len;
	for (at = 0; at < kit.len; at++) {
		int bit, step = at >= log_at && at < log_end ? 8 : 1;

		for (bit = (int)(at % 8) % step; bit < 8; bit += step) {
			kit.buf[at] ^= (uint8_t)(1 << bit);
			if (verify() != -EKEYREJECTED)
				fail_msg("bit %d of byte %zu may be flipped", bit, at);
			kit.buf[at] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(verify(), 0);
	for (at = 0; at < kit.len; at += at < 64 ? 1 : 97) {
		assert_int_equal(attest_verify(&kit.policy, kit.buf, at, &result), -EKEYREJECTED);
		assert_int_equal(result.failed, ATTEST_FORM);
	}
	assert_int_equal(attest_verify(&kit.policy, kit.buf, kit.len + 1, &result), -EKEYREJECTED);
}

/* What the verifier brings: another nonce, channel, machine, list, release. */
static void test_policy(void **state)
{
	static struct pcrlist other;
	const struct pcrlist *both[] = { &other, &kit.list };
	struct attest_policy p = kit.policy;
	uint8_t root[SHA256_SIZE];

	(void)state;
	make();
	p.ask.nonce[31] ^= 1;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_NONCE);
	p = kit.policy;
	p.ask.channel[0] ^= 1;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_NONCE);
	p = kit.policy;
	p.lists = 0;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_EVENTS);
	pcrlist_init(&other, ATTEST_PCRS);
	p.list = both;
	p.lists = 1;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_EVENTS);
	p.lists = 2;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), 0);
	assert_int_equal(result.list, 1);
	p = kit.policy;
	memcpy(root, kit.report.root, sizeof(root));
	p.root = root;
	p.release = 7;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), 0);
	root[5] ^= 1;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_REPORT);
	root[5] ^= 1;
	p.release = 8;
	assert_int_equal(attest_verify(&p, kit.buf, kit.len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_REPORT);
}

static void test_clock(void **state)
{
	static const struct {
		struct attest_clock last, now;
		bool safe, good;
	} cases[] = {
		{ { 10, 1, 0 }, { 10, 1, 0 }, true, true },
		{ { 10, 1, 0 }, { 11, 1, 0 }, false, true },
		{ { 10, 1, 0 }, { 9, 1, 0 }, true, false },
		{ { 10, 1, 0 }, { 9, 1, 0 }, false, false }, /* one power cycle */
		{ { 10, 1, 0 }, { 9, 1, 1 }, true, false },  /* resumed */
		{ { 10, 1, 0 }, { 9, 2, 0 }, true, false },  /* the TPM says it cannot be */
		{ { 10, 1, 0 }, { 9, 2, 0 }, false, true },  /* power was cut */
		{ { 10, 1, 3 }, { 11, 2, 0 }, true, true },  /* restarts begin anew */
		{ { 10, 2, 0 }, { 11, 1, 0 }, true, false }, /* cleared, or another TPM */
		{ { 10, 2, 0 }, { 11, 1, 9 }, false, false },
		{ { 10, 1, 2 }, { 11, 1, 1 }, true, false },
		{ { 0, 0, 0 }, { 0, 0, 0 }, true, true },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if ((attest_clock_check(&cases[i].last, &cases[i].now, cases[i].safe, &err) == 0) !=
		    cases[i].good)
			fail_msg("clock %zu", i);
}

static void ready_clock(struct kit_draft *d)
{
	d->attest.clock_ms = 77;
}

static void other_certified(struct kit_draft *d)
{
	d->name[5] ^= 1;
}

static void under_endorsement(struct kit_draft *d)
{
	tpm2_primary_name(TPM2_HANDLE_ENDORSEMENT, d->name, d->qualified);
}

static void quote_instead(struct kit_draft *d)
{
	d->attest.type = TPM2_TYPE_QUOTE;
}

static void other_magic(struct kit_draft *d)
{
	d->attest.magic = 1;
}

static void other_nonce(struct kit_draft *d)
{
	d->extra[3] ^= 4;
}

static void ak_attributes(struct kit_draft *d, uint32_t flip)
{
	be32_store(d->ak.area + 4, be32_load(d->ak.area + 4) ^ flip);
}

static void ak_unrestricted(struct kit_draft *d)
{
	ak_attributes(d, TPM2_RESTRICTED);
}

static void ak_movable(struct kit_draft *d)
{
	ak_attributes(d, TPM2_FIXED_TPM);
}

static void ak_imported(struct kit_draft *d)
{
	ak_attributes(d, TPM2_TPM_MADE);
}

static void ak_decrypts(struct kit_draft *d)
{
	ak_attributes(d, TPM2_DECRYPT);
}

static void identity_restricted(struct kit_draft *d)
{
	be32_store(d->identity.area + 4, be32_load(d->identity.area + 4) | TPM2_RESTRICTED);
}

static void identity_movable(struct kit_draft *d)
{
	be32_store(d->identity.area + 4, be32_load(d->identity.area + 4) & ~TPM2_FIXED_PARENT);
}

static void ek_signs(struct kit_draft *d)
{
	be32_store(d->ek.area + 4, be32_load(d->ek.area + 4) ^ TPM2_SIGN);
}

static void ak_off_curve(struct kit_draft *d)
{
	memset(d->ak.area + d->ak.len - 32, 0x11, 32);
}

static void identity_off_curve(struct kit_draft *d)
{
	memset(d->identity.area + d->identity.len - 32, 0x11, 32);
}

static void test_enrol(void **state)
{
	static const struct {
		kit_change *before, *after;
		enum attest_check refused_by;
	} cases[] = {
		{ NULL, other_certified, ATTEST_KEYS },	 { NULL, under_endorsement, ATTEST_KEYS },
		{ NULL, quote_instead, ATTEST_TYPE },	 { NULL, other_magic, ATTEST_MAGIC },
		{ NULL, other_nonce, ATTEST_NONCE },	 { ak_unrestricted, NULL, ATTEST_KEYS },
		{ ak_movable, NULL, ATTEST_KEYS },	 { ak_imported, NULL, ATTEST_KEYS },
		{ ak_decrypts, NULL, ATTEST_KEYS },	 { identity_restricted, NULL, ATTEST_KEYS },
		{ identity_movable, NULL, ATTEST_KEYS }, { ek_signs, NULL, ATTEST_KEYS },
		{ ak_off_curve, NULL, ATTEST_KEYS },	 { identity_off_curve, NULL, ATTEST_KEYS },
	};
	struct attest_machine m;
	size_t i;

	(void)state;
	assert_int_equal(kit_make(&kit, EVIDENCE_REQUEST, NULL, ready_clock), 0);
	assert_int_equal(attest_enrol(&kit.policy.ask, kit.buf, kit.len, &m, &result), 0);
	assert_int_equal(m.last.clock_ms, 77);
	assert_memory_equal(m.signer, kit.machine.signer, TPM2_NAME_SIZE);
	for (i = 0; i < kit.len; i++) {
		kit.buf[i] ^= 0x10;
		assert_int_equal(attest_enrol(&kit.policy.ask, kit.buf, kit.len, &m, &result),
				 -EKEYREJECTED);
		kit.buf[i] ^= 0x10;
	}
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(kit_make(&kit, EVIDENCE_REQUEST, cases[i].before, cases[i].after),
				 0);
		assert_int_equal(attest_enrol(&kit.policy.ask, kit.buf, kit.len, &m, &result),
				 -EKEYREJECTED);
		if (result.failed != cases[i].refused_by)
			fail_msg("enrol %zu: %s (%s)", i, attest_check_name(result.failed),
				 result.why.msg);
	}
	/* One is not the other. */
	make();
	assert_int_equal(attest_enrol(&kit.policy.ask, kit.buf, kit.len, &m, &result),
			 -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_FORM);
	assert_int_equal(kit_make(&kit, EVIDENCE_REQUEST, NULL, NULL), 0);
	assert_int_equal(verify(), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_FORM);
}

static void test_object(void **state)
{
	static const char text[] = "an object of this machine's";
	uint8_t buf[OBJECT_HEAD + sizeof(text) + P256_SIGNATURE_SIZE], digest[SHA256_SIZE];
	struct object o;
	size_t i;

	(void)state;
	assert_int_equal(object_head(OBJECT_TEXT, sizeof(text), buf), 0);
	memcpy(buf + OBJECT_HEAD, text, sizeof(text));
	sha256(buf, OBJECT_HEAD + sizeof(text), digest);
	assert_int_equal(p256_sign(kit.identity_secret, digest, buf + OBJECT_HEAD + sizeof(text)),
			 0);
	assert_int_equal(object_open(buf, sizeof(buf), kit.identity, &o, NULL), 0);
	assert_int_equal(o.kind, OBJECT_TEXT);
	assert_int_equal(o.len, sizeof(text));
	assert_string_equal((const char *)o.content, text);
	assert_int_equal(object_open(buf, sizeof(buf), kit.ak, &o, NULL), -EKEYREJECTED);
	for (i = 0; i < 8 * sizeof(buf); i++) {
		buf[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(object_open(buf, sizeof(buf), kit.identity, &o, NULL) < 0);
		buf[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < sizeof(buf); i++)
		assert_int_equal(object_parse(buf, i, &o, NULL), -EBADMSG);
	assert_int_equal(object_head(OBJECT_TEXT, OBJECT_CONTENT_MAX + 1u, buf), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	   cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_policy),
		cmocka_unit_test(test_clock),	   cmocka_unit_test(test_enrol),
		cmocka_unit_test(test_object),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
