// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CMD_ATTEST_H
#define CAIRN_CMD_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#include "attest.h"
#include "cmd.h"
#include "json.h"

/* The parts of `cairn attest`; argv begins with the action's name. */
cmd_fn cmd_attest_challenge, cmd_attest_enrol_machine; /* attest_enrol.c */
cmd_fn cmd_attest_show;				       /* attest_show.c */

/* cmd_attest_hex32 - 64 hex digits of an option. Returns 0 or CMD_USAGE. */
int cmd_attest_hex32(const char *option, const char *text, uint8_t ret[static 32], struct err *err);

/* cmd_attest_refused - CMD_REFUSED with `check: why` in err. */
int cmd_attest_refused(const struct attest_result *r, struct err *err);

/* cmd_attest_print - the document as one line on standard output. */
int cmd_attest_print(struct json *j, struct err *err);

#define ATTEST_JSON_SIZE 65536

#endif
