// SPDX-License-Identifier: Apache-2.0
/*
 * The DATA partition of a disk that was taken out of its machine: what its key header says, and,
 * with the owner's recovery key, what is in it.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "blockrange.h"
#include "bytes.h"
#include "datahead.h"
#include "dmcrypt.h"
#include "gpt.h"
#include "hex.h"
#include "io.h"
#include "keyhead.h"
#include "recovery.h"
#include "sign.h"

#define DATA_PARTITION 7

struct place {
	int fd;
	struct blockio file;
	struct blockrange part;
	enum datahead head;
	struct keyhead keys;
};

static int place_open(struct place *p, const char *path, struct err *err)
{
	static uint8_t head[DATAHEAD_BYTES];
	static struct gpt gpt;
	struct gpt_part part;
	int rc;

	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0)
		return err_sys(err, -errno, "%s", path);
	rc = blockio_open_fd(&p->fd, &p->file, err);
	if (!rc)
		rc = gpt_read(&p->file, &gpt, err);
	if (rc) {
		err_prefix(err, "%s", path);
		return rc;
	}
	if (gpt_get(&gpt, DATA_PARTITION, &part)) {
		(void)err_set(err, 0, "%s has no partition %d", path, DATA_PARTITION);
		return CMD_REFUSED;
	}
	blockrange_init(&p->part, &p->file, part.first_lba * GPT_SECTOR_BYTES,
			(part.last_lba - part.first_lba + 1) * GPT_SECTOR_BYTES);
	rc = p->part.io.read(p->part.io.ctx, head, sizeof(head), 0);
	if (rc)
		return err_sys(err, rc, "%s: cannot read DATA", path);
	p->head = datahead_judge(head);
	rc = keyhead_read(&p->part.io, &p->keys, NULL, err);
	if (rc == -ENOENT) {
		(void)err_set(err, 0, "%s: DATA has no key header: %s", path,
			      datahead_name(p->head));
		return CMD_REFUSED;
	}
	return rc;
}

static int show(const char *path, struct err *err)
{
	struct place p = { .fd = -1 };
	char id[2 * KEYHEAD_ID_BYTES + 1];
	uint32_t i;
	int rc = place_open(&p, path, err);

	if (!rc) {
		hex_encode(p.keys.id, sizeof(p.keys.id), id);
		(void)printf("head=%s\nvolume=%s\ncipher=%s\nsequence=%llu\nfloor=%llu\n"
			     "good=%llu\nrecovery=%s\nsealed=%u\n",
			     datahead_name(p.head), id,
			     p.keys.cipher == KEYHEAD_XTS ? "aes-xts" : "aes-xts-hmac-sha256",
			     (unsigned long long)p.keys.sequence, (unsigned long long)p.keys.floor,
			     (unsigned long long)p.keys.good_release,
			     p.keys.recovery_len ? "yes" : "no", p.keys.blobs);
		for (i = 0; i < p.keys.blobs; i++)
			(void)printf("sealed%u=release %llu, loader %u, counter %llu, PCRs %06x\n",
				     i + 1, (unsigned long long)p.keys.blob[i].release,
				     p.keys.blob[i].generation,
				     (unsigned long long)p.keys.blob[i].counter,
				     p.keys.blob[i].pcr_mask);
	}
	io_close_p(&p.fd);
	return rc;
}

static int all_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && !memcmp(p, p + 1, len - 1);
}

/* One sector of the volume, in place. IEEE 1619: the tweak is the sector's number. */
static int decrypt(EVP_CIPHER_CTX *c, const uint8_t *key, uint64_t number, uint8_t *sector)
{
	uint8_t iv[16] = { 0 };
	int n;

	le64_store(iv, number);
	if (EVP_DecryptInit_ex(c, EVP_aes_256_xts(), NULL, key, iv) != 1 ||
	    EVP_DecryptUpdate(c, sector, &n, sector, DMCRYPT_SECTOR_BYTES) != 1 ||
	    n != (int)DMCRYPT_SECTOR_BYTES)
		return -EIO;
	return 0;
}

/* What was never written stays a hole. */
static int copy(const struct place *p, const uint8_t *key, int out)
{
	uint8_t sector[DMCRYPT_SECTOR_BYTES];
	uint64_t n, count = (p->part.io.size_bytes - DATAHEAD_VOLUME_AT) / sizeof(sector);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int rc = c ? 0 : -ENOMEM;

	if (!rc && ftruncate(out, (off_t)(count * sizeof(sector))))
		rc = -errno;
	for (n = 0; n < count && !rc; n++) {
		rc = p->part.io.read(p->part.io.ctx, sector, sizeof(sector),
				     DATAHEAD_VOLUME_AT + n * sizeof(sector));
		if (rc || all_zero(sector, sizeof(sector)))
			continue;
		rc = decrypt(c, key, n, sector);
		rc = rc ? rc : io_pwrite(out, sector, sizeof(sector), n * sizeof(sector));
	}
	EVP_CIPHER_CTX_free(c);
	return rc;
}

static int recover(const char *path, const char *key_file, const char *out_file, struct err *err)
{
	struct place p = { .fd = -1 };
	uint8_t key[KEYHEAD_KEY_MAX];
	struct sign_key owner;
	int out _cleanup_close_ = -1;
	int rc = sign_key_load(key_file, 1, &owner, err);

	if (!rc)
		rc = place_open(&p, path, err);
	if (!rc && p.keys.cipher != KEYHEAD_XTS) {
		(void)err_set(err, 0, "%s: an authenticated DATA is read through the kernel only",
			      path);
		rc = CMD_REFUSED;
	}
	if (!rc && owner.token) {
		(void)err_set(err, 0, "%s: a recovery key in a token cannot be used", key_file);
		rc = CMD_REFUSED;
	}
	if (!rc && recovery_open(owner.secret, &p.keys, key, err)) {
		err_prefix(err, "%s", path);
		rc = CMD_REFUSED;
	}
	if (!rc) {
		out = open(out_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		rc = out < 0 ? -errno : copy(&p, key, out);
		if (rc)
			(void)err_sys(err, rc, "%s", out_file);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(&owner, sizeof(owner));
	io_close_p(&p.fd);
	return rc;
}

int cmd_data(int argc, char **argv, struct err *err)
{
	static const struct option options[] = { { "recovery", required_argument, NULL, 'r' },
						 { NULL, 0, NULL, 0 } };
	const char *key = NULL, *what;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'r')
			return cmd_usage(err, "unknown option");
		key = optarg;
	}
	argc -= optind;
	argv += optind;
	what = argc ? argv[0] : "";
	if (strcmp(what, "show") == 0 && argc == 2 && !key)
		return show(argv[1], err);
	if (strcmp(what, "recover") == 0 && argc == 3 && key)
		return recover(argv[1], key, argv[2], err);
	return cmd_usage(err, "show DISK, or recover DISK OUT --recovery KEY");
}
