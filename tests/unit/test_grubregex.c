// SPDX-License-Identifier: Apache-2.0
/* The referee is the C library's regcomp(3) with REG_EXTENDED, which is what GRUB's code is too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "grubregex.h"

static void compare(const char *pattern, const char *text)
{
	struct grubregex_span got[GRUBREGEX_GROUPS];
	regmatch_t want[GRUBREGEX_GROUPS];
	regex_t re;
	size_t i;
	int rc;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED), 0);
	rc = regexec(&re, text, GRUBREGEX_GROUPS, want, 0);
	assert_int_equal(grubregex_match(pattern, text, got), rc == 0);
	for (i = 0; rc == 0 && i < GRUBREGEX_GROUPS; i++) {
		assert_int_equal(got[i].begin, want[i].rm_so);
		assert_int_equal(got[i].end, want[i].rm_eo);
	}
	regfree(&re);
}

static void test_libc(void **state)
{
	static const char *const patterns[] = {
		/* grub.cfg's own */
		"^\\((hd[0-9]+),gpt([0-9]+)",
		"^[012]:[ab]:[01]:[0123]:[01]:[0123]:[ab]:[12]:[012]$",
		"^(0.*,1|1.*,2|2.*,0)",
		"^(.):(.):.:.:.:.:(.):",
		"^.:.:(.):(.):",
		"^.:.:.:.:(.):(.):",
		"^(.):(.):(.)$",
		"^1[123]$",
		/* and what else there is */
		"",
		"a",
		"a*",
		"a+b?",
		"(a|ab)(c|bcd)?",
		"(a|ab|abc)",
		"x|(b)|c+",
		"[^a-c]+",
		"[]x]",
		"a.c$",
		"\\.\\*",
		"(1)(2)?(3)*",
	};
	static const char *const texts[] = {
		"",
		"a",
		"ab",
		"abc",
		"abcd",
		"aaab",
		"xyz",
		"]",
		".*",
		"123",
		"13",
		"1333",
		"(hd0,gpt1)/EFI/BOOT",
		"(hd12,gpt8)/EFI/BOOT",
		"(cd0)/EFI/BOOT",
		"0:a:1:3:1:3:a:1:0",
		"2:b:0:0:1:2:b:2:2",
		"0:a:1:3:1:3:a:1:0,1:a:1:3:1:3:a:1:1",
		"2:a:1:3:1:3:a:1:2,0:a:1:3:1:3:a:1:0",
		"0:a:1:3:1:3:a:1:0,",
		":::::::: ",
		"b:1:3",
		"13x",
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		for (j = 0; j < sizeof(texts) / sizeof(texts[0]); j++)
			compare(patterns[i], texts[j]);
}

static void test_refused(void **state)
{
	static const char *const patterns[] = { "(a",	"a)",  "[a",  "*a",	     "a**",
						"a{2}", "\\1", "\\w", "[[:alpha:]]", "a\\" };
	struct grubregex_span got[GRUBREGEX_GROUPS];
	char longer[GRUBREGEX_TEXT_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		assert_int_equal(grubregex_match(patterns[i], "a", got), -EINVAL);
	assert_int_equal(grubregex_match("(a)(b)(c)(d)(e)(f)(g)(h)", "a", got), -E2BIG);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(grubregex_match("a", longer, got), -E2BIG);
	assert_int_equal(grubregex_match(longer, "a", got), -E2BIG);
	/* Work without end is cut. */
	longer[30] = '\0';
	assert_int_equal(grubregex_match("(a*)*(a*)*(a*)*b", longer, got), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
