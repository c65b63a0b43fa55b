// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "keyhead.h"

#define DISK_BYTES (1u << 20)

/* A disk that ends working at the nth call. */
static struct disk {
	uint8_t bytes[DISK_BYTES];
	int calls, fail_at; /* 0: never */
	size_t torn;	    /* a write that fails leaves this many bytes */
} disk;

static int step(void)
{
	return disk.fail_at && ++disk.calls >= disk.fail_at ? -EIO : 0;
}

static int disk_read(void *ctx, void *ret_buf, size_t len, uint64_t at)
{
	(void)ctx;
	memcpy(ret_buf, disk.bytes + at, len);
	return 0;
}

static int disk_write(void *ctx, const void *buf, size_t len, uint64_t at)
{
	int rc = step();

	(void)ctx;
	if (!rc || disk.calls == disk.fail_at)
		memcpy(disk.bytes + at, buf, rc ? disk.torn : len);
	return rc;
}

static int disk_flush(void *ctx)
{
	(void)ctx;
	return step();
}

static const struct blockio io = {
	.size_bytes = DISK_BYTES,
	.sector_bytes = 512,
	.read = disk_read,
	.write = disk_write,
	.flush = disk_flush,
};

static const uint8_t auth[SHA256_SIZE] = { 1, 2, 3 };

static struct keyhead sample(void)
{
	struct keyhead h = {
		.sequence = 1,
		.id = "0123456789abcde",
		.cipher = KEYHEAD_XTS,
		.key_bytes = 64,
		.nv_index = 0x0180ca10,
		.floor = 3,
		.good_release = 7,
		.recovery_len = 5,
		.recovery = "abcd",
		.blobs = 2,
	};
	uint32_t i;

	for (i = 0; i < h.blobs; i++) {
		struct keyhead_blob *b = &h.blob[i];

		b->counter = 40 + i;
		b->release = 7 + i;
		b->generation = 2;
		b->pcr_mask = 1u << 4 | 1u << 7 | 1u << 9;
		memset(b->pcr, 0x30 + (int)i, sizeof(b->pcr));
		memset(b->policy, 0x50, sizeof(b->policy));
		b->public_len = 78;
		b->private_len = 200;
		memset(b->public_area, 0x60, b->public_len);
		memset(b->private_area, 0x70, b->private_len);
	}
	return h;
}

static int fresh(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	return 0;
}

static void test_round_trip(void **state)
{
	uint8_t copy[KEYHEAD_BYTES];
	struct keyhead h = sample(), back;

	(void)state;
	memset(&back, 0xee, sizeof(back));
	assert_int_equal(keyhead_format(&h, copy), 0);
	assert_int_equal(keyhead_parse(copy, sizeof(copy), &back), 0);
	assert_memory_equal(&h, &back, sizeof(h));
}

/* Any one bit of a copy makes it none. */
static void test_every_bit_counts(void **state)
{
	uint8_t copy[KEYHEAD_BYTES];
	struct keyhead h = sample(), back;
	size_t i;

	(void)state;
	assert_int_equal(keyhead_format(&h, copy), 0);
	for (i = 0; i < 8 * sizeof(copy); i += 5) {
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(keyhead_parse(copy, sizeof(copy), &back), -EBADMSG);
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void sum(uint8_t copy[static KEYHEAD_BYTES])
{
	sha256(copy, KEYHEAD_BYTES - SHA256_SIZE, copy + KEYHEAD_BYTES - SHA256_SIZE);
}

static void test_out_of_range(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int rc;
	} cases[] = {
		{ 16, 2, -ENOTSUP },	      { 20, 1, -EBADMSG },
		{ 48, 3, -EBADMSG },	      { 52, 96, -EBADMSG },
		{ 60, 9, -EBADMSG },	      { 113, 0x11, -EBADMSG },
		{ 384 + 52, 0, -EBADMSG },    { 384 + 55, 1, -EBADMSG },
		{ 384 + 52, 0xff, -EBADMSG }, { 384 + 185, 2, -EBADMSG },
		{ 384 + 187, 3, -EBADMSG },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t copy[KEYHEAD_BYTES];
		struct keyhead h = sample(), back;

		/* The mask's other bits must not hide a mask of 0. */
		assert_int_equal(keyhead_format(&h, copy), 0);
		copy[cases[i].at] = cases[i].value;
		if (cases[i].at == 384 + 52 && cases[i].value == 0)
			copy[384 + 53] = 0;
		sum(copy);
		assert_int_equal(keyhead_parse(copy, sizeof(copy), &back), cases[i].rc);
	}
}

static void test_format_refuses(void **state)
{
	uint8_t copy[KEYHEAD_BYTES];
	struct keyhead h = sample();

	(void)state;
	h.blob[0].private_len = 0;
	assert_int_equal(keyhead_format(&h, copy), -EINVAL);
	h = sample();
	h.sequence = 0;
	assert_int_equal(keyhead_format(&h, copy), -EINVAL);
	h = sample();
	h.key_bytes = 32;
	assert_int_equal(keyhead_format(&h, copy), -EINVAL);
}

static void test_none(void **state)
{
	struct keyhead h;
	struct err err;

	(void)state;
	assert_int_equal(keyhead_read(&io, &h, NULL, &err), -ENOENT);
	disk.bytes[KEYHEAD_AT(1)] = 1;
	assert_int_equal(keyhead_read(&io, &h, NULL, &err), -EBADMSG);
}

static void test_written_in_turn(void **state)
{
	struct keyhead h = sample(), back;
	struct err err;
	int copy, before = -1, i;

	(void)state;
	for (i = 0; i < 4; i++) {
		h.good_release = 100 + (uint64_t)i;
		assert_int_equal(keyhead_write(&io, &h, auth, &err), 0);
		assert_int_equal(keyhead_read(&io, &back, &copy, &err), 0);
		assert_memory_equal(&h, &back, sizeof(h));
		assert_int_not_equal(copy, before);
		before = copy;
	}
}

/* Whatever is left of a write that was cut, the header before it counts or the new one does. */
static void test_cut(void **state)
{
	static const size_t torn[] = { 0, 1, 512, 4096, KEYHEAD_BYTES - 1, KEYHEAD_BYTES };
	struct keyhead old = sample(), h, back;
	struct err err;
	size_t i;
	int at;

	(void)state;
	for (i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
		for (at = 1; at <= 2; at++) {
			(void)fresh(NULL);
			assert_int_equal(keyhead_write(&io, &old, auth, &err), 0);
			h = old;
			h.floor = 9;
			disk.torn = torn[i];
			disk.calls = 0;
			disk.fail_at = at;
			assert_int_equal(keyhead_write(&io, &h, auth, &err), -EIO);
			disk.fail_at = 0;
			assert_int_equal(keyhead_read(&io, &back, NULL, &err), 0);
			assert_true(back.floor == 9 || memcmp(&back, &old, sizeof(old)) == 0);
			if (at == 1 && torn[i] < KEYHEAD_BYTES)
				assert_int_equal(back.floor, old.floor);
			/* And from there on as ever. */
			h = back;
			h.floor = 11;
			assert_int_equal(keyhead_write(&io, &h, auth, &err), 0);
			assert_int_equal(keyhead_read(&io, &back, NULL, &err), 0);
			assert_int_equal(back.floor, 11);
		}
	}
}

/* Who does not have the key cannot change a field, the sum or not. */
static void test_mac(void **state)
{
	uint8_t other[SHA256_SIZE] = { 1, 2, 4 }, id[KEYHEAD_ID_BYTES] = "x", a[SHA256_SIZE];
	struct keyhead h = sample(), back;
	struct err err;

	(void)state;
	assert_int_equal(keyhead_write(&io, &h, auth, &err), 0);
	assert_int_equal(keyhead_read(&io, &back, NULL, &err), 0);
	assert_int_equal(keyhead_check(&back, auth), 0);
	assert_int_equal(keyhead_check(&back, other), -EKEYREJECTED);
	back.blob[1].pcr[0][0] ^= 1;
	assert_int_equal(keyhead_check(&back, auth), -EKEYREJECTED);
	back = h;
	back.floor--;
	assert_int_equal(keyhead_check(&back, auth), -EKEYREJECTED);
	keyhead_auth(other, 32, id, a);
	id[0]++;
	keyhead_auth(other, 32, id, other);
	assert_memory_not_equal(a, other, sizeof(a));
}

static void test_destroy(void **state)
{
	struct keyhead h = sample();
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(keyhead_write(&io, &h, auth, &err), 0);
	assert_int_equal(keyhead_write(&io, &h, auth, &err), 0);
	assert_int_equal(keyhead_destroy(&io, &err), 0);
	assert_int_equal(keyhead_read(&io, &h, NULL, &err), -ENOENT);
	for (i = 0; i < sizeof(disk.bytes); i++)
		assert_int_equal(disk.bytes[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_format_refuses),
		cmocka_unit_test_setup(test_none, fresh),
		cmocka_unit_test_setup(test_written_in_turn, fresh),
		cmocka_unit_test_setup(test_cut, fresh),
		cmocka_unit_test_setup(test_mac, fresh),
		cmocka_unit_test_setup(test_destroy, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
