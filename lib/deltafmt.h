// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DELTAFMT_H
#define CAIRN_DELTAFMT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The layout of a delta frame, shared by encoder and decoder.
 *
 *     frame   := segment segment* ; together they make the frame's output, in order
 *     segment := head stream[0] .. stream[DELTA_STREAMS - 1]
 *     head    := le32 out_bytes, DELTA_STREAMS x { le32 raw, le32 packed }
 *
 * A stream is `raw` bytes long and stands as one zstd frame of `packed` bytes, or as it is where
 * packed is 0. The first three say the operations, one varint each an operation:
 *
 *     DELTA_COPY   bytes copied from the old image
 *     DELTA_LEN    bytes that then come from DELTA_EXTRA; not both are 0
 *     DELTA_SEEK   zigzag: old position of the copy, less where the last operation ended: its
 *                  old position + copied + extra bytes; for the first one: less the new position
 *
 * An operation's copied bytes are taken in chunks of DELTA_CHUNK_BYTES, the last one short.
 *
 *     DELTA_CODE   one byte a chunk: 0, or DELTA_CODE_X86: what look like references in it are
 *                  moved first, see delta_refs_move
 *
 * Then they get fixes, in order; each is
 *
 *     DELTA_GAP    varint: copied bytes between the last fix's end (or the start) and this one
 *     DELTA_KIND   one byte, DELTA_KIND_*; a fix never reaches over its chunk's end
 *     DELTA_WORD   le32, for DELTA_KIND_WORD
 *     DELTA_BYTE   for DELTA_KIND_BYTES + n - 1: n bytes, added to what was copied
 *
 * All but _BYTES add a 32-bit number to the little-endian word there:
 *
 *     DELTA_KIND_MAP         what the operations foretell for a reference relative to its own
 *                            place, see delta_map_predict
 *     DELTA_KIND_RECENT + i  the i-th of the numbers used last, which becomes the first
 *     DELTA_KIND_WORD        the next of DELTA_WORD, which becomes the first
 */
enum {
	DELTA_COPY,
	DELTA_LEN,
	DELTA_SEEK,
	DELTA_CODE,
	DELTA_GAP,
	DELTA_KIND,
	DELTA_WORD,
	DELTA_BYTE,
	DELTA_EXTRA,
	DELTA_STREAMS,
};

#define DELTA_HEAD_BYTES (4 + 8 * DELTA_STREAMS)
/* All streams but the last, raw, in one segment. */
#define DELTA_SIDE_MAX (1u << 20)
#define DELTA_OPS_MAX (1u << 15)
/* zstd's window in DELTA_EXTRA is at most this; the others need none as large. */
#define DELTA_WINDOW_LOG 21

#define DELTA_CHUNK_BYTES (16u << 10)
#define DELTA_CODE_X86 1

#define DELTA_KIND_MAP 0
#define DELTA_KIND_RECENT 1
#define DELTA_RECENT 64
#define DELTA_KIND_WORD (DELTA_KIND_RECENT + DELTA_RECENT)
#define DELTA_KIND_BYTES 128

struct delta_head {
	uint32_t out_bytes;
	uint32_t raw[DELTA_STREAMS], packed[DELTA_STREAMS];
};

/* delta_head_parse - read and check a head of exactly DELTA_HEAD_BYTES; -EBADMSG. */
int delta_head_parse(const uint8_t *buf, size_t len, struct delta_head *ret);

void delta_head_format(const struct delta_head *h, uint8_t ret_buf[static DELTA_HEAD_BYTES]);

/* delta_varint - 7 bits a byte, lowest first, at most 6 bytes; -EBADMSG cut, or above max. */
int delta_varint(const uint8_t **p, const uint8_t *end, uint64_t max, uint64_t *ret);

/* How many bytes a fix of this kind covers; 0: no such kind. */
uint32_t delta_kind_bytes(uint8_t kind);

/* The numbers used last, the last one first. */
struct delta_recent {
	uint32_t v[DELTA_RECENT];
};

void delta_recent_init(struct delta_recent *r);
void delta_recent_push(struct delta_recent *r, uint32_t value);
/* delta_recent_use - the number at i < DELTA_RECENT, which becomes the first. */
uint32_t delta_recent_use(struct delta_recent *r, unsigned int i);

#endif
