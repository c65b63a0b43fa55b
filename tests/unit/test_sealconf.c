// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "sealconf.h"

static void test_words(void **state)
{
	enum sealconf_policy policy;
	enum keyhead_cipher cipher;
	struct err err;

	(void)state;
	assert_int_equal(sealconf_parse("release=1\n", &policy, &cipher, &err), 0);
	assert_int_equal(policy, SEALCONF_PREFER);
	assert_int_equal(cipher, KEYHEAD_XTS);
	assert_int_equal(
		sealconf_parse("data_seal=require\ndata_cipher=xts-hmac\n", &policy, &cipher, &err),
		0);
	assert_int_equal(policy, SEALCONF_REQUIRE);
	assert_int_equal(cipher, KEYHEAD_XTS_HMAC);
	assert_int_equal(sealconf_parse("data_seal=none\n", &policy, &cipher, &err), 0);
	assert_int_equal(policy, SEALCONF_NONE);
	assert_int_equal(sealconf_parse("data_seal=maybe\n", &policy, &cipher, &err), -EINVAL);
	assert_int_equal(sealconf_parse("data_seal=\n", &policy, &cipher, &err), -EINVAL);
	assert_int_equal(sealconf_parse("data_cipher=rot13\n", &policy, &cipher, &err), -EINVAL);
}

#define P SEALCONF_PLAIN
#define O SEALCONF_OPEN
#define M SEALCONF_MAKE
#define C SEALCONF_CLOSED

/* Every policy x head x header x TPM. */
static void test_decisions(void **state)
{
	/* columns: TPM ok, absent, fails */
	static const struct {
		enum datahead head;
		enum sealconf_order no_header[SEALCONF_POLICIES][SEALCONF_TPMS];
		enum sealconf_order header[SEALCONF_POLICIES][SEALCONF_TPMS];
		enum sealconf_order bad[SEALCONF_POLICIES][SEALCONF_TPMS];
	} table[] = {
		{ DATAHEAD_EMPTY,
		  { { M, C, C }, { M, P, C }, { P, P, P } },
		  { { O, C, C }, { O, C, C }, { O, C, C } },
		  { { C, C, C }, { C, C, C }, { C, C, C } } },
		{ DATAHEAD_MAKING,
		  { { M, C, C }, { M, P, C }, { P, P, P } },
		  { { M, C, C }, { M, P, C }, { P, P, P } },
		  { { M, C, C }, { M, P, C }, { P, P, P } } },
		{ DATAHEAD_MAKING_ENCRYPTED,
		  { { M, C, C }, { M, P, C }, { P, P, P } },
		  { { M, C, C }, { M, P, C }, { P, P, P } },
		  { { M, C, C }, { M, P, C }, { P, P, P } } },
		{ DATAHEAD_MADE,
		  { { C, C, C }, { P, P, P }, { P, P, P } },
		  { { C, C, C }, { P, P, P }, { P, P, P } },
		  { { C, C, C }, { P, P, P }, { P, P, P } } },
		{ DATAHEAD_ENCRYPTED,
		  { { C, C, C }, { C, C, C }, { C, C, C } },
		  { { O, C, C }, { O, C, C }, { O, C, C } },
		  { { C, C, C }, { C, C, C }, { C, C, C } } },
		{ DATAHEAD_UNKNOWN,
		  { { C, C, C }, { C, C, C }, { C, C, C } },
		  { { O, C, C }, { O, C, C }, { O, C, C } },
		  { { C, C, C }, { C, C, C }, { C, C, C } } },
	};
	size_t i;
	int policy, tpm;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (policy = 0; policy < SEALCONF_POLICIES; policy++)
			for (tpm = 0; tpm < SEALCONF_TPMS; tpm++) {
				const enum sealconf_order want[] = {
					table[i].no_header[policy][tpm],
					table[i].header[policy][tpm],
					table[i].bad[policy][tpm],
				};
				int header;

				for (header = 0; header < SEALCONF_HEADERS; header++) {
					const char *why;
					enum sealconf_order got = sealconf_decide(
						(enum sealconf_policy)policy, table[i].head,
						(enum sealconf_header)header,
						(enum sealconf_tpm)tpm, &why);

					assert_int_equal(got, want[header]);
					/* Whoever is refused, or goes without, is told why. */
					assert_int_equal(why != NULL, got == C || got == P);
				}
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
