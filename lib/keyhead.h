// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_KEYHEAD_H
#define CAIRN_KEYHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "crypto.h"
#include "err.h"

/*
 * The key header of an encrypted DATA partition (docs/sealing.md). Nothing in it is a secret. The
 * first MiB of the partition:
 *
 *   0        the mark of datahead.h
 *   128 KiB  copy 0 of the key header
 *   512 KiB  copy 1
 *   1 MiB    the encrypted volume, to the partition's end
 *
 * A copy is KEYHEAD_BYTES, integers little-endian, what is not used is zero:
 *
 *   offset 0   "CAIRN-KEYHEAD\0\0\0"
 *          16  u32 version, 1 | u32 KEYHEAD_BYTES | u64 sequence, 1...
 *          32  u8 volume id[16]
 *          48  u32 cipher | u32 bytes of the volume key | u32 NV index of the counter, 0 none
 *          60  u32 blobs, 0 to 8 | u64 floor | u64 release last marked good | u8 its root hash[32]
 *         112  u32 bytes of the recovery slot, 0 none | u8 reserved[12] | u8 recovery slot[256]
 *         384  blobs x 1024:
 *              u64 counter | u64 release | u8 root hash[32] | u32 loader generation | u32 PCR mask
 *              | u8 policy digest[32] | u8 PCR values[3][32], ascending by PCR, of the mask's bits
 *              | u16 bytes of public | u16 bytes of private | u8 public[256] | u8 private[512]
 *       16320  u8 HMAC-SHA256 of all before, by a key that is derived from the volume key: whoever
 *              opened the volume knows that nobody else wrote this
 *       16352  u8 SHA-256 of all before
 *
 * The copy with the higher sequence that is whole counts. They are written in turn, each followed
 * by a flush, so that a cut at any write leaves one; both are overwritten where a key is destroyed.
 */
#define KEYHEAD_VERSION 1u
#define KEYHEAD_BYTES 16384u
#define KEYHEAD_COPIES 2
#define KEYHEAD_AT(copy) ((copy) ? UINT64_C(512) << 10 : UINT64_C(128) << 10)
#define KEYHEAD_VOLUME_AT (UINT64_C(1) << 20) /* byte of the partition where the volume begins */
#define KEYHEAD_ID_BYTES 16
#define KEYHEAD_BLOBS_MAX 8
#define KEYHEAD_KEY_MAX 96 /* bytes of a volume key */
#define KEYHEAD_RECOVERY_MAX 256
#define KEYHEAD_PUBLIC_MAX 256
#define KEYHEAD_PRIVATE_MAX 512
#define KEYHEAD_PCRS 3 /* bits of a blob's mask, at most */

enum keyhead_cipher {
	KEYHEAD_XTS = 1,  /* aes-xts-plain64, key of 64 bytes */
	KEYHEAD_XTS_HMAC, /* the same with hmac(sha256) over dm-integrity, key of 96 bytes */
	KEYHEAD_CIPHERS
};

/* One sealed object: opens for these PCRs at this value of the counter. */
struct keyhead_blob {
	uint64_t counter;
	uint64_t release; /* for people, and to tell what may be dropped */
	uint8_t roothash[SHA256_SIZE];
	uint32_t generation; /* of the stage-1 loader; 0 not known */
	uint32_t pcr_mask;   /* at most KEYHEAD_PCRS bits below 24 */
	uint8_t policy[SHA256_SIZE];
	uint8_t pcr[KEYHEAD_PCRS][SHA256_SIZE];
	uint16_t public_len, private_len;	   /* bytes */
	uint8_t public_area[KEYHEAD_PUBLIC_MAX];   /* TPM2B_PUBLIC, marshalled */
	uint8_t private_area[KEYHEAD_PRIVATE_MAX]; /* TPM2B_PRIVATE, marshalled */
};

struct keyhead {
	uint64_t sequence;
	uint8_t id[KEYHEAD_ID_BYTES];
	uint32_t cipher; /* enum keyhead_cipher */
	uint32_t key_bytes;
	uint32_t nv_index;
	uint64_t floor; /* highest floor of a release that was marked good */
	uint64_t good_release;
	uint8_t good_roothash[SHA256_SIZE];
	uint32_t recovery_len;
	uint8_t recovery[KEYHEAD_RECOVERY_MAX]; /* recovery.h */
	uint32_t blobs;
	struct keyhead_blob blob[KEYHEAD_BLOBS_MAX];
	uint8_t mac[SHA256_SIZE]; /* set by keyhead_write */
};

/* keyhead_key_bytes - of a cipher; 0 for an unknown one. */
uint32_t keyhead_key_bytes(uint32_t cipher);

/* keyhead_format - one copy. Errors: -EINVAL what keyhead_parse would not read back. */
int keyhead_format(const struct keyhead *h, uint8_t ret_copy[static KEYHEAD_BYTES]);

/*
 * keyhead_parse - one copy. Errors: -ENODATA all zero, -EBADMSG not a whole header or a field out
 * of range, -ENOTSUP a version of another release.
 */
int keyhead_parse(const uint8_t *buf, size_t len, struct keyhead *ret);

/*
 * keyhead_read - the copy that counts. io is the DATA partition; *ret_copy (may be NULL) which one.
 * Errors: -ENOENT neither copy was ever written, -EBADMSG, -ENOTSUP, or of the device.
 */
int keyhead_read(const struct blockio *io, struct keyhead *ret, int *ret_copy, struct err *err);

/* keyhead_auth - the key of the header's HMAC. */
void keyhead_auth(const uint8_t *key, uint32_t key_bytes, const uint8_t id[static KEYHEAD_ID_BYTES],
		  uint8_t ret_auth[static SHA256_SIZE]);

/* keyhead_check - was this header written by who had the key? Errors: -EKEYREJECTED. */
int keyhead_check(const struct keyhead *h, const uint8_t auth[static SHA256_SIZE]);

/*
 * keyhead_write - over the copy that does not count, with the next sequence and the HMAC (set in
 * *h), flushed and read back. Errors: -EINVAL, -EIO read-back differs, or of the device; the other
 * copy still counts.
 */
int keyhead_write(const struct blockio *io, struct keyhead *h,
		  const uint8_t auth[static SHA256_SIZE], struct err *err);

/* keyhead_destroy - zeros over both copies, flushed and read back. */
int keyhead_destroy(const struct blockio *io, struct err *err);

#endif
