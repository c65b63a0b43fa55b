// SPDX-License-Identifier: Apache-2.0
/* The boot state on a device in memory that fails, cuts, forgets or lies at any point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bootstateio.h"

#define A BOOTSTATE_A
#define B BOOTSTATE_B
#define SIZE BOOTSTATE_HEAD_BYTES

struct device {
	uint8_t medium[SIZE], cache[SIZE];
	bool dirty;	    /* cache differs from medium until a flush */
	uint64_t bad_read;  /* reads that touch this byte fail; UINT64_MAX none */
	uint64_t bad_write; /* writes too */
	int writes, cut_at; /* the write that is cut after cut_bytes; 0 none */
	size_t cut_bytes;
	bool dead, lies; /* lies: a flush reaches nothing */
};

static bool touches(uint64_t bad, uint64_t offset, size_t len)
{
	return bad >= offset && bad < offset + len;
}

static int dev_read(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	struct device *d = ctx;

	assert_true(offset + len <= SIZE);
	if (d->dead || touches(d->bad_read, offset, len))
		return -EIO;
	memcpy(ret_buf, d->cache + offset, len);
	return 0;
}

static int dev_write(void *ctx, const void *buf, size_t len, uint64_t offset)
{
	struct device *d = ctx;

	assert_true(offset + len <= SIZE);
	if (d->dead || touches(d->bad_write, offset, len))
		return -EIO;
	if (++d->writes == d->cut_at) {
		memcpy(d->medium + offset, buf, d->cut_bytes < len ? d->cut_bytes : len);
		d->dead = true;
		return -EIO;
	}
	memcpy(d->cache + offset, buf, len);
	return 0;
}

static int dev_flush(void *ctx)
{
	struct device *d = ctx;

	if (d->dead)
		return -EIO;
	if (!d->lies)
		memcpy(d->medium, d->cache, SIZE);
	return 0;
}

static int dev_drop_cache(void *ctx)
{
	struct device *d = ctx;

	memcpy(d->cache, d->medium, SIZE);
	return 0;
}

static struct device dev;
static const struct blockio io = { .ctx = &dev,
				   .size_bytes = SIZE,
				   .sector_bytes = 512,
				   .read = dev_read,
				   .write = dev_write,
				   .flush = dev_flush,
				   .drop_cache = dev_drop_cache };

static const struct bootstate some = { B, { true, 3 }, { false, 2 }, B, 2 };

static void fresh(const struct bootstate *s)
{
	memset(&dev, 0, sizeof(dev));
	bootstate_mkfs(s, dev.medium);
	memcpy(dev.cache, dev.medium, SIZE);
	dev.bad_read = dev.bad_write = UINT64_MAX;
}

/* Power comes back; reads see the medium. */
static void reset(void)
{
	dev.dead = dev.lies = false;
	dev.cut_at = 0;
	dev.bad_read = dev.bad_write = UINT64_MAX;
	memcpy(dev.cache, dev.medium, SIZE);
}

static void expect_state(const struct bootstate *want)
{
	struct bootstateio s;

	assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
	assert_false(s.lost);
	assert_true(bootstate_equal(&s.state, want));
}

static void test_store_alternates(void **state)
{
	struct bootstateio s;
	int n;

	(void)state;
	fresh(&some);
	assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
	assert_false(bootstateio_needs_repair(&s));
	for (n = 0; n < 10; n++) {
		uint8_t before[SIZE];
		uint64_t older = n & 1 ? BOOTSTATE_S1_OFFSET : BOOTSTATE_S0_OFFSET;

		memcpy(before, dev.medium, SIZE);
		s.state.a.tries = (uint8_t)(n % 4);
		assert_int_equal(bootstateio_store(&io, &s, NULL), 0);
		/* Nothing but the older copy's first sector changes. */
		memcpy(before + older, dev.medium + older, 512);
		assert_memory_equal(before, dev.medium, SIZE);
		expect_state(&s.state);
		assert_false(bootstateio_needs_repair(&s));
	}
}

/* Cut in any byte of the sector: the old state or the new one. */
static void test_store_cut(void **state)
{
	struct bootstate old = some, new = some;
	size_t cut;

	(void)state;
	new.primary = A;
	new.a.tries = 0;
	new.esp = 1;
	for (cut = 0; cut <= BOOTSTATE_SIZE; cut++) {
		struct bootstateio s;

		fresh(&old);
		dev.cut_at = 1;
		dev.cut_bytes = cut;
		assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
		s.state = new;
		assert_true(bootstateio_store(&io, &s, NULL) < 0);
		reset();
		assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
		assert_false(s.lost);
		assert_true(bootstate_equal(&s.state, &old) || bootstate_equal(&s.state, &new));
		/* The next life repairs it and goes on. */
		old = s.state;
		assert_int_equal(bootstateio_repair(&io, &s, NULL), 0);
		assert_false(bootstateio_needs_repair(&s));
		expect_state(&old);
		s.state = new;
		assert_int_equal(bootstateio_store(&io, &s, NULL), 0);
		expect_state(&new);
		old = some;
	}
}

static void test_store_on_a_bad_block(void **state)
{
	static const uint64_t at[] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	int copy, n, readable;

	(void)state;
	for (copy = 0; copy < 2; copy++)
		for (readable = 0; readable < 2; readable++) {
			struct bootstateio s;

			fresh(&some);
			dev.bad_write = at[copy];
			dev.bad_read = readable ? UINT64_MAX : at[copy];
			for (n = 0; n < 10; n++) {
				assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
				assert_int_equal(s.damaged[copy], !readable);
				s.state.a.tries = (uint8_t)(n % 4);
				s.state.b.good = n & 1;
				assert_int_equal(bootstateio_store(&io, &s, NULL), 0);
				expect_state(&s.state);
				if (!readable)
					assert_true(bootstateio_repair(&io, &s, NULL) < 0);
				expect_state(&s.state);
			}
		}
}

/* What is read back is what counts. */
static void test_store_finds_a_lie(void **state)
{
	struct bootstateio s;

	(void)state;
	fresh(&some);
	assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
	dev.lies = true;
	s.state.a.tries = 0;
	assert_int_equal(bootstateio_store(&io, &s, NULL), -EILSEQ);
	reset();
	expect_state(&some);
}

/* One or both copies damaged in every way: repaired, the state kept where one copy has it. */
static void test_repair(void **state)
{
	enum { FINE, ZERO, GARBAGE, TORN, FOREIGN, KINDS };
	static const uint64_t at[] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	int x, y, n, fs;

	(void)state;
	for (x = 0; x < KINDS; x++)
		for (y = 0; y < KINDS; y++)
			for (fs = 0; fs < 2; fs++) {
				struct bootstate want = some;
				struct bootstateio s;
				bool lost = true;

				fresh(&some);
				for (n = 0; n < 2; n++) {
					uint8_t *p = dev.medium + at[n];
					size_t i;

					switch (n ? y : x) {
					case FINE:
						lost = false;
						break;
					case ZERO:
						memset(p, 0, BOOTSTATE_SIZE);
						break;
					case GARBAGE:
						for (i = 0; i < BOOTSTATE_SIZE; i++)
							p[i] = (uint8_t)(i * 37 + 11);
						break;
					case TORN:
						p[30] = p[30] == '0' ? '1' : '0';
						break;
					default:
						/* Valid, and not as we write it. */
						p[BOOTSTATE_SIZE - 2] = '\n';
						lost = false;
						break;
					}
				}
				if (fs)
					dev.medium[100] ^= 1;
				if (lost)
					want = bootstate_factory(B);
				reset();
				assert_int_equal(bootstateio_load(&io, B, &s, NULL), 0);
				assert_int_equal(s.lost, lost);
				assert_true(bootstate_equal(&s.state, &want));
				assert_int_equal(s.damaged[0], x != FINE);
				assert_int_equal(s.damaged[1], y != FINE);
				assert_int_equal(s.fs_damaged, fs);
				assert_int_equal(bootstateio_repair(&io, &s, NULL), 0);
				assert_false(bootstateio_needs_repair(&s));
				assert_false(s.lost);
				if (x == FINE && y == FINE && !fs)
					assert_int_equal(dev.writes, 0);
				reset();
				expect_state(&want);
				assert_int_equal(bootstateio_load(&io, B, &s, NULL), 0);
				assert_false(bootstateio_needs_repair(&s));
			}
}

/* A repair that is cut in any write, at a few lengths: what was known stays known. */
static void test_repair_cut(void **state)
{
	int n, cut, copy;

	(void)state;
	for (copy = 0; copy < 2; copy++)
		for (n = 1; n <= 3; n++)
			for (cut = 0; cut <= 4; cut++) {
				struct bootstateio s;

				fresh(&some);
				memset(dev.medium +
					       (copy ? BOOTSTATE_S1_OFFSET : BOOTSTATE_S0_OFFSET),
				       0, BOOTSTATE_SIZE);
				dev.medium[100] ^= 1;
				reset();
				dev.cut_at = n;
				dev.cut_bytes = (size_t)cut * 64;
				assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
				(void)bootstateio_repair(&io, &s, NULL);
				reset();
				expect_state(&some);
				assert_int_equal(bootstateio_load(&io, A, &s, NULL), 0);
				assert_int_equal(bootstateio_repair(&io, &s, NULL), 0);
				expect_state(&some);
			}
}

static void test_load_fails_where_flush_does(void **state)
{
	struct bootstateio s;

	(void)state;
	fresh(&some);
	dev.dead = true;
	assert_int_equal(bootstateio_load(&io, A, &s, NULL), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_alternates),
		cmocka_unit_test(test_store_cut),
		cmocka_unit_test(test_store_on_a_bad_block),
		cmocka_unit_test(test_store_finds_a_lie),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_repair_cut),
		cmocka_unit_test(test_load_fails_where_flush_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
