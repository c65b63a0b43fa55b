// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCRMODEL_H
#define CAIRN_PCRMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootstate.h"
#include "crypto.h"
#include "err.h"
#include "grubimage.h"
#include "pcr4.h"
#include "pcrlist.h"
#include "pcrrelease.h"

/*
 * The PCR model (docs/pcr.md): which events a start makes, from what was built alone. It runs the
 * shipped early.cfg, grub.cfg and slot.cfg (grubscript.h) on a boot state and says what GRUB, the
 * firmware and the kernel's EFI stub measure on the way:
 *
 *     PCR 4   firmware: the plain start of pcr4.h, stage-1 GRUB, each kernel that it loads
 *     PCR 5   firmware: the partition table of the disk that it starts (pcrmodel_gpt)
 *     PCR 7   firmware: its keys, and by which of them the images were trusted (pcrmodel_keys)
 *     PCR 8   GRUB: every command that it runs, as text
 *     PCR 9   GRUB: every file that it opens and checks; the EFI stub: the kernel's command line
 *
 * Files are measured as they lie there, signatures included, so all of it is predicted after
 * signing. Nothing here reads a log.
 */

/* One event that is to come. what: words for a person, or the command. -errno ends the model. */
typedef int pcrmodel_event_fn(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE],
			      const char *what);

/* What is in a BOOT partition, and what becomes of it. */
struct pcrmodel_slot {
	const uint8_t *config; /* slot.cfg */
	size_t config_len;
	uint8_t config_sha256[SHA256_SIZE], kernel_sha256[SHA256_SIZE]; /* of the whole files */
	uint8_t kernel[SHA256_SIZE];	   /* Authenticode hash of vmlinuz */
	bool config_signed, kernel_signed; /* GRUB takes the signatures beside them */
	bool kernel_taken;		   /* the firmware starts it */
};

/*
 * pcrmodel_slot_init - from the files of a BOOT partition; good signatures. config must outlive it.
 * Errors: -EINVAL vmlinuz is no PE image.
 */
int pcrmodel_slot_init(struct pcrmodel_slot *slot, const uint8_t *config, size_t config_len,
		       const uint8_t *kernel, size_t kernel_len, struct err *err);

/* A start. */
struct pcrmodel_start {
	struct grubimage grub;	     /* the scripts of stage 1 */
	uint8_t loader[SHA256_SIZE]; /* its Authenticode hash */
	struct pcrmodel_slot slot[2];
	uint8_t state[2][BOOTSTATE_SIZE]; /* S0.ENV, S1.ENV; what is no such block counts as bad */
	bool takes[2];			  /* GRUB can write it */
	unsigned int disk;		  /* N of GRUB's name hdN for the disk */
	unsigned int esp_part;		  /* 1 or 8 */
	const char *path; /* of stage 1, as the firmware names it, without the file: /EFI/BOOT */
};

struct pcrmodel_end {
	enum bootstate_slot started;	  /* BOOTSTATE_NONE: the machine restarts */
	uint8_t state[2][BOOTSTATE_SIZE]; /* what lies on STATE afterwards */
};

/*
 * pcrmodel_run - the events of PCR 4, 8 and 9 of one start, in order.
 * Errors: -ENOTSUP the scripts do what the model does not know, those of grubscript_run, and what
 * the callback returned. -ENOMEM.
 */
int pcrmodel_run(const struct pcrmodel_start *start, pcrmodel_event_fn *event, void *ctx,
		 struct pcrmodel_end *ret, struct err *err);

/*
 * pcrmodel_release - what a release measures wherever it runs (lib/pcrrelease.h), but its loaders.
 * Errors: as pcrmodel_run; -EINVAL.
 */
int pcrmodel_release(const struct pcrmodel_slot *slot, struct pcrrelease *ret, struct err *err);

/* What Secure Boot is: the contents of the firmware's variables, as lib/efiauth.h draws them. */
enum pcrmodel_secureboot {
	PCRMODEL_SB_NONE, /* the firmware does not have it */
	PCRMODEL_SB_OFF,
	PCRMODEL_SB_ON,
};

struct pcrmodel_blob {
	const uint8_t *buf; /* NULL: there is no such variable */
	size_t len;
};

struct pcrmodel_keyset {
	enum pcrmodel_secureboot secureboot;
	struct pcrmodel_blob pk, kek, db, dbx;
	/* With ON: images that the firmware starts, signed, in order: stage 1, kernel. */
	struct pcrmodel_blob image[2];
};

/*
 * pcrmodel_keys - the events of PCR 7 with a key set, as EDK2 has them (SecurityPkg,
 * DxeTpm2MeasureBootLib and DxeImageVerificationLib). An entry of db that let several images
 * through is told once. Errors: -EKEYREJECTED the firmware would not start an image, -EBADMSG
 * malformed lists.
 */
int pcrmodel_keys(const struct pcrmodel_keyset *keys, pcrmodel_event_fn *event, void *ctx,
		  struct err *err);

/*
 * pcrmodel_gpt - the events of PCR 5: the primary header (sector 1) and the entries of the disk,
 * 16 KiB from sector 2 on, as they are when the machine starts. Errors: -EINVAL no GPT header.
 */
int pcrmodel_gpt(const uint8_t *header, size_t header_len, const uint8_t *entries,
		 size_t entries_len, pcrmodel_event_fn *event, void *ctx, struct err *err);

#endif
