// SPDX-License-Identifier: Apache-2.0
/* Structures of real TPMs: tests/data/attest/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "evidence.h"
#include "io.h"
#include "tpm2parse.h"

static uint8_t buf[65536];
static struct evidence e;

static void load(const char *path)
{
	size_t len;

	assert_int_equal(io_read_file(path, buf, sizeof(buf), &len), 0);
	assert_int_equal(evidence_parse(buf, len, &e, NULL), 0);
}

/* Cut anywhere, and with a byte too many, it is refused; in allocations of that size. */
static void cuts(int part, int (*parse)(const uint8_t *p, size_t len))
{
	size_t len = e.part[part].len, cut;

	for (cut = 0; cut <= len + 1; cut++) {
		uint8_t *p = calloc(1, cut ? cut : 1);

		assert_non_null(p);
		memcpy(p, e.part[part].buf, cut < len ? cut : len);
		assert_int_equal(parse(p, cut) == 0, cut == len);
		free(p);
	}
}

static int parse_public(const uint8_t *p, size_t len)
{
	struct tpm2_public public;

	return tpm2_public_parse(p, len, &public, NULL);
}

static int parse_attest(const uint8_t *p, size_t len)
{
	struct tpm2_attest a;

	return tpm2_attest_parse(p, len, &a, NULL);
}

static int parse_signature(const uint8_t *p, size_t len)
{
	uint8_t rs[P256_SIGNATURE_SIZE];

	return tpm2_signature_parse(p, len, rs, NULL);
}

static void test_public(void **state)
{
	struct tpm2_public p;
	uint8_t again[TPM2_PUBLIC_MAX];
	size_t len;

	(void)state;
	load("tests/data/attest/ecc-request");
	assert_int_equal(
		tpm2_public_parse(e.part[EVIDENCE_AK].buf, e.part[EVIDENCE_AK].len, &p, NULL), 0);
	assert_int_equal(tpm2_public_is_ak(&p, NULL), 0);
	assert_int_equal(tpm2_public_is_identity(&p, NULL), -EKEYREJECTED);
	assert_int_equal(tpm2_public_is_ek(&p, NULL), -EKEYREJECTED);
	len = tpm2_public_p256(p.attributes, TPM2_ID_NULL, TPM2_ID_ECDSA, p.point, again);
	assert_int_equal(len, e.part[EVIDENCE_AK].len);
	assert_memory_equal(again, e.part[EVIDENCE_AK].buf, len);
	assert_int_equal(tpm2_public_parse(e.part[EVIDENCE_IDENTITY].buf,
					   e.part[EVIDENCE_IDENTITY].len, &p, NULL),
			 0);
	assert_int_equal(tpm2_public_is_identity(&p, NULL), 0);
	assert_int_equal(tpm2_public_is_ak(&p, NULL), -EKEYREJECTED);
	assert_int_equal(
		tpm2_public_parse(e.part[EVIDENCE_EK].buf, e.part[EVIDENCE_EK].len, &p, NULL), 0);
	assert_int_equal(tpm2_public_is_ek(&p, NULL), 0);
	assert_int_equal(p.policy_len, SHA256_SIZE);
	cuts(EVIDENCE_AK, parse_public);
	cuts(EVIDENCE_EK, parse_public);
	load("tests/data/attest/rsa-request");
	assert_int_equal(
		tpm2_public_parse(e.part[EVIDENCE_EK].buf, e.part[EVIDENCE_EK].len, &p, NULL), 0);
	assert_int_equal(p.type, TPM2_ID_RSA);
	assert_int_equal(p.modulus_len, 256);
	assert_int_equal(p.exponent, 65537);
	assert_int_equal(tpm2_public_is_ek(&p, NULL), 0);
	cuts(EVIDENCE_EK, parse_public);
}

/* Every algorithm field with another value is refused as an algorithm. */
static void test_public_others(void **state)
{
	static const struct {
		size_t at;
		int rc;
	} fields[] = {
		{ 0, -ENOTSUP },  /* type */
		{ 2, -ENOTSUP },  /* nameAlg */
		{ 10, -ENOTSUP }, /* symmetric */
		{ 12, -ENOTSUP }, /* scheme */
		{ 14, -ENOTSUP }, /* its hash */
		{ 16, -ENOTSUP }, /* curve */
		{ 18, -ENOTSUP }, /* kdf */
	};
	uint8_t area[TPM2_PUBLIC_MAX];
	struct tpm2_public p;
	size_t i;

	(void)state;
	load("tests/data/attest/ecc-request");
	memcpy(area, e.part[EVIDENCE_AK].buf, e.part[EVIDENCE_AK].len);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint16_t was = be16_load(area + fields[i].at);

		be16_store(area + fields[i].at, (uint16_t)(was ^ 0x4000));
		assert_int_equal(tpm2_public_parse(area, e.part[EVIDENCE_AK].len, &p, NULL),
				 fields[i].rc);
		be16_store(area + fields[i].at, was);
	}
}

static void test_attest(void **state)
{
	struct tpm2_attest a;
	uint8_t again[TPM2_ATTEST_MAX];
	size_t len;

	(void)state;
	load("tests/data/attest/ecc-evidence");
	assert_int_equal(tpm2_attest_parse(e.part[EVIDENCE_ATTEST].buf, e.part[EVIDENCE_ATTEST].len,
					   &a, NULL),
			 0);
	assert_int_equal(a.magic, TPM2_MAGIC);
	assert_int_equal(a.type, TPM2_TYPE_QUOTE);
	assert_int_equal(a.signer_len, TPM2_NAME_SIZE);
	assert_int_equal(a.extra_len, SHA256_SIZE);
	assert_int_equal(a.pcr_hash, TPM2_ID_SHA256);
	assert_int_equal(a.pcr_mask, 0x43ff);
	assert_true(a.safe);
	assert_true(a.clock_ms > 0);
	assert_int_equal(a.restarts, 0);
	len = tpm2_attest_format(&a, again);
	assert_int_equal(len, e.part[EVIDENCE_ATTEST].len);
	assert_memory_equal(again, e.part[EVIDENCE_ATTEST].buf, len);
	cuts(EVIDENCE_ATTEST, parse_attest);
	cuts(EVIDENCE_SIGNATURE, parse_signature);
	load("tests/data/attest/rsa-request");
	assert_int_equal(tpm2_attest_parse(e.part[EVIDENCE_ATTEST].buf, e.part[EVIDENCE_ATTEST].len,
					   &a, NULL),
			 0);
	assert_int_equal(a.type, TPM2_TYPE_CERTIFY);
	len = tpm2_attest_format(&a, again);
	assert_int_equal(len, e.part[EVIDENCE_ATTEST].len);
	assert_memory_equal(again, e.part[EVIDENCE_ATTEST].buf, len);
	cuts(EVIDENCE_ATTEST, parse_attest);
}

/* A safe that is neither YES nor NO, two selections, a selection of four bytes, a short digest. */
static void test_attest_forms(void **state)
{
	uint8_t said[TPM2_ATTEST_MAX];
	struct tpm2_attest a;
	size_t len, safe = 4 + 2 + 2 + 34 + 2 + 32 + 8 + 4 + 4, list = safe + 1 + 8;

	(void)state;
	load("tests/data/attest/ecc-evidence");
	len = e.part[EVIDENCE_ATTEST].len;
	memcpy(said, e.part[EVIDENCE_ATTEST].buf, len);
	said[safe] = 2;
	assert_int_equal(tpm2_attest_parse(said, len, &a, NULL), -EBADMSG);
	said[safe] = 0;
	assert_int_equal(tpm2_attest_parse(said, len, &a, NULL), 0);
	assert_false(a.safe);
	said[list + 3] = 2;
	assert_int_equal(tpm2_attest_parse(said, len, &a, NULL), -EBADMSG);
	said[list + 3] = 1;
	said[list + 6] = 4;
	assert_int_equal(tpm2_attest_parse(said, len, &a, NULL), -EBADMSG);
	said[list + 6] = 3;
	said[list + 11] = 31;
	assert_int_equal(tpm2_attest_parse(said, len - 1, &a, NULL), -EBADMSG);
	assert_int_equal(tpm2_attest_parse(said, sizeof(said) + 1, &a, NULL), -EBADMSG);
}

static void test_signature(void **state)
{
	uint8_t rs[P256_SIGNATURE_SIZE], got[P256_SIGNATURE_SIZE], text[TPM2_SIGNATURE_MAX];
	/* Integers without their leading zeros are taken too: TPMs differ. */
	static const uint8_t brief[] = { 0, 0x18, 0, 0x0b, 0, 1, 9, 0, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rs); i++)
		rs[i] = (uint8_t)(i * 3);
	assert_int_equal(tpm2_signature_format(rs, text), TPM2_SIGNATURE_MAX);
	assert_int_equal(tpm2_signature_parse(text, sizeof(text), got, NULL), 0);
	assert_memory_equal(got, rs, sizeof(rs));
	assert_int_equal(tpm2_signature_parse(brief, sizeof(brief), got, NULL), 0);
	assert_int_equal(got[31], 9);
	assert_int_equal(got[63], 0);
	text[1] = 0x14; /* RSASSA */
	assert_int_equal(tpm2_signature_parse(text, sizeof(text), got, NULL), -ENOTSUP);
	text[1] = 0x18;
	text[3] = 0x04; /* SHA-1 */
	assert_int_equal(tpm2_signature_parse(text, sizeof(text), got, NULL), -ENOTSUP);
	text[3] = 0x0b;
	text[5] = 33;
	assert_int_equal(tpm2_signature_parse(text, sizeof(text), got, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public),	  cmocka_unit_test(test_public_others),
		cmocka_unit_test(test_attest),	  cmocka_unit_test(test_attest_forms),
		cmocka_unit_test(test_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
