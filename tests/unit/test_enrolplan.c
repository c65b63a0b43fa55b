// SPDX-License-Identifier: Apache-2.0
/* Every fact with every other, and every way through with a cut at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "enrolplan.h"

enum { FACTS = 2 * 2 * 2 * 16 * 2 * 2 * 2 * 3 };

static struct enrolplan_facts facts_of(unsigned int n)
{
	struct enrolplan_facts f = { .prepared = n & 1, .variables = n & 2, .setup_mode = n & 4 };
	int i;

	for (i = 0; i < EFIAUTH_VARS; i++)
		f.has[i] = n >> (3 + i) & 1;
	f.wrote = n & 128;
	f.broken = n & 256;
	f.last_try = n & 512;
	f.check = (enum enrolplan_check)(n >> 10);
	return f;
}

/* What may be done, said another way than the code says it. */
static void test_every_state(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < FACTS; n++) {
		struct enrolplan_facts f = facts_of(n);
		enum efiauth_var var = EFIAUTH_VARS;
		enum enrolplan_step step = enrolplan_next(&f, &var);
		int i;

		assert_true(step < ENROLPLAN_STEPS);
		if (step == ENROLPLAN_WRITE) {
			assert_true(f.prepared && f.variables && f.setup_mode && !f.broken);
			assert_true(f.check == ENROLPLAN_FITS && !f.last_try);
			assert_true(var < EFIAUTH_VARS && !f.has[var]);
			for (i = 0; i < (int)var; i++)
				assert_true(f.has[i]);
		} else {
			assert_int_equal(var, EFIAUTH_VARS);
		}
		/* A restart only where it ends Setup Mode for good, so none follows it. */
		if (step == ENROLPLAN_RESTART)
			assert_true(f.wrote && !f.setup_mode && f.has[EFIAUTH_PK]);
		if (step == ENROLPLAN_OURS)
			assert_true(!f.setup_mode && f.has[EFIAUTH_PK] && !f.wrote);
		if (!f.prepared || !f.variables)
			assert_int_equal(step, ENROLPLAN_REST);
		if (step == ENROLPLAN_UNFIT)
			assert_int_equal(f.check, ENROLPLAN_REFUSED);
		assert_int_equal(enrolplan_why(step) != NULL,
				 step == ENROLPLAN_FOREIGN || step >= ENROLPLAN_UNFIT);
	}
}

/* A firmware that can be cut, lose what it was told, or take nothing. */
struct firmware {
	bool has[EFIAUTH_VARS];
	bool forgets, stays, refuses;
	int refused_var;
};

/*
 * One start; cut: power goes after so many steps. Returns the last step. What must hold at any
 * time: PK is there only with all the rest, so a machine that is cut starts.
 */
static enum enrolplan_step start(struct firmware *fw, int tries, int cut, bool fits, int *steps)
{
	struct enrolplan_facts f = { .prepared = true, .variables = true, .last_try = !tries };

	for (*steps = 0; *steps < cut; ++*steps) {
		enum efiauth_var var = EFIAUTH_VARS;
		enum enrolplan_step step;

		memcpy(f.has, fw->has, sizeof(f.has));
		f.setup_mode = !fw->has[EFIAUTH_PK] || fw->stays;
		step = enrolplan_next(&f, &var);
		if (step == ENROLPLAN_CHECK)
			f.check = fits ? ENROLPLAN_FITS : ENROLPLAN_REFUSED;
		else if (step == ENROLPLAN_WRITE) {
			if (fw->refuses && fw->refused_var == (int)var)
				f.broken = true;
			else
				f.wrote = fw->has[var] = true;
		} else {
			return step;
		}
		if (fw->has[EFIAUTH_PK])
			assert_true(fw->has[EFIAUTH_DBX] && fw->has[EFIAUTH_DB] &&
				    fw->has[EFIAUTH_KEK]);
	}
	return ENROLPLAN_STEPS;
}

static void restart(struct firmware *fw)
{
	if (fw->forgets)
		memset(fw->has, 0, sizeof(fw->has));
}

static void test_cut_at_every_step(void **state)
{
	int cut, again, steps;

	(void)state;
	for (cut = 0; cut < 7; cut++)
		for (again = 0; again < 7; again++) {
			struct firmware fw = { .forgets = false };
			enum enrolplan_step step;

			(void)start(&fw, 2, cut, true, &steps);
			(void)start(&fw, 1, again, true, &steps);
			/* The third start is the slot's last: it does not restart, it comes up. */
			step = start(&fw, 0, 99, true, &steps);
			assert_true(step == ENROLPLAN_OURS || step == ENROLPLAN_FORGOTTEN);
			/* Marked good meanwhile. */
			step = start(&fw, 2, 99, true, &steps);
			assert_true(step == ENROLPLAN_OURS || step == ENROLPLAN_RESTART);
			assert_int_equal(start(&fw, 2, 99, true, &steps), ENROLPLAN_OURS);
		}
}

static void test_unfit_writes_nothing(void **state)
{
	struct firmware fw = { .forgets = false };
	int steps, i;

	(void)state;
	assert_int_equal(start(&fw, 2, 99, false, &steps), ENROLPLAN_UNFIT);
	for (i = 0; i < EFIAUTH_VARS; i++)
		assert_false(fw.has[i]);
}

/* None of these restarts for ever. */
static void test_bad_firmware(void **state)
{
	int steps, i, restarts = 0, tries;

	(void)state;
	for (i = 0; i < EFIAUTH_VARS; i++) {
		struct firmware fw = { .refuses = true, .refused_var = i };

		assert_int_equal(start(&fw, 2, 99, true, &steps), ENROLPLAN_BROKEN);
		assert_false(fw.has[EFIAUTH_PK]);
	}
	{
		struct firmware fw = { .stays = true };

		assert_int_equal(start(&fw, 2, 99, true, &steps), ENROLPLAN_IGNORED);
	}
	{
		struct firmware fw = { .forgets = true };

		for (tries = 2; tries >= 0; tries--) {
			if (start(&fw, tries, 99, true, &steps) != ENROLPLAN_RESTART)
				break;
			restarts++;
			restart(&fw);
		}
		assert_int_equal(restarts, 2);
		assert_int_equal(start(&fw, 0, 99, true, &steps), ENROLPLAN_FORGOTTEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_state),
		cmocka_unit_test(test_cut_at_every_step),
		cmocka_unit_test(test_unfit_writes_nothing),
		cmocka_unit_test(test_bad_firmware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
