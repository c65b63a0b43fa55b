// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PGP_H
#define CAIRN_PGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"

/*
 * The part of OpenPGP (RFC 4880) that GRUB's `pgp` module reads: a version 4 detached signature
 * of binary data, RSA with SHA-256, and the public key packet of its key. GRUB 2.06 looks for the
 * issuer in the unhashed subpackets, which is where this writes it.
 *
 *     signature packet: 4, type 0, algorithm 1, hash 8
 *     | hashed length, creation time | unhashed length, issuer | 16 bits of the hash | MPI
 *
 * The RSA operation is the caller's: on hosts libcrypto does it.
 */

#define PGP_RSA_BYTES_MAX 512 /* RSA-4096 */
#define PGP_SIG_MAX (64 + PGP_RSA_BYTES_MAX)
#define PGP_KEY_MAX (64 + PGP_RSA_BYTES_MAX)
#define PGP_KEYID_BYTES 8

/* Bytes of the hashed part: header, creation time subpacket, and the trailer that is hashed. */
#define PGP_HASHED_BYTES 12
#define PGP_TRAILER_BYTES 6

struct pgp_sig {
	uint32_t created; /* seconds since 1970 */
	uint8_t keyid[PGP_KEYID_BYTES];
	uint8_t left16[2];
	uint8_t hashed[PGP_HASHED_BYTES]; /* as stored; enters the digest */
	size_t rsa_len;
	uint8_t rsa[PGP_RSA_BYTES_MAX]; /* big-endian, no leading zeros */
};

struct pgp_key {
	uint32_t created;
	size_t n_len, e_len;
	uint8_t n[PGP_RSA_BYTES_MAX], e[4]; /* big-endian, no leading zeros */
};

/*
 * pgp_digest - what the RSA operation signs: the SHA-256 of the data (h after all of it; h is
 * consumed), the header for a creation time, and the trailer.
 */
void pgp_digest(struct sha256 *h, uint32_t created, uint8_t ret_digest[static SHA256_SIZE]);

/*
 * pgp_sig_write - the signature packet; rsa is big-endian, leading zeros are dropped.
 * Returns its length. Errors: -EINVAL rsa_len is 0 or above PGP_RSA_BYTES_MAX.
 */
int pgp_sig_write(uint32_t created, const uint8_t keyid[static PGP_KEYID_BYTES],
		  const uint8_t digest[static SHA256_SIZE], const uint8_t *rsa, size_t rsa_len,
		  uint8_t ret_buf[static PGP_SIG_MAX], size_t *ret_len);

/*
 * pgp_sig_parse - exactly one signature packet of the form above.
 * Errors: -EINVAL anything else.
 */
int pgp_sig_parse(const uint8_t *buf, size_t len, struct pgp_sig *ret);

/*
 * pgp_key_write - the binary public key packet that `grub-mkimage --pubkey` takes. The key's
 * identity is the SHA-1 of *ret_body_offset's bytes after 0x99 and their 16-bit length (RFC 4880,
 * 12.2); its last 8 bytes are the key ID. Errors: -EINVAL lengths.
 */
int pgp_key_write(uint32_t created, const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
		  uint8_t ret_buf[static PGP_KEY_MAX], size_t *ret_len, size_t *ret_body_offset);

/* pgp_key_parse - exactly one public key packet, RSA, version 4. Errors: -EINVAL. */
int pgp_key_parse(const uint8_t *buf, size_t len, struct pgp_key *ret);

#endif
