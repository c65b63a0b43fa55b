// SPDX-License-Identifier: Apache-2.0
/* DATA without its TPM: the volume key out of the key header's recovery slot. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "blockio.h"
#include "blockrange.h"
#include "cmd.h"
#include "gpt.h"
#include "hex.h"
#include "io.h"
#include "keyhead.h"
#include "recovery.h"
#include "sign.h"

enum { DATA_NUMBER = 7 }; /* conf/disk.conf */

/* The partition itself, or partition 7 of a disk; *ret_at: its first byte. */
static int find(const struct blockio *disk, struct blockrange *range, struct keyhead *ret,
		uint64_t *ret_at, struct err *err)
{
	struct gpt_part part;
	static struct gpt gpt;

	*ret_at = 0;
	if (keyhead_read(disk, ret, NULL, err) == 0)
		return 0;
	if (gpt_read(disk, &gpt, NULL) || gpt_get(&gpt, DATA_NUMBER, &part))
		return err_set(err, CMD_REFUSED,
			       "neither an encrypted DATA partition nor a disk with one");
	*ret_at = part.first_lba * GPT_SECTOR_BYTES;
	blockrange_init(range, disk, *ret_at,
			(part.last_lba - part.first_lba + 1) * GPT_SECTOR_BYTES);
	return keyhead_read(&range->io, ret, NULL, err) ? CMD_REFUSED : 0;
}

static int save(const char *path, const uint8_t *key, size_t len, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : io_write(fd, key, len);

	return rc ? err_sys(err, rc, "write %s", path) : 0;
}

static int open_slot(const char *path, const struct keyhead *h, const char *out, struct err *err)
{
	struct sign_key secret;
	uint8_t key[KEYHEAD_KEY_MAX];
	int rc = sign_key_load(path, 1, &secret, err);

	if (rc)
		return rc;
	if (secret.token)
		return err_set(err, CMD_REFUSED, "%s: the recovery key must be a file", path);
	rc = recovery_open(secret.secret, h, key, err);
	OPENSSL_cleanse(&secret, sizeof(secret));
	if (rc)
		return CMD_REFUSED;
	rc = save(out, key, h->key_bytes, err);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

int keys_recovery(const char *disk, const char *key, const char *out, struct err *err)
{
	static struct keyhead h;
	int fd _cleanup_close_ = open(disk, O_RDONLY | O_CLOEXEC);
	char id[2 * KEYHEAD_ID_BYTES + 1];
	struct blockrange range;
	struct blockio io;
	uint64_t at;
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", disk);
	rc = blockio_open_fd(&fd, &io, err);
	if (!rc)
		rc = find(&io, &range, &h, &at, err);
	if (!rc)
		rc = open_slot(key, &h, out, err);
	if (rc) {
		err_prefix(err, "%s", disk);
		return rc;
	}
	hex_encode(h.id, sizeof(h.id), id);
	(void)printf("volume=%s\ncipher=%s\n", id,
		     h.cipher == KEYHEAD_XTS ? "aes-xts-plain64" : "aes-xts-plain64 hmac(sha256)");
	if (h.cipher == KEYHEAD_XTS)
		(void)printf("cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 "
			     "--key-file %s --offset %llu %s cairn-data\n",
			     out, (unsigned long long)((at + KEYHEAD_VOLUME_AT) / 512), disk);
	return 0;
}
