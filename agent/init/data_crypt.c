// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/trust/proto.h"
#include "lib/datahead.h"
#include "lib/dm.h"
#include "lib/dmcrypt.h"
#include "lib/io.h"

#define VOLUME "cairn-data"
#define TAGS "cairn-data-tags"
#define SECTOR 512
#define REMOVE_TRIES 50
#define GROUP_BYTES (32768ull * 4096)
#define HEAD_BYTES (8u << 20) /* more than 1024 blocks of group descriptors */
#define ENDS_BYTES 65536u

/* The device may still be held for a moment by who looked at it last. */
static int remove_device(const char *name)
{
	int tries, rc = 0;

	for (tries = 0; tries < REMOVE_TRIES; tries++) {
		rc = dm_remove(name);
		if (rc != -EBUSY)
			break;
		(void)poll(NULL, 0, 20);
	}
	return rc == -ENXIO || rc == -ENOENT ? 0 : rc;
}

void data_crypt_close(void)
{
	int rc = remove_device(VOLUME);

	if (!rc)
		rc = remove_device(TAGS);
	if (rc)
		(void)fprintf(stderr, "cannot close the encrypted volume: %s\n", strerror(-rc));
}

bool data_crypt_found(void)
{
	char node[DM_NODE_MAX];

	return dm_node(VOLUME, node) == 0;
}

/* zero - so many bytes of a device, in blocks that are not read before. */
static int zero(int fd, uint64_t at_bytes, uint64_t len)
{
	static const _Alignas(4096) uint8_t zeros[65536];
	uint64_t done, step;
	int rc = 0;

	for (done = 0; done < len && !rc; done += step) {
		step = len - done < sizeof(zeros) ? len - done : sizeof(zeros);
		rc = io_pwrite(fd, zeros, step, at_bytes + done);
	}
	return rc;
}

/* forget_tags - dm-integrity makes a super block where it finds zeros. */
static int forget_tags(const char *part)
{
	int fd _cleanup_close_ = open(part, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : zero(fd, DATAHEAD_VOLUME_AT, DMCRYPT_TAGS_HEAD_BYTES);

	return rc ? rc : fsync(fd) ? -errno : 0;
}

/*
 * make_readable - with tags, what was never written cannot be read. mke2fs looks at both ends
 * before it writes, and changes a part of the first block of each group of 32768 blocks; a file
 * system that grows reads the blocks that were reserved for that behind its super block.
 */
static int make_readable(const char *node, uint64_t size_bytes)
{
	int fd _cleanup_close_ = open(node, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : zero(fd, 0, size_bytes < HEAD_BYTES ? size_bytes : HEAD_BYTES);
	uint64_t at;

	rc = rc ? rc : zero(fd, size_bytes - ENDS_BYTES, ENDS_BYTES);
	for (at = GROUP_BYTES; at < size_bytes && !rc; at += GROUP_BYTES)
		rc = zero(fd, at, DMCRYPT_SECTOR_BYTES);
	return rc ? rc : fsync(fd) ? -errno : 0;
}

/* tags_size - what dm-integrity says that it can offer. */
static int tags_size(const char *node, uint64_t *ret_sectors)
{
	int control _cleanup_close_ = open(DM_CONTROL, O_RDWR | O_CLOEXEC);
	char status[128];
	struct stat st;
	int rc;

	if (control < 0 || stat(node, &st))
		return -errno;
	rc = dm_ask(control, st.st_rdev, DM_ASK_STATUS, "integrity", status, sizeof(status));
	return rc ? rc : dmcrypt_tags_sectors(status, ret_sectors);
}

/*
 * open_tags - dm-integrity below the volume. How much it offers it says only when it runs, and that
 * grows with the partition: first with one sector, then with all.
 */
static int open_tags(const struct data_disk *d, bool fresh, char ret_node[static DM_NODE_MAX],
		     uint64_t *ret_bytes, struct err *err)
{
	char params[DM_PARAMS_MAX];
	struct dm_table table = { .target = "integrity",
				  .sectors = DMCRYPT_SECTOR_BYTES / SECTOR,
				  .params = params };
	int rc = dmcrypt_tags_params(d->part, DATAHEAD_VOLUME_AT, params);

	if (!rc && fresh)
		rc = forget_tags(d->part);
	if (rc)
		return err_sys(err, rc, "cannot prepare %s", d->part);
	rc = dm_create(TAGS, &table, ret_node, err);
	if (rc)
		return rc;
	rc = tags_size(ret_node, &table.sectors);
	if (!rc)
		rc = remove_device(TAGS);
	if (rc)
		return err_sys(err, rc, "cannot tell the size of the tagged volume");
	*ret_bytes = table.sectors * SECTOR;
	return dm_create(TAGS, &table, ret_node, err);
}

static int open_volume(struct dmcrypt *c, char ret_node[static DM_NODE_MAX], struct err *err)
{
	char params[DM_PARAMS_MAX];
	const struct dm_table table = { .target = "crypt",
					.sectors = c->size_bytes / SECTOR,
					.params = params,
					.secret = true };
	int rc = dmcrypt_params(c, params);

	rc = rc ? err_sys(err, rc, "no table for %s", c->device)
		: dm_create(VOLUME, &table, ret_node, err);
	explicit_bzero(params, sizeof(params));
	return rc;
}

int data_crypt_open(const struct data_disk *d, const struct trustd_key *key, bool fresh,
		    struct data_volume *ret, struct err *err)
{
	char node[DM_NODE_MAX], tags[DM_NODE_MAX];
	struct dmcrypt c = { .device = d->part,
			     .start_bytes = DATAHEAD_VOLUME_AT,
			     .size_bytes = d->size_bytes - DATAHEAD_VOLUME_AT,
			     .authenticated = key->cipher == KEYHEAD_XTS_HMAC,
			     .key = key->key };
	int rc;

	if (d->size_bytes < 2ull * DATAHEAD_VOLUME_AT)
		return err_set(err, -ENOSPC, "%s is too small to be encrypted", d->part);
	if (!keyhead_key_bytes(key->cipher) || key->key_bytes != keyhead_key_bytes(key->cipher))
		return err_set(err, -EINVAL, "the key of %s is for another cipher", d->part);
	/* What a start of this program left that was ended half way. */
	data_crypt_close();
	c.size_bytes -= c.size_bytes % DMCRYPT_SECTOR_BYTES;
	if (c.authenticated) {
		rc = open_tags(d, fresh, tags, &c.size_bytes, err);
		if (rc)
			return rc;
		c.device = tags;
		c.start_bytes = 0;
	}
	rc = open_volume(&c, node, err);
	if (!rc && fresh && c.authenticated) {
		rc = make_readable(node, c.size_bytes);
		if (rc)
			(void)err_sys(err, rc, "cannot write to the encrypted volume");
	}
	if (rc) {
		data_crypt_close();
		return rc;
	}
	(void)snprintf(ret->node, sizeof(ret->node), "%s", node);
	ret->size_bytes = c.size_bytes;
	ret->encrypted = true;
	ret->authenticated = c.authenticated;
	return 0;
}
