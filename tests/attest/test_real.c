// SPDX-License-Identifier: Apache-2.0
/* Evidence of software TPMs (tests/data/attest), lists, records, and the EK's certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "attestlist.h"
#include "attestrecord.h"
#include "ekcert.h"
#include "io.h"
#include "object.h"

static uint8_t buf[65536], other[65536];
static size_t len;
static struct pcrlist list;
static const struct pcrlist *const lists[] = { &list };
static struct attest_machine machine;
static struct attest_result result;
static struct err err;

static void load(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "tests/data/attest/%s", name);
	assert_int_equal(io_read_file(path, buf, sizeof(buf), &len), 0);
}

static struct evidence_ask asked(bool channel)
{
	struct evidence_ask ask = { { 0 }, { 0 } };

	memset(ask.nonce, 0xa1, sizeof(ask.nonce));
	if (channel)
		memset(ask.channel, 0xc2, sizeof(ask.channel));
	return ask;
}

static void check(const char *record, const char *evidence)
{
	struct attest_policy policy = { .machine = &machine, .list = lists, .lists = 1 };

	load("events");
	assert_int_equal(attestlist_parse(buf, len, &list, &err), 0);
	load(record);
	assert_int_equal(attestrecord_parse(buf, len, &machine, &err), 0);
	assert_int_equal(crypto_p256_key_new(machine.ak_public.point, &policy.ak), 0);
	policy.ask = asked(true);
	load(evidence);
	if (attest_verify(&policy, buf, len, &result))
		fail_msg("%s: %s: %s", evidence, attest_check_name(result.failed), result.why.msg);
	assert_int_equal(result.events, 25);
	policy.ask = asked(false);
	assert_int_equal(attest_verify(&policy, buf, len, &result), -EKEYREJECTED);
	assert_int_equal(result.failed, ATTEST_NONCE);
	crypto_p256_key_free(policy.ak);
}

static void test_evidence(void **state)
{
	(void)state;
	check("ecc-machine", "ecc-evidence");
	check("rsa-machine", "rsa-evidence");
}

/* The same evidence, signed by the identity key. */
static void test_object(void **state)
{
	struct p256_key *key;
	struct object o;

	(void)state;
	load("ecc-machine");
	assert_int_equal(attestrecord_parse(buf, len, &machine, &err), 0);
	assert_int_equal(crypto_p256_key_new(machine.identity_public.point, &key), 0);
	load("ecc-object");
	assert_int_equal(object_open(buf, len, key, &o, &err), 0);
	assert_int_equal(o.kind, OBJECT_EVIDENCE);
	memcpy(other, o.content, o.len);
	load("ecc-evidence");
	assert_int_equal(len, o.len);
	assert_memory_equal(buf, other, len);
	crypto_p256_key_free(key);
}

/* What enrolment wrote follows from the request. */
static void test_requests(void **state)
{
	static const char *const kinds[][2] = { { "ecc-request", "ecc-machine" },
						{ "rsa-request", "rsa-machine" } };
	const struct evidence_ask ask = asked(false), wrong = asked(true);
	char text[ATTESTRECORD_MAX];
	size_t i, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		load(kinds[i][0]);
		assert_int_equal(attest_enrol(&wrong, buf, len, &machine, &result), -EKEYREJECTED);
		assert_int_equal(result.failed, ATTEST_NONCE);
		assert_int_equal(attest_enrol(&ask, buf, len, &machine, &result), 0);
		assert_int_equal(attestrecord_format(&machine, text, &n), 0);
		load(kinds[i][1]);
		assert_int_equal(n, len);
		assert_memory_equal(text, buf, n);
	}
}

static void test_record(void **state)
{
	char text[ATTESTRECORD_MAX];
	size_t n, i;

	(void)state;
	load("rsa-machine");
	assert_int_equal(attestrecord_parse(buf, len, &machine, &err), 0);
	assert_int_equal(attestrecord_format(&machine, text, &n), 0);
	assert_int_equal(n, len);
	assert_memory_equal(text, buf, n);
	for (i = 0; i < len; i++)
		assert_int_equal(attestrecord_parse(buf, i, &machine, &err), -EBADMSG);
	buf[len] = '\n';
	assert_int_equal(attestrecord_parse(buf, len + 1, &machine, &err), -EBADMSG);
}

static void expect_list(const char *text, int rc)
{
	if (attestlist_parse((const uint8_t *)text, strlen(text), &list, &err) != rc)
		fail_msg("list: %s", text);
}

#define D "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_list(void **state)
{
	static char text[ATTESTLIST_MAX];
	size_t n;

	(void)state;
	load("events");
	assert_int_equal(attestlist_parse(buf, len, &list, &err), 0);
	assert_int_equal(list.pcrs, ATTEST_PCRS);
	assert_int_equal(list.n, 25);
	assert_int_equal(attestlist_format(&list, text, &n), 0);
	assert_int_equal(n, len);
	assert_memory_equal(text, buf, n);
	expect_list("cairn-events 1\npcrs=4\nend\n", 0);
	expect_list("cairn-events 1\npcrs=4\n4 " D " what\n4 " D "|" D " \nend\n", 0);
	assert_int_equal(list.event[1].alternatives, 2);
	expect_list("cairn-events 1\npcrs=4\n4 " D "|" D "|" D "|" D "|" D " x\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=4\n5 " D " a PCR that is not judged\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=4 4\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=5 4\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=24\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=4\n4 " D "\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=4\n4 " D " what\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=4\nend\nmore\n", -EBADMSG);
	expect_list("cairn-events 2\npcrs=4\nend\n", -EBADMSG);
	expect_list("cairn-events 1\npcrs=4\n4 " D " \tx\nend\n", -EBADMSG);
}

static void test_certificate(void **state)
{
	const struct evidence_ask ask = asked(false);
	const uint8_t *der;
	size_t der_len, pem_len, i, taken = 0;
	const uint64_t now = 1900000000, before = 1000000000;
	char *pem = (char *)other;
	struct tpm2_public ek;

	(void)state;
	load("rsa-roots.pem");
	memcpy(pem, buf, len);
	pem_len = len;
	load("rsa-request");
	assert_int_equal(attest_enrol(&ask, buf, len, &machine, &result), 0);
	der = result.evidence.part[EVIDENCE_CERTIFICATE].buf;
	der_len = result.evidence.part[EVIDENCE_CERTIFICATE].len;
	ek = machine.ek_public;
	assert_int_equal(ekcert_check(der, der_len, &ek, pem, pem_len, now, &err), 0);
	assert_int_equal(ekcert_check(der, der_len, &ek, pem, pem_len, before, &err),
			 -EKEYREJECTED);
	assert_int_equal(ekcert_check(der, der_len - 1, &ek, pem, pem_len, now, &err), -EBADMSG);
	assert_int_equal(ekcert_check(der, der_len, &ek, pem, 100, now, &err), -EBADMSG);
	assert_int_equal(ekcert_check(der, der_len, &machine.ak_public, pem, pem_len, now, &err),
			 -EKEYREJECTED);
	ek.exponent = 3;
	assert_int_equal(ekcert_check(der, der_len, &ek, pem, pem_len, now, &err), -EKEYREJECTED);
	ek = machine.ek_public;
	/* Only the root, only the one in between: no way from one to the other. */
	for (i = 1; i < pem_len && memcmp(pem + i, "-----BEGIN", 10) != 0; i++)
		;
	assert_true(i < pem_len);
	assert_int_equal(ekcert_check(der, der_len, &ek, pem, i, now, &err), -EKEYREJECTED);
	assert_int_equal(ekcert_check(der, der_len, &ek, pem + i, pem_len - i, now, &err),
			 -EKEYREJECTED);
	/* No bit of it may change. */
	for (i = 0; i < 8 * der_len; i += 5) {
		uint8_t *p = (uint8_t *)(uintptr_t)der;

		p[i / 8] ^= (uint8_t)(1 << i % 8);
		taken += ekcert_check(der, der_len, &ek, pem, pem_len, now, &err) == 0;
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence), cmocka_unit_test(test_object),
		cmocka_unit_test(test_requests), cmocka_unit_test(test_record),
		cmocka_unit_test(test_list),	 cmocka_unit_test(test_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
