// SPDX-License-Identifier: Apache-2.0
#include "installwrite.h"

#include <errno.h>
#include <string.h>

#include "bootstate.h"
#include "verity.h"
#include "blockrange.h"

enum {
	PART_ESP = 1,
	PART_STATE = 2,
	PART_BOOT_A = 3,
	PART_ROOT_A = 4,
	PART_BOOT_B = 5,
	PART_ROOT_B = 6,
	PART_DATA = 7,
	PART_ESP_2 = 8,
};

/* Boot sector and FATs of the ESP lie in its first MiB: without it firmware sees no file. */
#define ESP_HEAD_BYTES (1u << 20)
/* The boot sector: one sector is written as a whole or not at all. */
#define ESP_FIRST_BYTES GPT_SECTOR_BYTES
/* More than any file system's or LUKS's first superblock. */
#define DATA_HEAD_BYTES (16u << 20)

static int part_range(struct blockrange *r, const struct blockio *disk, const struct gpt *table,
		      unsigned int number, struct err *err)
{
	struct gpt_part part;

	if (gpt_get(table, number, &part)) {
		(void)err_set(err, 0, "there is no partition %u", number);
		return -EINVAL;
	}
	if ((part.last_lba + 1) * GPT_SECTOR_BYTES > disk->size_bytes) {
		(void)err_set(err, 0, "partition %u lies outside the disk", number);
		return -EINVAL;
	}
	blockrange_init(r, disk, part.first_lba * GPT_SECTOR_BYTES,
			(part.last_lba - part.first_lba + 1) * GPT_SECTOR_BYTES);
	return 0;
}

static void tell(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	struct install_job *job = ctx;

	(void)phase;
	job->progress(job, phase, done, total);
}

/* Bytes [from, from + size) of the source's partition to the same place of the target's. */
static int copy_part(struct install_job *job, unsigned int from_part, unsigned int to_part,
		     uint64_t from, uint64_t size, uint8_t *buf, struct err *err)
{
	struct blockrange src, dst, src_cut, dst_cut;
	int rc = part_range(&src, job->source, job->source_table, from_part, err);

	if (!rc)
		rc = part_range(&dst, job->target, job->table, to_part, err);
	if (rc)
		return rc;
	if (!size)
		size = src.io.size_bytes - from;
	if (from + size > src.io.size_bytes || from + size > dst.io.size_bytes)
		return err_set(err, -ENOSPC, "partition %u is too small", to_part);
	blockrange_init(&src_cut, &src.io, from, size);
	blockrange_init(&dst_cut, &dst.io, from, size);
	return blockio_copy(&src_cut.io, &dst_cut.io, buf, tell, job, err);
}

/* At most max bytes from the partition's start. */
static int zero_part(struct install_job *job, unsigned int number, uint64_t max, uint8_t *buf,
		     struct err *err)
{
	struct blockrange part;
	uint64_t at;
	int rc = part_range(&part, job->target, job->table, number, err);

	if (rc)
		return rc;
	memset(buf, 0, BLOCKIO_CHUNK_BYTES);
	for (at = 0; !rc && at < max && at < part.io.size_bytes; at += BLOCKIO_CHUNK_BYTES) {
		uint64_t left = part.io.size_bytes - at;

		rc = part.io.write(part.io.ctx, buf,
				   left < BLOCKIO_CHUNK_BYTES ? (size_t)left : BLOCKIO_CHUNK_BYTES,
				   at);
	}
	if (!rc)
		rc = part.io.flush(part.io.ctx);
	return rc ? err_sys(err, rc, "cannot clear partition %u", number) : 0;
}

/* What is there must not start any more, whatever it is. */
static int disable_old(struct install_job *job, uint8_t *buf, struct err *err)
{
	const struct blockio *t = job->target;
	uint64_t last = (t->size_bytes - BLOCKIO_CHUNK_BYTES) / GPT_SECTOR_BYTES * GPT_SECTOR_BYTES;
	int rc = 0;

	memset(buf, 0, BLOCKIO_CHUNK_BYTES);
	if (!job->keep_data) {
		/* Both copies of a GPT, an MBR, most file systems' superblocks. */
		rc = t->write(t->ctx, buf, BLOCKIO_CHUNK_BYTES, 0);
		if (!rc)
			rc = t->write(t->ctx, buf, BLOCKIO_CHUNK_BYTES, last);
		if (!rc)
			rc = t->flush(t->ctx);
		if (rc)
			return err_sys(err, rc, "cannot clear the old table");
	}
	rc = zero_part(job, PART_ESP, ESP_HEAD_BYTES, buf, err);
	return rc ? rc : zero_part(job, PART_ESP_2, ESP_HEAD_BYTES, buf, err);
}

/* A boot state as of a new disk: both slots hold the same. */
static int write_state(struct install_job *job, uint8_t *buf, struct err *err)
{
	struct bootstate fresh = bootstate_factory(BOOTSTATE_A);
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	struct blockrange part;
	int rc = zero_part(job, PART_STATE, BOOTSTATE_PART_BYTES, buf, err);

	if (!rc)
		rc = part_range(&part, job->target, job->table, PART_STATE, err);
	if (rc)
		return rc;
	bootstate_mkfs(&fresh, head);
	rc = part.io.write(part.io.ctx, head, sizeof(head), 0);
	if (!rc)
		rc = part.io.flush(part.io.ctx);
	if (!rc)
		rc = part.io.drop_cache(part.io.ctx);
	if (!rc)
		rc = part.io.read(part.io.ctx, buf, sizeof(head), 0);
	if (!rc && memcmp(head, buf, sizeof(head)) != 0)
		rc = -EILSEQ;
	return rc ? err_sys(err, rc, "cannot write the boot state") : 0;
}

/* Compares each block of the tree with the one on the disk. */
struct tree_check {
	const struct blockio *io;
	uint64_t start_bytes;
};

static int compare_block(void *ctx, uint64_t tree_block,
			 const uint8_t block[static VERITY_BLOCK_BYTES])
{
	const struct tree_check *c = ctx;
	uint8_t there[VERITY_BLOCK_BYTES];
	int rc = c->io->read(c->io->ctx, there, sizeof(there),
			     c->start_bytes + tree_block * VERITY_BLOCK_BYTES);

	return rc ? rc : memcmp(there, block, sizeof(there)) != 0 ? -EBADMSG : 0;
}

/* The copy equals the source; this says that the source was the signed root in every block. */
static int check_root(struct install_job *job, unsigned int number, uint8_t *buf, struct err *err)
{
	static struct verity v;
	struct blockrange part;
	struct tree_check check;
	uint8_t root[SHA256_SIZE];
	uint64_t at, total = job->data_blocks * VERITY_BLOCK_BYTES;
	size_t n;
	int rc = part_range(&part, job->target, job->table, number, err);

	if (rc)
		return rc;
	check = (struct tree_check){ &part.io, total };
	rc = verity_init(&v, job->data_blocks, job->salt, job->salt_size, compare_block, &check);
	for (at = 0; !rc && at < total; at += n) {
		n = total - at < BLOCKIO_CHUNK_BYTES ? (size_t)(total - at) : BLOCKIO_CHUNK_BYTES;
		rc = part.io.read(part.io.ctx, buf, n, at);
		if (!rc)
			rc = verity_feed(&v, buf, n);
		tell(job, "hash", at + n, total);
	}
	if (!rc)
		rc = verity_finish(&v, root);
	if (!rc && memcmp(root, job->root, sizeof(root)) != 0)
		rc = -EBADMSG;
	if (rc == -EBADMSG)
		return err_set(err, rc,
			       "the stick's root is damaged: it does not have its root hash");
	return rc ? err_sys(err, rc, "cannot check the root") : 0;
}

static int write_slot(struct install_job *job, unsigned int boot_part, uint8_t *buf,
		      struct err *err)
{
	uint64_t root_bytes =
		(job->data_blocks + verity_tree_blocks(job->data_blocks)) * VERITY_BLOCK_BYTES;
	int rc;

	job->step = boot_part == PART_BOOT_A ? "boot-a" : "boot-b";
	/* The stick's BOOT-A starts the installer; its BOOT-B is what gets installed. */
	rc = copy_part(job, PART_BOOT_B, boot_part, 0, 0, buf, err);
	if (rc)
		return rc;
	job->step = boot_part == PART_BOOT_A ? "root-a" : "root-b";
	rc = copy_part(job, job->root_part, boot_part + 1, 0, root_bytes, buf, err);
	return rc ? rc : check_root(job, boot_part + 1, buf, err);
}

/*
 * A stick built with the installer in both slots would make a machine that installs at every
 * start. slot.cfg begins at a cluster and is shorter than one, so no chunk parts it.
 */
static int check_boot(struct install_job *job, uint8_t *buf, struct err *err)
{
	static const char word[] = " cairn.install=";
	struct blockrange part;
	uint64_t at;
	size_t n;
	int rc = part_range(&part, job->source, job->source_table, PART_BOOT_B, err);

	if (rc)
		return rc;
	for (at = 0; at < part.io.size_bytes; at += n) {
		uint64_t left = part.io.size_bytes - at;

		n = left < BLOCKIO_CHUNK_BYTES ? (size_t)left : BLOCKIO_CHUNK_BYTES;
		rc = part.io.read(part.io.ctx, buf, n, at);
		if (rc)
			return err_sys(err, rc, "cannot read the stick's BOOT-B");
		if (memmem(buf, n, word, sizeof(word) - 1))
			return err_set(err, -EINVAL,
				       "the stick's BOOT-B starts the installer, not the system");
	}
	return 0;
}

/* The same part of both ESPs, from the stick's first; the one that firmware looks at first last. */
static int copy_esps(struct install_job *job, uint64_t from, uint64_t size, uint8_t *buf,
		     struct err *err)
{
	int rc = copy_part(job, PART_ESP, PART_ESP_2, from, size, buf, err);

	return rc ? rc : copy_part(job, PART_ESP, PART_ESP, from, size, buf, err);
}

int install_write(struct install_job *job, uint8_t *buf, struct err *err)
{
	int rc = check_boot(job, buf, err);

	if (rc)
		return rc;
	job->step = "esp";
	rc = disable_old(job, buf, err);
	if (!rc)
		rc = write_state(job, buf, err);
	if (!rc)
		rc = write_slot(job, PART_BOOT_A, buf, err);
	if (!rc)
		rc = write_slot(job, PART_BOOT_B, buf, err);
	job->step = "esp";
	if (!rc)
		rc = copy_esps(job, ESP_HEAD_BYTES, 0, buf, err);
	if (!rc && !job->keep_data)
		rc = zero_part(job, PART_DATA, DATA_HEAD_BYTES, buf, err);
	if (!rc)
		rc = gpt_write(job->target, job->table, true, err);
	if (!rc)
		rc = copy_esps(job, ESP_FIRST_BYTES, ESP_HEAD_BYTES - ESP_FIRST_BYTES, buf, err);
	return rc ? rc : copy_esps(job, 0, ESP_FIRST_BYTES, buf, err);
}
