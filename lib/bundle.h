// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_BUNDLE_H
#define CAIRN_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "crypto.h"
#include "err.h"
#include "pcrrelease.h"
#include "signed.h"
#include "trust.h"
#include "verity.h"

/*
 * A bundle: one release in one file (docs/bundle.md).
 *
 *     signed document (signed.h): the manifest | tables | payload of boot | of root | of esp
 *
 *     cairn-bundle 1
 *     compatible=<word>
 *     architecture=<word>
 *     version=<word>
 *     release=<1...>
 *     floor=<0...release>          once it is good, no release below this is taken any more
 *     stage1=<least generation of the stage-1 loader>
 *     encryption=none              anything else is refused: an extension point
 *     kind=full|delta
 *     base=<root hash>|-           delta: the root it goes on from
 *     kernel=<Authenticode hash of the signed vmlinuz>
 *     measured=<sha256> <word>     1 to 8: the events of PCR 9, in order (pcrrelease.h)
 *     pcr9=<hex>                   what they make of it
 *     loader=<generation> <Authenticode hash> <pcr4>
 *                                  1 to 4, ascending, none below stage1: stage-1 loaders, and PCR 4
 *                                  for each with this kernel behind a plain firmware (pcr4.h)
 *     tables=<bytes> <sha256>
 *     image=boot|root|esp          in this order, boot and root always, each once:
 *     size=<bytes>                 a multiple of 4096
 *     sha256=<of the image; of the root without its hash tree>
 *     encoding=raw|zstd|delta|x86-zstd
 *     payload=<bytes>
 *     frame=<bytes of output a frame, a multiple of 4096>
 *     base_size=<bytes>            encoding=delta only
 *     base_sha256=<hex>            encoding=delta only
 *     salt=<hex>                   root only
 *     roothash=<hex>               root only
 *     generation=<1...>            esp only
 *     end
 *
 * Tables, integers little-endian, for each image:
 *
 *     u32 frames | u32 pieces
 *     | frames x { u32 payload bytes, sha256 of the output }
 *     | pieces x { sha256 of a slice of the payload }        slices of 256 KiB, the last may be
 * less
 *
 * Frame i makes the output bytes from i * frame on, the last one those that are left. A frame of
 * raw is the bytes; of zstd one zstd frame with a window of at most 2 MiB; of x86-zstd the same,
 * and the output went through x86branch.h as one block; of delta what delta.h says. A piece is
 * checked before a byte of it reaches the decoder; an image's first piece begins with its payload.
 */

#define BUNDLE_PIECE_BYTES (256u << 10)
#define BUNDLE_FRAME_MAX (16u << 20)
#define BUNDLE_FRAME_BYTES BUNDLE_FRAME_MAX /* unless told */
#define BUNDLE_WINDOW_LOG 21		    /* zstd: 2 MiB */
#define BUNDLE_TABLES_MAX (1u << 20)
#define BUNDLE_BLOCK_BYTES 4096u
#define BUNDLE_FAT_MAX (UINT64_C(64) << 20)   /* boot, esp */
#define BUNDLE_IMAGE_MAX (UINT64_C(16) << 30) /* root */
#define BUNDLE_WORD_SIZE CHANNEL_WORD_SIZE

enum bundle_image_id { BUNDLE_BOOT, BUNDLE_ROOT, BUNDLE_ESP, BUNDLE_IMAGES };
enum bundle_encoding { BUNDLE_RAW, BUNDLE_ZSTD, BUNDLE_DELTA, BUNDLE_X86_ZSTD, BUNDLE_ENCODINGS };

struct bundle_image {
	bool present;
	uint64_t size_bytes;
	uint8_t sha256[SHA256_SIZE];
	enum bundle_encoding encoding;
	uint64_t payload_bytes;
	uint32_t frame_bytes;
	uint64_t base_size_bytes; /* delta */
	uint8_t base_sha256[SHA256_SIZE];
	size_t salt_len; /* root: 1 to VERITY_SALT_MAX */
	uint8_t salt[VERITY_SALT_MAX];
	uint8_t roothash[SHA256_SIZE];
	uint32_t generation; /* esp */
};

struct bundle {
	char compatible[BUNDLE_WORD_SIZE];
	char architecture[BUNDLE_WORD_SIZE];
	char version[BUNDLE_WORD_SIZE];
	uint64_t release, floor;
	uint32_t stage1;
	bool delta;
	uint8_t base[SHA256_SIZE]; /* delta */
	struct pcrrelease pcrs;	   /* what it measures */
	uint32_t tables_bytes;
	uint8_t tables_sha256[SHA256_SIZE];
	struct bundle_image image[BUNDLE_IMAGES];
};

/* What the machine knows of itself. */
struct bundle_want {
	const char *compatible;
	const char *architecture;
	uint64_t release;   /* the booted one's */
	uint64_t floor;	    /* the highest floor of a release that was good */
	uint32_t stage1;    /* generation of the stage-1 loader that either ESP has */
	bool older_allowed; /* on the operator's order: not newer than the booted one, never below
			       the floor */
};

/* One frame of an image; sha256 points into the tables. */
struct bundle_frame {
	uint64_t payload_at; /* from the start of the image's payload */
	uint32_t payload_bytes;
	uint64_t output_at;
	uint32_t output_bytes;
	const uint8_t *sha256; /* of the output */
};

/* bundle_image_name - boot, root, esp; bundle_encoding_name - raw, zstd, delta, x86-zstd. */
const char *bundle_image_name(enum bundle_image_id id);
const char *bundle_encoding_name(enum bundle_encoding encoding);

/* bundle_parse - read the manifest document, not its signatures. Errors: -EBADMSG. */
int bundle_parse(const uint8_t *buf, size_t len, struct bundle *ret, struct err *err);

/* bundle_format - the manifest document. Errors: -EINVAL what bundle_parse would not read back. */
int bundle_format(const struct bundle *b, uint8_t ret_buf[static SIGNED_DOCUMENT_MAX],
		  size_t *ret_len);

/*
 * bundle_open - the head of a bundle file: that it is the wanted manifest (digest may be NULL:
 * any), signatures by the trust's release role, then the form. What follows the head is ignored;
 * doc->total tells where the tables begin.
 * Errors: -EXDEV another manifest than the wanted, as signed_split and trust_check, -EBADMSG form.
 */
int bundle_open(const uint8_t *buf, size_t len, const uint8_t *digest, const struct trust *trust,
		uint64_t now, struct signed_doc *ret_doc, struct bundle *ret, struct err *err);

/*
 * bundle_check - is it for this machine, and new enough?
 * Errors: -EXDEV for other machines, -EPERM not newer or below the floor, -ENOTSUP needs a newer
 * stage-1 loader.
 */
int bundle_check(const struct bundle *b, const struct bundle_want *want, struct err *err);

/* bundle_frames, bundle_pieces - how many an image has; 0 where it is not present. */
uint32_t bundle_frames(const struct bundle_image *image);
uint32_t bundle_pieces(const struct bundle_image *image);

/* bundle_tables_bytes - size of the tables that these images need. */
uint64_t bundle_tables_bytes(const struct bundle *b);

/*
 * bundle_tables_check - are these the tables of the manifest, and do they fit it? The functions
 * below take only tables that were checked.
 * Errors: -EKEYREJECTED another hash, -EBADMSG they do not fit.
 */
int bundle_tables_check(const struct bundle *b, const uint8_t *tables, size_t len, struct err *err);

/*
 * bundle_frame_first, bundle_frame_next - go through the frames of an image in order.
 * _next returns false after the last one.
 */
void bundle_frame_first(const struct bundle *b, const uint8_t *tables, enum bundle_image_id id,
			struct bundle_frame *ret);
bool bundle_frame_next(const struct bundle *b, const uint8_t *tables, enum bundle_image_id id,
		       struct bundle_frame *frame);

/* bundle_piece_sha256 - the hash of a slice of the image's payload; piece < bundle_pieces. */
const uint8_t *bundle_piece_sha256(const struct bundle *b, const uint8_t *tables,
				   enum bundle_image_id id, uint32_t piece);

/* bundle_payload_at - where in the file an image's payload begins; head is the doc's total.
 * With id BUNDLE_IMAGES: the file's whole size. */
uint64_t bundle_payload_at(const struct bundle *b, size_t head, enum bundle_image_id id);

#endif
