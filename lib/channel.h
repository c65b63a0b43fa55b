// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_CHANNEL_H
#define CAIRN_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"
#include "signed.h"
#include "trust.h"

/*
 * A channel: what a fleet is to run now. A signed document:
 *
 *     cairn-channel 1
 *     name=<word>
 *     compatible=<word>
 *     sequence=<1...>                  grows with each publication
 *     created=<seconds since 1970>
 *     expires=<seconds since 1970>
 *     trust=<number of the newest trust>
 *     release=<1...>
 *     version=<word>
 *     full=<sha256 of the manifest> <bytes of the bundle file>
 *     delta=<root hash of the base> <sha256 of the manifest> <bytes>     0 to 32, ascending by base
 *     end
 *
 * A folder that any static server serves holds `channel`, `trust/<number>`, and
 * `bundles/<sha256 of the manifest document>.cairn`.
 *
 * What a reader must do, in this order: take every newer trust there is (trust/<N+1> until there
 * is none), channel_open, channel_check.
 */

#define CHANNEL_DOCUMENT_MAX 8192
#define CHANNEL_DELTAS_MAX 32
#define CHANNEL_WORD_SIZE 64 /* name, compatible, version, with NUL: [A-Za-z0-9._+~-] */

struct channel_bundle {
	uint8_t base[SHA256_SIZE]; /* root hash; zeros for the full one */
	uint8_t manifest[SHA256_SIZE];
	uint64_t size_bytes;
};

struct channel {
	char name[CHANNEL_WORD_SIZE];
	char compatible[CHANNEL_WORD_SIZE];
	uint64_t sequence, created, expires, trust, release;
	char version[CHANNEL_WORD_SIZE];
	struct channel_bundle full;
	struct channel_bundle delta[CHANNEL_DELTAS_MAX];
	size_t deltas;
};

/* What the reader knows: of itself, of the last channel it took, and the time. */
struct channel_want {
	const char *compatible;
	const char *name;	    /* NULL: any */
	uint64_t sequence;	    /* of the last one, 0: there was none */
	const uint8_t *last_digest; /* of the last one's document, NULL: unknown */
	uint64_t trust;		    /* number of the trust that is there */
	uint64_t now;		    /* or TRUST_TIME_UNKNOWN */
};

/* channel_parse - read the document, not its signatures. Errors: -EBADMSG. */
int channel_parse(const uint8_t *buf, size_t len, struct channel *ret, struct err *err);

/* channel_format - the document. Errors: -EINVAL what channel_parse would not read back. */
int channel_format(const struct channel *c, uint8_t ret_buf[static CHANNEL_DOCUMENT_MAX],
		   size_t *ret_len);

/*
 * channel_open - a whole signed document: signatures by the trust's channel role, then the form.
 * ret_digest may be NULL; it is to be kept for channel_want.last_digest.
 * Errors: as trust_check, -EBADMSG form.
 */
int channel_open(const uint8_t *buf, size_t len, const struct trust *trust, uint64_t now,
		 struct channel *ret, uint8_t *ret_digest, struct err *err);

/*
 * channel_check - may this channel be followed?
 * Errors: -EXDEV another name or for other machines, -ESTALE older than the last one or the same
 * sequence with other content, -EKEYEXPIRED, -ENOKEY it tells of a newer trust than is there.
 */
int channel_check(const struct channel *c, const uint8_t digest[static SHA256_SIZE],
		  const struct channel_want *want, struct err *err);

/* channel_delta - the delta from this root hash, NULL where there is none. */
const struct channel_bundle *channel_delta(const struct channel *c,
					   const uint8_t base[static SHA256_SIZE]);

#endif
