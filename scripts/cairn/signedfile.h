// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_SIGNEDFILE_H
#define CAIRN_SIGNEDFILE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "sign.h"
#include "signed.h"
#include "trust.h"

/* Files that begin with a signed document: trust, channel, bundle. */

enum { SIGNEDFILE_KEYS_MAX = SIGNED_SIGNATURES_MAX };

/*
 * signedfile_head - the signed document at the start of a file; doc points into buf.
 * ret_size, which may be NULL, is the file's size. Errors: CMD_REFUSED no signed document.
 */
int signedfile_head(const char *path, uint8_t buf[static SIGNED_MAX], struct signed_doc *doc,
		    uint64_t *ret_size, struct err *err);

/* signedfile_sign_with - a document's signatures by these keys. Errors: -EIO libcrypto. */
int signedfile_sign_with(const void *document, size_t len, const struct sign_key *keys,
			 size_t count, struct signature *ret, struct err *err);

/* signedfile_save - a document and its signatures as a file. */
int signedfile_save(const char *path, const void *document, size_t len,
		    const struct signature *signatures, size_t count, struct err *err);

/*
 * signedfile_trust - a trust from files: the first is taken as it is, each further one must
 * follow. Errors: CMD_REFUSED.
 */
int signedfile_trust(const char *const *paths, size_t count, struct trust *ret, struct err *err);

/*
 * signedfile_command - `cairn trust|channel|bundle sign` (cmd.h's rules; argv[0] is `sign`).
 * kind is the first line that the document must have.
 */
int signedfile_command(int argc, char **argv, const char *kind, struct err *err);

#endif
