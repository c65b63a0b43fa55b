// SPDX-License-Identifier: Apache-2.0
/*
 * e2e-crypto: the device's backend of crypto.h against known answers, for a host or a machine.
 * `e2e-crypto speed` also prints bytes a second. Exit 1 where an answer is wrong.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "hex.h"
#include "sha256core.h"
#include "tests/unit/cryptovectors.h"

/* FIPS 180-4's examples and others, by sha256sum; the message is `text` repeated. */
static const struct {
	const char *text;
	size_t times;
	const char *digest;
} hashes[] = {
	{ "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "0123456789", 65, "7350548cc78e1e90794440137a1bf339262db14615e61f986bf63be9ef6ca283" },
};

/* RFC 6979, A.2.5. */
static const char point_text[] =
	"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char signature_text[] =
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static int failed;

static void check(int good, const char *what)
{
	if (good)
		return;
	printf("wrong: %s\n", what);
	failed = 1;
}

static void check_hashes(void)
{
	uint8_t want[SHA256_SIZE], got[SHA256_SIZE];
	size_t i, n;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		struct sha256 h, copy;

		check(hex_decode(hashes[i].digest, want, sizeof(want)) == 0, "the table");
		sha256_init(&h);
		for (n = 0; n < hashes[i].times; n++)
			sha256_update(&h, hashes[i].text, strlen(hashes[i].text));
		copy = h; /* a state may be copied */
		sha256_final(&h, got);
		check(memcmp(got, want, sizeof(want)) == 0, "a hash");
		sha256_final(&copy, got);
		check(memcmp(got, want, sizeof(want)) == 0, "a hash of a copied state");
	}
}

/* Every slicing gives the same. */
static void check_slices(void)
{
	uint8_t msg[300], want[SHA256_SIZE], got[SHA256_SIZE];
	size_t cut, i;

	for (i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)(i * 7);
	sha256(msg, sizeof(msg), want);
	for (cut = 0; cut <= sizeof(msg); cut++) {
		struct sha256 h;

		sha256_init(&h);
		sha256_update(&h, msg, cut);
		sha256_update(&h, msg + cut, 0);
		sha256_update(&h, msg + cut, sizeof(msg) - cut);
		sha256_final(&h, got);
		check(memcmp(got, want, sizeof(want)) == 0, "a hash in two slices");
	}
}

static void check_signature(void)
{
	uint8_t all[P256_POINT_SIZE + SHA256_SIZE + P256_SIGNATURE_SIZE];
	uint8_t *point = all, *digest = all + P256_POINT_SIZE, *sig = digest + SHA256_SIZE;
	size_t bit;

	check(hex_decode(point_text, point, P256_POINT_SIZE) == 0 &&
		      hex_decode(signature_text, sig, P256_SIGNATURE_SIZE) == 0,
	      "the vector");
	sha256("sample", 6, digest);
	check(crypto_p256_verify(point, digest, sig) == 0, "a good signature");
	for (bit = 0; bit < 8 * sizeof(all); bit += 13) {
		int rc;

		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = crypto_p256_verify(point, digest, sig);
		check(rc == (bit < 8 * P256_POINT_SIZE ? -EINVAL : -EKEYREJECTED), "a flipped bit");
		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memset(sig, 0, P256_SIGNATURE_SIZE);
	check(crypto_p256_verify(point, digest, sig) == -EKEYREJECTED, "zeros for a signature");
	memset(point, 0, P256_POINT_SIZE);
	check(crypto_p256_verify(point, digest, sig) == -EINVAL, "zeros for a key");
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void speed_of(const char *name, sha256core_fn *blocks)
{
	enum { BYTES = 1 << 20, TIMES = 200 };
	static uint8_t buf[BYTES];
	uint32_t state[8] = { 0 };
	double start;
	int i;

	if (!blocks)
		return;
	start = now();
	for (i = 0; i < TIMES; i++)
		blocks(state, buf, BYTES / SHA256_BLOCK_BYTES);
	printf("sha256 %s: %.0f MB/s\n", name, (double)BYTES * TIMES / (now() - start) / 1e6);
}

int main(int argc, char **argv)
{
	check_hashes();
	check_slices();
	check_signature();
	check(vectors_all() == 0, "a published vector");
	if (argc > 1 && strcmp(argv[1], "speed") == 0) {
		speed_of("portable", sha256core_portable);
		speed_of("with instructions", sha256core_shani());
	}
	printf("crypto: %s\n", failed ? "FAILED" : "ok");
	return failed;
}
