// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_H
#define CAIRN_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "signed.h"

/*
 * Trust: whose signatures count, in the manner of TUF's root role. A signed document:
 *
 *     cairn-trust 1
 *     number=<1...>
 *     expires=<seconds since 1970>
 *     key=<130 hex digits: uncompressed point>     1 to 16, ascending by key id
 *     root=<threshold> <key id>...                 ids ascending, at least threshold of them
 *     release=<threshold> <key id>...
 *     channel=<threshold> <key id>...
 *     end
 *
 * root signs the next trust, release signs bundles, channel signs channels. A machine ships one
 * (/etc/cairn/trust, protected by dm-verity). Number N+1 counts where the root threshold of N
 * and its own have signed it; no number is skipped. An expired one in the middle of the way to
 * the newest does no harm; where the newest is expired, nothing counts but a newer one.
 */

#define TRUST_KEYS_MAX 16
#define TRUST_DOCUMENT_MAX 8192
#define TRUST_CHAIN_MAX 131072 /* bytes of a file of trusts one after another */

/* Where a time is asked for and the clock is not set: nothing is expired. */
#define TRUST_TIME_UNKNOWN UINT64_C(0)

enum trust_role { TRUST_ROOT, TRUST_RELEASE, TRUST_CHANNEL, TRUST_ROLES };

struct trust_key {
	uint8_t point[P256_POINT_SIZE];
	uint8_t id[SHA256_SIZE];
};

struct trust {
	uint64_t number;  /* 1... */
	uint64_t expires; /* seconds since 1970 */
	size_t keys;
	struct trust_key key[TRUST_KEYS_MAX];
	struct {
		unsigned int threshold; /* 1 to keys */
		size_t keys;
		uint8_t key[TRUST_KEYS_MAX]; /* indices into key[], ascending */
	} role[TRUST_ROLES];
};

/* trust_role_name - root, release, channel. */
const char *trust_role_name(enum trust_role role);

/* trust_parse - read the document, not its signatures. Errors: -EBADMSG. */
int trust_parse(const uint8_t *buf, size_t len, struct trust *ret, struct err *err);

/* trust_format - the document. Errors: -EINVAL what trust_parse would not read back. */
int trust_format(const struct trust *t, uint8_t ret_buf[static TRUST_DOCUMENT_MAX],
		 size_t *ret_len);

/*
 * trust_open - the trust to begin with: a whole signed document from a place that is itself
 * protected. Its own root threshold must have signed it. Expiry is not looked at.
 * Errors: -EBADMSG form, -EKEYREJECTED signatures.
 */
int trust_open(const uint8_t *buf, size_t len, struct trust *ret, struct err *err);

/*
 * trust_next - a whole signed document that is to follow `have`: signed by have's root threshold
 * (checked before it is parsed) and its own, with the next number. Expiry is not looked at: more
 * may follow. ret may be have.
 * Errors: -EKEYREJECTED signatures, -EBADMSG form, -ESTALE an older or the same number,
 * -ERANGE a number was skipped.
 */
int trust_next(const struct trust *have, const uint8_t *buf, size_t len, struct trust *ret,
	       struct err *err);

/*
 * trust_chain - go on from *t along a file of signed documents one after another (what a machine
 * has taken so far: it appends each trust it takes). Those that do not follow are passed over:
 * an update may have shipped a newer start. Returns 0 also where none follows.
 * Errors: -EBADMSG the file cannot be taken apart; *t is then as far as it went.
 */
int trust_chain(struct trust *t, const uint8_t *buf, size_t len, struct err *err);

/*
 * trust_check - have at least the threshold of this role's keys signed this? Signatures by keys
 * that are not the role's do not count and do no harm; one by a key of the role that does not
 * hold refuses the whole.
 * Errors: -EKEYREJECTED, -EKEYEXPIRED the trust itself has expired at `now`.
 */
int trust_check(const struct trust *t, enum trust_role role, const struct signed_doc *doc,
		uint64_t now, struct err *err);

#endif
