// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_STAGE1RUN_H
#define CAIRN_STAGE1RUN_H

#include "blockio.h"
#include "efiboot.h"
#include "err.h"
#include "stage1.h"

/* Carries out what lib/stage1.h decides, on ESPs, STATE and the firmware's variables. */

/* The firmware's variables of EFI_GLOBAL_VARIABLE. */
struct stage1_vars {
	void *ctx;
	/* Errors: -ENOENT no such variable, -E2BIG it does not fit. */
	int (*get)(void *ctx, const char *name, uint8_t *ret_buf, size_t max, size_t *ret_len);
	/* len 0 deletes. */
	int (*set)(void *ctx, const char *name, const uint8_t *buf, size_t len);
};

struct stage1_machine {
	const struct blockio *esp[2], *state;
	struct efiboot_esp place[2];
	const struct stage1_vars *vars;
	uint8_t from; /* 1, 2: the ESP that GRUB came from, as the boot state says */
	uint8_t boot_id[STAGE1_BOOT_ID_BYTES];
	uint8_t *buf; /* 2 * STAGE1_COPY_BYTES, aligned for the devices */
};

/* stage1run_facts - look. What cannot be read counts as not there. */
void stage1run_facts(const struct stage1_machine *m, struct stage1_facts *ret);

/*
 * stage1run_go - do all that can be done in this start; the machine must be healthy.
 * *ret_did: the last action that was carried out, STAGE1_REST for none. ret_said: for a person.
 * Errors: of what failed; it is tried again by the next call. Where the firmware does not take
 * its variables, that is no error but the end of the replacement (STAGE1_GIVE_UP).
 */
int stage1run_go(const struct stage1_machine *m, enum stage1_action *ret_did, struct err *ret_said);

/* stage1run_waits - would stage1run_go do anything now? */
bool stage1run_waits(const struct stage1_machine *m);

#endif
