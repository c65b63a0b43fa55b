// SPDX-License-Identifier: Apache-2.0
/* The packets' form; gpgv reads real ones in tests/e2e/04-signatures.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"
#include "pgp.h"

static const uint8_t keyid[PGP_KEYID_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static size_t make_sig(uint8_t ret[static PGP_SIG_MAX])
{
	uint8_t digest[SHA256_SIZE] = { 0xab, 0xcd }, rsa[256];
	size_t len, i;

	for (i = 0; i < sizeof(rsa); i++)
		rsa[i] = (uint8_t)(i < 2 ? 0 : i);
	assert_int_equal(pgp_sig_write(0x6592000b, keyid, digest, rsa, sizeof(rsa), ret, &len), 0);
	return len;
}

static size_t make_key(uint8_t ret[static PGP_KEY_MAX])
{
	static const uint8_t e[8] = { 0, 0, 0, 0, 0, 1, 0, 1 };
	uint8_t n[256];
	size_t len, body;

	memset(n, 0xc5, sizeof(n));
	assert_int_equal(pgp_key_write(7, n, sizeof(n), e, sizeof(e), ret, &len, &body), 0);
	assert_int_equal(body, 3);
	return len;
}

static void test_sig_bytes(void **state)
{
	/* RFC 4880: 4.2.1 (header), 5.2.3 (version 4), 5.2.3.4, 5.2.3.5, 3.2 (MPI of 2026 bits,
	 * since two zero bytes and six zero bits of the next one are dropped). */
	static const char expected[] = "89011a"
				       "04000108"
				       "0006"
				       "0502"
				       "6592000b"
				       "000a"
				       "0910"
				       "0102030405060708"
				       "abcd"
				       "07ea"
				       "0203040506";
	uint8_t sig[PGP_SIG_MAX];
	char text[2 * PGP_SIG_MAX + 1];
	size_t len = make_sig(sig);

	(void)state;
	hex_encode(sig, len, text);
	text[sizeof(expected) - 1] = '\0';
	assert_string_equal(text, expected);
	assert_int_equal(len, 3 + 12 + 12 + 2 + 2 + 254);
}

/* RFC 4880, 5.2.4: the data, the hashed part, 4, 0xff and the hashed part's length. */
static void test_digest(void **state)
{
	static const uint8_t whole[] = { 'a',  'b',  'c', 4,	0, 1,	 8, 0, 6, 5, 2,
					 0x65, 0x92, 0,	  0x0b, 4, 0xff, 0, 0, 0, 12 };
	uint8_t got[SHA256_SIZE], expected[SHA256_SIZE];
	struct sha256 h;

	(void)state;
	sha256_init(&h);
	sha256_update(&h, "abc", 3);
	pgp_digest(&h, 0x6592000b, got);
	sha256(whole, sizeof(whole), expected);
	assert_memory_equal(got, expected, sizeof(got));
}

static void test_round_trip(void **state)
{
	uint8_t buf[PGP_SIG_MAX];
	struct pgp_sig sig;
	struct pgp_key key;
	size_t len = make_sig(buf);

	(void)state;
	assert_int_equal(pgp_sig_parse(buf, len, &sig), 0);
	assert_int_equal(sig.created, 0x6592000b);
	assert_memory_equal(sig.keyid, keyid, sizeof(keyid));
	assert_int_equal(sig.left16[0], 0xab);
	assert_int_equal(sig.rsa_len, 254);
	assert_int_equal(sig.rsa[0], 2);
	len = make_key(buf);
	assert_int_equal(pgp_key_parse(buf, len, &key), 0);
	assert_int_equal(key.created, 7);
	assert_int_equal(key.n_len, 256);
	assert_int_equal(key.e_len, 3);
	assert_int_equal(key.e[0], 1);
}

/* Every shorter packet and every trailing byte is refused. */
static void test_lengths(void **state)
{
	uint8_t buf[PGP_SIG_MAX + 1] = { 0 };
	struct pgp_sig sig;
	struct pgp_key key;
	size_t len, i;
	int k;

	(void)state;
	for (k = 0; k < 2; k++) {
		len = k ? make_key(buf) : make_sig(buf);
		for (i = 0; i <= len + 1; i++) {
			uint8_t *cut = malloc(i ? i : 1);
			int rc;

			assert_non_null(cut);
			memcpy(cut, buf, i);
			/* The header tells the cut length, so that what is inside gets read. */
			if (i >= 3)
				be16_store(cut + 1, (uint16_t)(i - 3));
			rc = k ? pgp_key_parse(cut, i, &key) : pgp_sig_parse(cut, i, &sig);
			assert_int_equal(rc, i == len ? 0 : -EINVAL);
			free(cut);
		}
	}
}

static void test_other_forms(void **state)
{
	/* Offset in the signature and what stands there instead. */
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {
		{ 0, 0x99 },  /* a key */
		{ 0, 0xc2 },  /* new packet format */
		{ 3, 3 },     /* version */
		{ 4, 1 },     /* text */
		{ 5, 17 },    /* DSA */
		{ 6, 2 },     /* SHA-1 */
		{ 8, 7 },     /* length of the hashed part */
		{ 10, 3 },    /* a subpacket that is no creation time */
		{ 16, 9 },    /* length of the unhashed part */
		{ 18, 33 },   /* no issuer */
		{ 29, 0xff }, /* length of the number */
		{ 31, 0 },    /* bits that the number does not have */
	};
	uint8_t buf[PGP_SIG_MAX];
	struct pgp_sig sig;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = make_sig(buf);

		buf[cases[i].at] = cases[i].value;
		assert_int_equal(pgp_sig_parse(buf, len, &sig), -EINVAL);
	}
}

static void test_write_limits(void **state)
{
	static const uint8_t zeros[600], digest[SHA256_SIZE];
	uint8_t big[600], out[PGP_SIG_MAX];
	size_t len, body;

	(void)state;
	memset(big, 1, sizeof(big));
	assert_int_equal(pgp_sig_write(0, keyid, digest, zeros, 256, out, &len), -EINVAL);
	assert_int_equal(pgp_sig_write(0, keyid, digest, big, 513, out, &len), -EINVAL);
	assert_int_equal(pgp_sig_write(0, keyid, digest, big, 512, out, &len), 0);
	assert_int_equal(pgp_key_write(0, big, 513, big, 3, out, &len, &body), -EINVAL);
	assert_int_equal(pgp_key_write(0, big, 512, big, 5, out, &len, &body), -EINVAL);
	assert_int_equal(pgp_key_write(0, big, 512, zeros, 4, out, &len, &body), -EINVAL);
	assert_int_equal(pgp_key_write(0, big, 512, big, 4, out, &len, &body), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sig_bytes),   cmocka_unit_test(test_digest),
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_other_forms), cmocka_unit_test(test_write_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
