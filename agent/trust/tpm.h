// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_TPM_H
#define CAIRN_TRUST_TPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_esys.h>

#include "crypto.h"
#include "err.h"
#include "keyhead.h"

/*
 * The TPM as sealing needs it. Every secret passes in a session salted with the storage key, its
 * first parameter encrypted with AES-128-CFB: who listens on the bus learns nothing (who sits on it
 * and speaks can do what this program can, docs/sealing.md).
 *
 * Errors: -ENODEV no TPM, -EIO it failed (err names the command and the code), -EAGAIN locked by
 * too many wrong authorisations, -EPERM the policy is not met, -ENOKEY the object is not of this
 * TPM, or it was cleared, -ENOENT no such index, -EACCES the TPM's owner has a password.
 */

/* The storage key: ECC P-256, the TCG's template, made again from the owner's seed each time the
 * same; it is kept in the TPM here to save the time. */
#define TPM_SRK_HANDLE 0x8100ca10u
#define TPM_SECRET_MAX 128 /* bytes that can be sealed */

struct tpm {
	ESYS_CONTEXT *esys; /* NULL: none, or it cannot be talked to */
	TSS2_TCTI_CONTEXT *tcti;
	bool there;	  /* there is a device */
	struct err why;	  /* why esys is NULL */
	ESYS_TR srk;	  /* ESYS_TR_NONE: not looked up yet */
	bool srk_passing; /* it is in the TPM's memory only */
};

/*
 * tpm_tcti - a connection to the TPM with this name. The device's: a device node. Given by
 * tcti_device.c, and by the tests. Errors: -ENODEV, -EIO.
 */
int tpm_tcti(const char *name, TSS2_TCTI_CONTEXT **ret, struct err *err);

/* tpm_open - as far as it goes; t->esys, t->there and t->why say how far. */
void tpm_open(struct tpm *t, const char *name);
void tpm_close(struct tpm *t);

/* tpm_fail - what a return code means, with the command in err. Never 0. */
int tpm_fail(struct err *err, const char *command, TSS2_RC rc);

/* tpm_ready - 0, or why there is no TPM to be asked. */
int tpm_ready(const struct tpm *t, struct err *err);

/* tpm_prepare - look the storage key up; what needs it does so else. It is not made by this. */
int tpm_prepare(struct tpm *t, struct err *err);

/* tpm_random - from the TPM, encrypted on its way. len at most 32. */
int tpm_random(struct tpm *t, uint8_t *ret_buf, size_t len, struct err *err);

/* tpm_counter_new - remove what is at the index, define the counter there with this
 * authorisation, raise it once: above every counter that was ever deleted in this TPM (Part 1
 * r1.59, 37.2.4). */
int tpm_counter_new(struct tpm *t, uint32_t index, const uint8_t auth[static SHA256_SIZE],
		    uint64_t *ret_value, struct err *err);
int tpm_counter_read(struct tpm *t, uint32_t index, uint64_t *ret_value, struct err *err);
/* tpm_counter_raise - by one; durable on return. */
int tpm_counter_raise(struct tpm *t, uint32_t index, const uint8_t auth[static SHA256_SIZE],
		      struct err *err);
/* tpm_counter_remove - 0 also where there is none. */
int tpm_counter_remove(struct tpm *t, uint32_t index, struct err *err);

/* tpm_seal - fills in the areas of *b, whose policy is set. */
int tpm_seal(struct tpm *t, const uint8_t *secret, size_t len, struct keyhead_blob *b,
	     struct err *err);
/* tpm_unseal - *ret_len bytes; the caller wipes them. */
int tpm_unseal(struct tpm *t, const struct keyhead_blob *b, uint32_t nv_index,
	       uint8_t ret_secret[static TPM_SECRET_MAX], size_t *ret_len, struct err *err);

#endif
