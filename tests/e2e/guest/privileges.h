// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TESTS_GUEST_PRIVILEGES_H
#define CAIRN_TESTS_GUEST_PRIVILEGES_H

#include <stdbool.h>

#include "agent/core/privileges.h"

/* finding - one line about what is not as it should be; counted. */
void finding(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* expected_user - who a row's process is: where the row names nobody, who init started. */
const char *expected_user(const struct privileges *p);

/* attempts - in a child for each row and each deed: what the row does not give must fail, what it
 * gives must work. Returns how many were tried. */
unsigned int attempts(void);

/* places - mounts are as in the table "Places" of that copy of docs/privileges.md, and nothing can
 * be run from where it can be written. */
void places(const char *doc);

#endif
