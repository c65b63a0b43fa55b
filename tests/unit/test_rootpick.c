// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rootpick.h"

#define BOOTED(s)                                                                                  \
	true,                                                                                      \
	{                                                                                          \
		.booted = BOOTSTATE_##s                                                            \
	}
#define NO_STATE                                                                                   \
	false,                                                                                     \
	{                                                                                          \
		.booted = BOOTSTATE_NONE                                                           \
	}

static void test_rules(void **state)
{
	/* match, removable, holds a, holds b, state */
	static const struct {
		const char *name;
		struct rootpick_disk disks[2];
		int want;
		enum bootstate_slot slot;
	} rows[] = {
		{ "nothing fits",
		  { { DEVPATH_EXACT, false, false, false, BOOTED(A) },
		    { DEVPATH_NO, false, false, false, BOOTED(A) } },
		  -1,
		  BOOTSTATE_NONE },
		{ "only one fits, though another was started",
		  { { DEVPATH_EXACT, false, false, false, BOOTED(A) },
		    { DEVPATH_NO, true, true, false, NO_STATE } },
		  1,
		  BOOTSTATE_A },
		{ "the stick was started: it is taken, however good the other looks",
		  { { DEVPATH_NO, false, true, true, BOOTED(A) },
		    { DEVPATH_EXACT, true, true, true, NO_STATE } },
		  1,
		  BOOTSTATE_A },
		{ "same controller is better than another one",
		  { { DEVPATH_NO, false, true, true, BOOTED(A) },
		    { DEVPATH_CONTROLLER, true, true, true, BOOTED(B) } },
		  1,
		  BOOTSTATE_B },
		{ "two on one controller: the state decides",
		  { { DEVPATH_CONTROLLER, false, true, false, BOOTED(B) },
		    { DEVPATH_CONTROLLER, true, true, false, BOOTED(A) } },
		  1,
		  BOOTSTATE_A },
		{ "nothing known: the fixed disk",
		  { { DEVPATH_NO, true, true, true, BOOTED(B) },
		    { DEVPATH_NO, false, true, true, BOOTED(B) } },
		  1,
		  BOOTSTATE_B },
		{ "all equal: the first",
		  { { DEVPATH_NO, false, true, true, BOOTED(B) },
		    { DEVPATH_NO, false, true, true, BOOTED(B) } },
		  0,
		  BOOTSTATE_B },
		{ "no state: slot a, as GRUB does",
		  { { DEVPATH_EXACT, false, true, true, NO_STATE }, { 0 } },
		  0,
		  BOOTSTATE_A },
		{ "the state names a slot of another release: what fits counts",
		  { { DEVPATH_EXACT, false, false, true, BOOTED(A) }, { 0 } },
		  0,
		  BOOTSTATE_B },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum bootstate_slot slot = BOOTSTATE_NONE;

		if (rootpick(rows[i].disks, 2, &slot) != rows[i].want || slot != rows[i].slot)
			fail_msg("%s", rows[i].name);
	}
}

static void test_settled(void **state)
{
	struct rootpick_disk d[2] = { { DEVPATH_EXACT, false, false, false, NO_STATE },
				      { DEVPATH_CONTROLLER, false, true, true, BOOTED(A) } };

	(void)state;
	assert_false(rootpick_settled(d, 0));
	assert_false(rootpick_settled(d, 2));
	d[0].holds_b = true;
	assert_true(rootpick_settled(d, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
