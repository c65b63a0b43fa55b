// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DMCRYPT_H
#define CAIRN_DMCRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dm.h"

/*
 * The parameters of the device-mapper targets under DATA (Linux 6.12,
 * Documentation/admin-guide/device-mapper/dm-crypt.rst and dm-integrity.rst). Sectors of 4096
 * bytes: as the file system's blocks, an eighth of the ciphers' starts. XTS encrypts each 16 bytes
 * for themselves, so a write of which a power cut lets through a part is torn as it would be
 * without. No discards: they would tell who looks at the disk which blocks hold something.
 *
 * aes-xts-plain64: the IV is the sector's number counted from the volume's begin, so a volume grows
 * without being written anew.
 *
 * Authenticated: authenc(hmac(sha256),xts(aes)), the tags kept by dm-integrity, which journals them
 * with the data. What was never written cannot be read (EILSEQ).
 */
#define DMCRYPT_SECTOR_BYTES 4096u
#define DMCRYPT_KEY_BYTES 64u	   /* AES-256-XTS */
#define DMCRYPT_KEY_HMAC_BYTES 96u /* and HMAC-SHA-256, behind it */
#define DMCRYPT_TAG_BYTES 32u

struct dmcrypt {
	const char *device; /* node of what is below */
	uint64_t start_bytes;
	uint64_t size_bytes; /* of the volume; DMCRYPT_SECTOR_BYTES divides both */
	bool authenticated;
	const uint8_t *key; /* DMCRYPT_KEY_BYTES, authenticated DMCRYPT_KEY_HMAC_BYTES */
};

/*
 * dmcrypt_params - of dm-crypt. The caller wipes them: the key is in them.
 * Errors: -EINVAL sizes that are no whole sectors, -ENAMETOOLONG.
 */
int dmcrypt_params(const struct dmcrypt *c, char ret_params[static DM_PARAMS_MAX]);

/*
 * dmcrypt_tags_params - of dm-integrity below an authenticated volume: device from start_bytes on,
 * its super block first. It makes that where it finds DMCRYPT_TAGS_HEAD_BYTES of zeros.
 */
#define DMCRYPT_TAGS_HEAD_BYTES 4096u
int dmcrypt_tags_params(const char *device, uint64_t start_bytes,
			char ret_params[static DM_PARAMS_MAX]);

/*
 * dmcrypt_tags_sectors - how many sectors of 512 bytes dm-integrity can offer on its device, from
 * its status line (dm_ask): whole DMCRYPT_SECTOR_BYTES. Errors: -EBADMSG.
 */
int dmcrypt_tags_sectors(const char *status, uint64_t *ret_sectors);

#endif
