// SPDX-License-Identifier: Apache-2.0
/* Vectors: tests/data/authenticode/README.md; the referee of real images is sbverify
 * (tests/e2e/04). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "authenticode.h"
#include "bytes.h"
#include "der.h"
#include "efiauth.h"
#include "io.h"
#include "pe.h"

#define CAIRN "tests/data/authenticode/tiny.cairn.efi"
#define SBSIGN "tests/data/pe/tiny.signed.efi"
#define BOTH "tests/data/authenticode/tiny.both.efi"

static const uint8_t owner[EFIAUTH_GUID_BYTES] = { 1 };
static uint8_t image[8192], db[4096], dbx[4096], cert[2048];
static struct authenticode_keys keys;

static size_t load(const char *path, uint8_t *buf, size_t max)
{
	size_t len;

	assert_int_equal(io_read_file(path, buf, max, &len), 0);
	return len;
}

static int empty(void **state)
{
	(void)state;
	keys = (struct authenticode_keys){ .db = db, .dbx = dbx };
	return 0;
}

static void add_cert(uint8_t *list, size_t *len, const char *path)
{
	size_t n = load(path, cert, sizeof(cert));

	assert_int_equal(efiauth_add(list, 4096, len, EFIAUTH_X509, owner, cert, n), 0);
}

static int check(size_t len, uint8_t ret_digest[static SHA256_SIZE])
{
	struct err err = { "" };
	int rc = authenticode_check(image, len, &keys, ret_digest, &err);

	assert_true(!rc == !err.msg[0]);
	return rc;
}

static int check_file(const char *path)
{
	uint8_t digest[SHA256_SIZE];

	return check(load(path, image, sizeof(image)), digest);
}

static void test_db(void **state)
{
	(void)state;
	assert_int_equal(check_file(CAIRN), -EKEYREJECTED);
	add_cert(db, &keys.db_len, "tests/data/authenticode/other.der");
	assert_int_equal(check_file(CAIRN), -EKEYREJECTED);
	assert_int_equal(check_file(SBSIGN), -EKEYREJECTED);
	assert_int_equal(check_file(BOTH), 0);
	add_cert(db, &keys.db_len, "tests/data/authenticode/db.der");
	assert_int_equal(check_file(CAIRN), 0);
	assert_int_equal(check_file(SBSIGN), 0);
	assert_int_equal(check_file(BOTH), 0);
	assert_int_equal(check_file("tests/data/pe/tiny.efi"), -EKEYREJECTED);
	assert_int_equal(check_file("tests/data/pe/README.md"), -EINVAL);
}

/* One signer that is revoked is enough, whatever else signed; so is the hash. */
static void test_dbx(void **state)
{
	uint8_t digest[SHA256_SIZE], revoked[SHA256_SIZE + EFIAUTH_TIME_BYTES] = { 0 };
	struct der in, whole, tbs;
	size_t len;

	(void)state;
	add_cert(db, &keys.db_len, "tests/data/authenticode/db.der");
	add_cert(db, &keys.db_len, "tests/data/authenticode/other.der");
	add_cert(dbx, &keys.dbx_len, "tests/data/authenticode/other.der");
	assert_int_equal(check_file(CAIRN), 0);
	assert_int_equal(check_file(BOTH), -EKEYREJECTED);

	/* By the hash of what is signed in the certificate. */
	keys.dbx_len = 0;
	in = (struct der){ cert, load("tests/data/authenticode/db.der", cert, sizeof(cert)) };
	assert_int_equal(der_next(&in, DER_SEQUENCE, &whole), 0);
	assert_int_equal(der_any(&whole, NULL, NULL, &tbs), 0);
	sha256(tbs.p, tbs.len, revoked);
	assert_int_equal(efiauth_add(dbx, sizeof(dbx), &keys.dbx_len, EFIAUTH_X509_SHA256, owner,
				     revoked, sizeof(revoked)),
			 0);
	assert_int_equal(check_file(CAIRN), -EKEYREJECTED);
	assert_int_equal(check_file(BOTH), -EKEYREJECTED);

	keys.dbx_len = 0;
	len = load(CAIRN, image, sizeof(image));
	assert_int_equal(check(len, digest), 0);
	assert_int_equal(efiauth_add(dbx, sizeof(dbx), &keys.dbx_len, EFIAUTH_SHA256, owner, digest,
				     sizeof(digest)),
			 0);
	assert_int_equal(check(len, digest), -EKEYREJECTED);
}

/* An image without a signature may be let in by its hash. */
static void test_hash_in_db(void **state)
{
	uint8_t digest[SHA256_SIZE];
	size_t len = load("tests/data/pe/tiny.efi", image, sizeof(image));

	(void)state;
	assert_int_equal(check(len, digest), -EKEYREJECTED);
	assert_int_equal(efiauth_add(db, sizeof(db), &keys.db_len, EFIAUTH_SHA256, owner, digest,
				     sizeof(digest)),
			 0);
	assert_int_equal(check(len, digest), 0);
}

static void test_malformed_lists(void **state)
{
	uint8_t digest[SHA256_SIZE];
	size_t len = load(CAIRN, image, sizeof(image));

	(void)state;
	add_cert(db, &keys.db_len, "tests/data/authenticode/db.der");
	keys.db_len--;
	assert_int_equal(check(len, digest), -EBADMSG);
	keys.db_len++;
	add_cert(dbx, &keys.dbx_len, "tests/data/authenticode/other.der");
	dbx[16]++;
	assert_int_equal(check(len, digest), -EBADMSG);
}

/* Whatever bit is changed: refused, or it is the same image with the same hash. */
static void every_bit(const char *path)
{
	uint8_t before[SHA256_SIZE], after[SHA256_SIZE];
	size_t len = load(path, image, sizeof(image)), i, slack = 0;
	unsigned int bit;

	add_cert(db, &keys.db_len, "tests/data/authenticode/db.der");
	assert_int_equal(check(len, before), 0);
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			image[i] ^= (uint8_t)(1u << bit);
			if (check(len, after) == 0) {
				assert_memory_equal(before, after, sizeof(before));
				slack++;
			}
			image[i] ^= (uint8_t)(1u << bit);
		}
	/* The checksum, and little in the table: what is not signed in PKCS #7. */
	assert_true(slack >= 32 && slack < 600);
}

static void test_every_bit_cairn(void **state)
{
	(void)state;
	every_bit(CAIRN);
}

static void test_every_bit_sbsign(void **state)
{
	(void)state;
	every_bit(SBSIGN);
}

/* Cut anywhere. */
static void test_every_length(void **state)
{
	uint8_t digest[SHA256_SIZE];
	size_t len = load(CAIRN, image, sizeof(image));

	(void)state;
	add_cert(db, &keys.db_len, "tests/data/authenticode/db.der");
	while (len--)
		assert_true(check(len, digest) != 0);
}

static void test_der(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int ok;
	} cases[] = {
		{ "\x04\x00", 2, 1 },
		{ "\x04\x01x", 3, 1 },
		{ "\x04\x02x", 3, 0 },	       /* cut off */
		{ "\x04", 1, 0 },	       /* no length */
		{ "\x04\x80", 2, 0 },	       /* indefinite */
		{ "\x04\x81\x01x", 4, 0 },     /* not the shortest */
		{ "\x04\x82\x00\x80x", 5, 0 }, /* likewise */
		{ "\x04\x84\x00\x00\x00\x01x", 7, 0 },
		{ "\x1f\x01x", 3, 0 }, /* a tag of several bytes */
		{ "\x04\x83\xff\xff\xff", 5, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct der in = { (const uint8_t *)cases[i].bytes, cases[i].len }, value;

		assert_int_equal(der_next(&in, DER_OCTET_STRING, &value) == 0, cases[i].ok);
		assert_int_equal(in.len, cases[i].ok ? 0 : cases[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_db, empty),
		cmocka_unit_test_setup(test_dbx, empty),
		cmocka_unit_test_setup(test_hash_in_db, empty),
		cmocka_unit_test_setup(test_malformed_lists, empty),
		cmocka_unit_test_setup(test_every_bit_cairn, empty),
		cmocka_unit_test_setup(test_every_bit_sbsign, empty),
		cmocka_unit_test_setup(test_every_length, empty),
		cmocka_unit_test(test_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
