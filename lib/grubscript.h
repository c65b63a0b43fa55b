// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_GRUBSCRIPT_H
#define CAIRN_GRUBSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * An interpreter of the part of GRUB's script language (GRUB 2.06, grub-core/script) that
 * bootloader/grub.cfg, early.cfg and slot.cfg are written in, for the model of PCR 8: GRUB measures
 * each command before it runs it, its words joined by blanks, with all variables replaced.
 *
 *     function NAME { ... }     if ...; then ... elif ... else ... fi
 *     words of text, '...', "..." with \" \\ \$, $name, ${name}, $1 to $9; # comments
 *     set, regexp --set=N:NAME, [ and test (=, !=, -n, -z), load_env, save_env, echo, source,
 *     chainloader, boot, sleep, reboot, return, true, false, and functions
 *
 * Whatever is outside of it is refused: a model that guesses is none. Nothing is allocated.
 */

#define GRUBSCRIPT_SIZE_MAX 32768    /* bytes of a script */
#define GRUBSCRIPT_SCRIPTS_MAX 4     /* early.cfg, grub.cfg, slot.cfg of both slots */
#define GRUBSCRIPT_LINE_MAX 4096     /* bytes of a command with its NUL */
#define GRUBSCRIPT_WORDS_MAX 128     /* of a command */
#define GRUBSCRIPT_COMMANDS_MAX 4096 /* run in one go: more is a loop */
#define GRUBSCRIPT_ENV_BYTES 1024

/* The machine around the interpreter. Callbacks return 0, or -errno where that failed. */
struct grubscript_machine {
	void *ctx;
	/* A command is about to be run. quiet: by the rescue parser, which measures nothing.
	 * -errno ends the run. */
	int (*command)(void *ctx, const char *line, bool quiet);
	/* source opens and reads a file; *ret_text stays the machine's. */
	int (*read)(void *ctx, const char *path, const char **ret_text, size_t *ret_len);
	/* chainloader: a kernel and its words joined by blanks ("" none). */
	int (*load)(void *ctx, const char *path, const char *arguments);
	/* load_env and save_env; a file of GRUBSCRIPT_ENV_BYTES. */
	int (*env_read)(void *ctx, const char *path, uint8_t ret[static GRUBSCRIPT_ENV_BYTES]);
	int (*env_write)(void *ctx, const char *path,
			 const uint8_t block[static GRUBSCRIPT_ENV_BYTES]);
};

enum grubscript_end {
	GRUBSCRIPT_DONE,   /* the script ended */
	GRUBSCRIPT_BOOT,   /* what chainloader loaded was started */
	GRUBSCRIPT_REBOOT, /* the machine restarts */
};

struct grubscript; /* some 400 KiB */

/* grubscript_new - NULL without memory; grubscript_free takes NULL. */
struct grubscript *grubscript_new(void);
void grubscript_free(struct grubscript *g);

/* grubscript_set - a variable that is set from the start. Errors: -ENOSPC. */
int grubscript_set(struct grubscript *g, const char *name, const char *value);

/*
 * grubscript_run - run a script as early.cfg is run (quiet: its own commands are not measured, but
 * those of what it sources are) or as `source` does. Once a struct grubscript.
 * Errors: -ENOTSUP something outside of the part above, -E2BIG a limit, -ELOOP no end in sight,
 * and what command() returned; the sentence tells the line.
 */
int grubscript_run(struct grubscript *g, const struct grubscript_machine *machine, const char *text,
		   size_t len, bool quiet, enum grubscript_end *ret_end, struct err *err);

#endif
