// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hex.h"
#include "io.h"
#include "verity.h"

struct job {
	const char *path;
	int fd;
	bool append, check;
	uint64_t blocks;
	uint64_t mismatch; /* first tree block that differs, counted from the tree; or none */
};

#define NO_MISMATCH UINT64_MAX

static int emit(void *ctx, uint64_t tree_block, const uint8_t block[static VERITY_BLOCK_BYTES])
{
	struct job *job = ctx;
	uint64_t offset = (job->blocks + tree_block) * VERITY_BLOCK_BYTES;
	uint8_t there[VERITY_BLOCK_BYTES];
	int rc;

	if (job->append)
		return io_pwrite(job->fd, block, VERITY_BLOCK_BYTES, offset);
	if (!job->check)
		return 0;
	rc = io_pread(job->fd, there, sizeof(there), offset);
	if (!rc && memcmp(there, block, sizeof(there)) != 0 && tree_block < job->mismatch)
		job->mismatch = tree_block;
	return rc;
}

/* Feeds the data; the last block of a file that is no multiple of 4096 ends in zeros. */
static int feed(struct job *job, struct verity *v, uint64_t size, struct err *err)
{
	enum { CHUNK = 256 * VERITY_BLOCK_BYTES };
	uint8_t *buf _cleanup_free_ = malloc(CHUNK);
	uint64_t at;

	if (!buf)
		return err_set(err, -ENOMEM, "%s: no memory", job->path);
	for (at = 0; at < size; at += CHUNK) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		size_t padded =
			(n + VERITY_BLOCK_BYTES - 1) / VERITY_BLOCK_BYTES * VERITY_BLOCK_BYTES;
		int rc = io_pread(job->fd, buf, n, at);

		if (rc)
			return err_sys(err, rc, "read %s at byte %llu", job->path,
				       (unsigned long long)at);
		memset(buf + n, 0, padded - n);
		rc = verity_feed(v, buf, padded);
		if (rc)
			return err_sys(err, rc, "tree of %s", job->path);
	}
	return 0;
}

static int run(struct job *job, uint64_t size, const uint8_t *salt, size_t salt_size,
	       const uint8_t *wanted_root, struct err *err)
{
	struct verity *v _cleanup_free_ = malloc(sizeof(*v));
	uint8_t root[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	int rc;

	if (!v)
		return err_set(err, -ENOMEM, "%s: no memory", job->path);
	if (verity_init(v, job->blocks, salt, salt_size, emit, job))
		return err_set(err, CMD_REFUSED,
			       "%s has %llu blocks of 4096 bytes; a tree needs 2 or more",
			       job->path, (unsigned long long)job->blocks);
	rc = feed(job, v, size, err);
	if (rc)
		return rc;
	rc = verity_finish(v, root);
	if (!rc && job->append &&
	    ftruncate(job->fd, (off_t)((job->blocks + verity_tree_blocks(job->blocks)) *
				       VERITY_BLOCK_BYTES)))
		rc = -errno;
	if (!rc && job->append && fsync(job->fd))
		rc = -errno;
	if (rc)
		return err_sys(err, rc, "%s tree of %s", job->append ? "append the" : "read the",
			       job->path);
	hex_encode(root, sizeof(root), text);
	(void)printf("roothash=%s\nblocks=%llu\ntree_blocks=%llu\n", text,
		     (unsigned long long)job->blocks,
		     (unsigned long long)verity_tree_blocks(job->blocks));
	if (job->mismatch != NO_MISMATCH)
		return err_set(err, CMD_REFUSED,
			       "%s: block %llu of the tree is not what the data "
			       "give",
			       job->path, (unsigned long long)job->mismatch);
	if (wanted_root && memcmp(wanted_root, root, sizeof(root)) != 0)
		return err_set(err, CMD_REFUSED, "%s: the root hash is another one", job->path);
	return CMD_OK;
}

int cmd_verity(int argc, char **argv, struct err *err)
{
	enum { SALT = 1, APPEND, CHECK, BLOCKS, ROOTHASH };
	static const struct option options[] = {
		{ "salt", required_argument, NULL, SALT },
		{ "append", no_argument, NULL, APPEND },
		{ "check", no_argument, NULL, CHECK },
		{ "blocks", required_argument, NULL, BLOCKS },
		{ "roothash", required_argument, NULL, ROOTHASH },
		{ NULL, 0, NULL, 0 },
	};
	struct job job = { .mismatch = NO_MISMATCH };
	uint8_t salt[VERITY_SALT_MAX], root[SHA256_SIZE];
	size_t salt_size = 0;
	bool has_salt = false, has_root = false;
	int fd _cleanup_close_ = -1;
	uint64_t size;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case SALT:
			salt_size = strlen(optarg) / 2;
			if (salt_size > sizeof(salt) || hex_decode(optarg, salt, salt_size))
				return cmd_usage(err, "--salt %s: at most %d bytes in hex", optarg,
						 VERITY_SALT_MAX);
			has_salt = true;
			break;
		case APPEND:
			job.append = true;
			break;
		case CHECK:
			job.check = true;
			break;
		case BLOCKS:
			if (cmd_number(optarg, VERITY_DATA_BLOCKS_MAX, &job.blocks))
				return cmd_usage(err, "--blocks %s: not a number", optarg);
			break;
		case ROOTHASH:
			if (hex_decode(optarg, root, sizeof(root)))
				return cmd_usage(err, "--roothash %s: 64 hex digits", optarg);
			has_root = true;
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (argc - optind != 1 || !has_salt || (job.append && job.check) ||
	    job.check != (job.blocks != 0) || (has_root && !job.check))
		return cmd_usage(err, "one FILE, --salt, and --append or --check --blocks");
	job.path = argv[optind];
	fd = open(job.path, (job.append ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "open %s", job.path);
	job.fd = fd;
	if (job.check) {
		size = job.blocks * VERITY_BLOCK_BYTES;
	} else {
		int rc = cmd_file_size(job.path, &size, err);

		if (rc)
			return rc;
		job.blocks = (size + VERITY_BLOCK_BYTES - 1) / VERITY_BLOCK_BYTES;
	}
	return run(&job, size, salt, salt_size, has_root ? root : NULL, err);
}
