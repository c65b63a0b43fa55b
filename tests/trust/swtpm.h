// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_SWTPM_H
#define CAIRN_TEST_SWTPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A TPM of a test's own: swtpm over a socket pair, no port and no file but its state. What passes
 * on the wire can be kept, and any command be lost.
 */

#define SWTPM_WIRE_MAX (1u << 20)

enum swtpm_fault {
	SWTPM_OK,
	SWTPM_LOST,    /* from command `at` on none reaches it */
	SWTPM_UNHEARD, /* it carries out `at`, and no answer comes; the later ones are lost */
	SWTPM_SILENT,  /* it never answers `at`: the caller waits */
};

struct swtpm {
	bool absent; /* there is no TPM */
	enum swtpm_fault fault;
	int at, commands; /* commands sent since swtpm_on or swtpm_count */
	bool keep_wire;
	size_t wire_len;
	uint8_t wire[SWTPM_WIRE_MAX]; /* both ways */
	char dir[64];		      /* of its state */
	int fd;
	pid_t pid;
};

extern struct swtpm swtpm; /* what tpm_tcti connects to */

/* swtpm_on - power it on with the state in dir; made there where it is not yet. */
void swtpm_on(const char *dir);
/* swtpm_off - power gone, between two instructions. */
void swtpm_off(void);
void swtpm_count(void);

#endif
