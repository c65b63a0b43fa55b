// SPDX-License-Identifier: Apache-2.0
/* The replacement of stage-1 GRUB: what is read and decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "stage1.h"

static void test_generation(void **state)
{
	uint8_t s[512] = { 0 };

	(void)state;
	le32_store(s + 67, 0x43410007);
	assert_int_equal(stage1_generation(s, sizeof(s)), 0);
	le16_store(s + 510, 0xaa55);
	assert_int_equal(stage1_generation(s, sizeof(s)), 7);
	assert_int_equal(stage1_generation(s, 511), 0);
	le32_store(s + 67, 0x43420007);
	assert_int_equal(stage1_generation(s, sizeof(s)), 0);
}

static void test_record(void **state)
{
	struct stage1_record r = { STAGE1_ARMED, 4000000000u, 3, { 1, 2, 0xff } }, got;
	uint8_t buf[STAGE1_RECORD_BYTES];
	int phase;
	size_t i;

	(void)state;
	for (phase = 0; phase < STAGE1_PHASES; phase++) {
		r.phase = (enum stage1_phase)phase;
		stage1_record_format(&r, buf);
		assert_int_equal(stage1_record_parse(buf, sizeof(buf), &got), 0);
		assert_memory_equal(&r, &got, sizeof(r));
	}
	/* Any byte that is changed, but for digits that say another thing of the same form. */
	for (i = 0; i < sizeof(buf); i++) {
		bool digit = (buf[i] >= '0' && buf[i] <= '9') || (buf[i] >= 'a' && buf[i] <= 'f');

		buf[i] ^= 0x80;
		assert_int_equal(stage1_record_parse(buf, sizeof(buf), &got), -EINVAL);
		assert_int_equal(got.phase, STAGE1_NONE);
		buf[i] ^= 0x80 ^ 0x10;
		if (!digit)
			assert_int_equal(stage1_record_parse(buf, sizeof(buf), &got), -EINVAL);
		buf[i] ^= 0x10;
	}
	r.tries = 4;
	stage1_record_format(&r, buf);
	assert_int_equal(stage1_record_parse(buf, sizeof(buf), &got), -EINVAL);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(stage1_record_parse(buf, sizeof(buf), &got), -EINVAL);
	assert_int_equal(stage1_record_parse(buf, 0, &got), -EINVAL);
}

/* Every combination: what must never be, and what each action may rest on. */
static void test_every_decision(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * 3 * 3 * 2 * 2 * 2 * 4 * 3 * 4; i++) {
		unsigned int n = i;
		struct stage1_facts f = { 0 };
		struct stage1_record r;
		enum stage1_action a;

		f.esp = (uint8_t)(n % 2 + 1), n /= 2;
		f.here = n % 3, n /= 3;
		f.other = n % 3, n /= 3;
		f.home = n % 2, n /= 2;
		f.vars = n % 2, n /= 2;
		f.same_boot = n % 2, n /= 2;
		f.record.phase = (enum stage1_phase)(n % 4), n /= 4;
		f.record.generation = n % 3, n /= 3;
		f.record.tries = n;
		a = stage1_next(&f, &r);
		/* Variables are set only where there are some. */
		if (!f.vars)
			assert_true(a == STAGE1_REST || a == STAGE1_COPY || a == STAGE1_GIVE_UP);
		/* Where nothing is known of the running one, nothing is done. */
		if (!f.here)
			assert_int_equal(a, STAGE1_REST);
		/* A new one is tried from ESP 2 only, a bounded number of times, once a start. */
		if (a == STAGE1_ARM) {
			assert_int_equal(f.esp, 1);
			assert_true(f.other > f.here);
			assert_int_equal(r.phase, STAGE1_ARMED);
			assert_in_range(r.tries, 1, STAGE1_TRIES);
			if (f.record.phase == STAGE1_ARMED && f.record.generation == f.other) {
				assert_false(f.same_boot);
				assert_int_equal(r.tries, f.record.tries + 1);
			}
			if (f.record.phase == STAGE1_REFUSED)
				assert_int_not_equal(f.record.generation, f.other);
		}
		if (a == STAGE1_PROMOTE) {
			assert_int_equal(f.esp, 2);
			assert_true(f.here > f.other);
		}
		/* The old one is written over only after a start that BootOrder made. */
		if (a == STAGE1_COPY && f.vars && f.esp == 2 && f.other && f.here > f.other)
			assert_true(f.record.phase == STAGE1_PROMOTED && !f.same_boot &&
				    f.record.generation == f.here);
		if (a == STAGE1_GIVE_UP) {
			assert_int_equal(r.phase, STAGE1_REFUSED);
			assert_int_equal(r.generation, f.other);
		}
		if (a == STAGE1_HOME)
			assert_true(f.esp == 2 && !f.home && f.here == f.other);
		/* An image is taken only where it can be tried, and never twice. */
		if (stage1_takes(&f, 2)) {
			assert_true(f.vars && f.esp == 1 && f.here == 1 && f.other < 2);
			assert_false(f.record.phase == STAGE1_REFUSED && f.record.generation == 2);
		}
		assert_true(stage1_least(&f) <= f.here);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_every_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
