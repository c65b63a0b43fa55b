// SPDX-License-Identifier: Apache-2.0
#include "dmcrypt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"

/* Its journal is held in memory too: 4 MiB of each, where the kernel would take up to 64. */
#define TAGS_JOURNAL_SECTORS 8192u

static int fits(int written)
{
	return written < 0 || written >= DM_PARAMS_MAX ? -ENAMETOOLONG : 0;
}

int dmcrypt_params(const struct dmcrypt *c, char ret_params[static DM_PARAMS_MAX])
{
	char key[2 * DMCRYPT_KEY_HMAC_BYTES + 1];
	unsigned long long start = c->start_bytes / 512;
	int rc;

	if (c->start_bytes % DMCRYPT_SECTOR_BYTES || c->size_bytes % DMCRYPT_SECTOR_BYTES ||
	    !c->size_bytes)
		return -EINVAL;
	hex_encode(c->key, c->authenticated ? DMCRYPT_KEY_HMAC_BYTES : DMCRYPT_KEY_BYTES, key);
	if (c->authenticated)
		rc = fits(snprintf(ret_params, DM_PARAMS_MAX,
				   "capi:authenc(hmac(sha256),xts(aes))-plain64 %s 0 %s %llu "
				   "3 sector_size:%u iv_large_sectors integrity:%u:aead",
				   key, c->device, start, DMCRYPT_SECTOR_BYTES, DMCRYPT_TAG_BYTES));
	else
		rc = fits(snprintf(ret_params, DM_PARAMS_MAX,
				   "aes-xts-plain64 %s 0 %s %llu 2 sector_size:%u iv_large_sectors",
				   key, c->device, start, DMCRYPT_SECTOR_BYTES));
	explicit_bzero(key, sizeof(key));
	return rc;
}

int dmcrypt_tags_params(const char *device, uint64_t start_bytes,
			char ret_params[static DM_PARAMS_MAX])
{
	if (start_bytes % DMCRYPT_SECTOR_BYTES)
		return -EINVAL;
	return fits(snprintf(ret_params, DM_PARAMS_MAX,
			     "%s %llu %u J 2 block_size:%u journal_sectors:%u", device,
			     (unsigned long long)(start_bytes / 512), DMCRYPT_TAG_BYTES,
			     DMCRYPT_SECTOR_BYTES, TAGS_JOURNAL_SECTORS));
}

int dmcrypt_tags_sectors(const char *status, uint64_t *ret_sectors)
{
	/* mismatches, sectors, what is being computed again */
	unsigned long long mismatches, sectors;

	if (sscanf(status, "%llu %llu ", &mismatches, &sectors) != 2 ||
	    sectors < DMCRYPT_SECTOR_BYTES / 512)
		return -EBADMSG;
	*ret_sectors = sectors - sectors % (DMCRYPT_SECTOR_BYTES / 512);
	return 0;
}
