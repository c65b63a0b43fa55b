// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SEALCONF_H
#define CAIRN_SEALCONF_H

#include <stdbool.h>
#include <stdint.h>

#include "datahead.h"
#include "err.h"
#include "keyhead.h"

/*
 * How DATA is treated: the release's settings (data_seal=, data_cipher= of /etc/cairn/release, from
 * conf/cairn.conf), and the decision. Pure.
 */
enum sealconf_policy {
	SEALCONF_REQUIRE, /* no TPM, no DATA; one that is not encrypted is not used */
	SEALCONF_PREFER,  /* encrypted, but where there is no TPM at all */
	SEALCONF_NONE,	  /* a new DATA is not encrypted */
	SEALCONF_POLICIES
};

/* sealconf_parse - of a release file's text. What is not there: prefer, xts. Errors: -EINVAL. */
int sealconf_parse(const char *text, enum sealconf_policy *ret_policy,
		   enum keyhead_cipher *ret_cipher, struct err *err);

enum sealconf_tpm { SEALCONF_TPM_OK, SEALCONF_TPM_ABSENT, SEALCONF_TPM_FAILS, SEALCONF_TPMS };
enum sealconf_header {
	SEALCONF_HEADER_NONE,
	SEALCONF_HEADER_OK,
	SEALCONF_HEADER_BAD, /* damaged, or of a newer release */
	SEALCONF_HEADERS
};

enum sealconf_order { SEALCONF_PLAIN, SEALCONF_OPEN, SEALCONF_MAKE, SEALCONF_CLOSED };

/*
 * sealconf_decide - what is to be done with DATA. *ret_why gets a sentence where PLAIN or CLOSED
 * wants one, NULL else. Content is never given up: only an empty head, or one that was being made,
 * leads to MAKE; a TPM that fails never leads to an unencrypted DATA.
 */
enum sealconf_order sealconf_decide(enum sealconf_policy policy, enum datahead head,
				    enum sealconf_header header, enum sealconf_tpm tpm,
				    const char **ret_why);

#endif
