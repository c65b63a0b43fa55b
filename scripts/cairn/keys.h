// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_KEYS_H
#define CAIRN_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * An owner's folder of keys (docs/keys.md): what `cairn keys init` makes and the build takes as
 * KEYS. NAME.key is PEM or the URI of a key in a token; .crt PEM; .auth lib/efiauth.h.
 */

enum { KEYS_PATH_MAX = 4096, KEYS_ALSO_MAX = 16 };

enum keys_kind { KEYS_RSA, KEYS_P256 };

struct keys_entry {
	const char *name;
	enum keys_kind kind;
	int has_cert;
	int offline; /* the build does not need it: `RELEASE` machines should not have it */
	const char *what;
};

/* keys_entry - the nth, NULL after the last. */
const struct keys_entry *keys_entry(size_t n);

/* keys_path - DIR/NAME.SUFFIX; an empty suffix leaves the point out. Errors: -ENAMETOOLONG. */
int keys_path(char ret[static KEYS_PATH_MAX], const char *dir, const char *name, const char *suffix,
	      struct err *err);

/* What goes into the firmware's variables beside the owner's own keys. */
struct keys_enrolment {
	const char *also[KEYS_ALSO_MAX]; /* certificates (PEM) for db */
	const char
		*revoke[KEYS_ALSO_MAX]; /* for dbx: certificate, signed image, or 64 hex digits */
	size_t n_also, n_revoke;
	uint64_t time; /* seconds since 1970: firmware takes later ones only */
};

/*
 * keys_enrol - make DIR's db.auth, db-microsoft.auth, KEK.auth, PK.auth, and dbx.auth where
 * something is revoked. Errors: CMD_REFUSED, -EINVAL a key or certificate; of files.
 */
int keys_enrol(const char *dir, const struct keys_enrolment *e, struct err *err);

struct keys_job {
	const char *dir;
	const char *owner;   /* a name for the certificates */
	const char *expires; /* of trust; NULL: ten years after time */
	const char *token;   /* label of the token that is to make the keys, or NULL: files */
	const char *module;  /* its PKCS #11 library */
	struct keys_enrolment enrolment;
};

/*
 * keys_init - make all of it; the folder appears whole or not at all.
 * Errors: CMD_REFUSED there is something in it already; of libcrypto, files, the token.
 */
int keys_init(const struct keys_job *job, struct err *err);

/* keys_show - print what is in the folder, whether it fits together, and whether it is secret.
 * Errors: CMD_REFUSED something is missing or does not belong to the rest. */
int keys_show(const char *dir, struct err *err);

/*
 * keys_recovery - the volume key of a DATA partition, or of a disk image that has one, with the
 * owner's recovery key, to a file of mode 0600. Errors: CMD_REFUSED; of files.
 */
int keys_recovery(const char *disk, const char *key, const char *out, struct err *err);

#endif
