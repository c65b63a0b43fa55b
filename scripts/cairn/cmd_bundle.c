// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "bundle_read.h"
#include "bundle_write.h"
#include "hex.h"
#include "io.h"
#include "pcrfiles.h"
#include "signedfile.h"
#include "verity.h"

#define KIND "cairn-bundle 1\n"

enum { LEVEL = 22, TRUSTS_MAX = 64 };

struct job {
	const char *file[BUNDLE_IMAGES];
	const char *key[SIGNEDFILE_KEYS_MAX];
	size_t keys;
	const char *loader[PCRRELEASE_LOADERS_MAX];
	size_t loaders;
	struct bundle b;
	uint8_t salt[VERITY_SALT_MAX], roothash[SHA256_SIZE];
	size_t salt_len;
	bool has_roothash;
	uint64_t blocks, frame, generation, stage1;
	enum bundle_encoding encoding;
	struct bundle_zstd zstd;
};

/* The root hash of what goes in, computed anew: a wrong one would be found on the device only. */
static int root_hash(const struct job *job, uint64_t blocks, struct bundle_image *m,
		     struct err *err)
{
	int fd _cleanup_close_ = open(job->file[BUNDLE_ROOT], O_RDONLY | O_CLOEXEC);
	uint8_t buf[16 * VERITY_BLOCK_BYTES];
	struct verity *v _cleanup_free_ = malloc(sizeof(*v));
	uint64_t at = 0, size = blocks * VERITY_BLOCK_BYTES;
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", job->file[BUNDLE_ROOT]);
	if (!v)
		return err_set(err, -ENOMEM, "no memory");
	rc = verity_init(v, blocks, job->salt, job->salt_len, NULL, NULL);
	while (!rc && at < size) {
		size_t n = size - at < sizeof(buf) ? (size_t)(size - at) : sizeof(buf);

		rc = io_pread(fd, buf, n, at);
		if (!rc)
			rc = verity_feed(v, buf, n);
		at += n;
	}
	if (!rc)
		rc = verity_finish(v, m->roothash);
	if (rc)
		return err_sys(err, rc, "root hash of %s", job->file[BUNDLE_ROOT]);
	if (job->has_roothash && memcmp(m->roothash, job->roothash, SHA256_SIZE) != 0)
		return err_set(err, CMD_REFUSED, "%s has another root hash",
			       job->file[BUNDLE_ROOT]);
	memcpy(m->salt, job->salt, job->salt_len);
	m->salt_len = job->salt_len;
	return 0;
}

static int make_part(const struct job *job, enum bundle_image_id id, struct bundle_part *p,
		     struct err *err)
{
	uint64_t size;
	int rc = cmd_file_size(job->file[id], &size, err);

	if (!rc)
		rc = bundle_part_init(p, err);
	if (rc)
		return rc;
	/* Code lies in the root; of the others the filter would make nothing smaller. */
	p->image.encoding =
		job->encoding == BUNDLE_X86_ZSTD && id != BUNDLE_ROOT ? BUNDLE_ZSTD : job->encoding;
	p->image.frame_bytes = (uint32_t)job->frame;
	if (id == BUNDLE_ROOT) {
		if (job->blocks && job->blocks * VERITY_BLOCK_BYTES > size)
			return err_set(err, CMD_REFUSED, "%s has fewer than %llu blocks",
				       job->file[id], (unsigned long long)job->blocks);
		if (job->blocks)
			size = job->blocks * VERITY_BLOCK_BYTES;
		rc = root_hash(job, size / VERITY_BLOCK_BYTES, &p->image, err);
	}
	if (id == BUNDLE_ESP)
		p->image.generation = (uint32_t)job->generation;
	if (size % BUNDLE_BLOCK_BYTES)
		return err_set(err, CMD_REFUSED, "%s: %llu bytes are no multiple of %u",
			       job->file[id], (unsigned long long)size, BUNDLE_BLOCK_BYTES);
	return rc ? rc : bundle_part_file(p, job->file[id], size, &job->zstd, err);
}

/* What the release measures, and the loaders that may start it: one in the bundle is one of them.
 */
static int predict(struct job *job, struct err *err)
{
	struct pcrfiles_boot files = { .config = { NULL, 0 } };
	int fd _cleanup_close_ = open(job->file[BUNDLE_BOOT], O_RDONLY | O_CLOEXEC);
	char own[PATH_MAX + 16];
	struct blockio io;
	size_t i;
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", job->file[BUNDLE_BOOT]);
	rc = blockio_open_fd(&fd, &io, err);
	if (!rc)
		rc = pcrfiles_boot(&io, &files, err);
	if (!rc && pcrmodel_release(&files.slot, &job->b.pcrs, err))
		rc = CMD_REFUSED;
	pcrfiles_boot_release(&files);
	if (rc)
		err_prefix(err, "%s", job->file[BUNDLE_BOOT]);
	if (!rc && job->file[BUNDLE_ESP]) {
		(void)snprintf(own, sizeof(own), "%" PRIu64 "=%s", job->generation,
			       job->file[BUNDLE_ESP]);
		rc = pcrfiles_add_loader(&job->b.pcrs, own, err);
	}
	for (i = 0; !rc && i < job->loaders; i++)
		rc = pcrfiles_add_loader(&job->b.pcrs, job->loader[i], err);
	if (!rc)
		pcrrelease_finish(&job->b.pcrs);
	return rc;
}

static int create(struct job *job, const char *out, struct err *err)
{
	struct bundle_part part[BUNDLE_IMAGES], *parts[BUNDLE_IMAGES] = { NULL };
	struct sign_key key[SIGNEDFILE_KEYS_MAX];
	size_t i;
	int rc = 0;

	/* Keys first: compressing takes minutes. */
	for (i = 0; !rc && i < job->keys; i++)
		rc = sign_key_load(job->key[i], 1, &key[i], err);
	if (!rc)
		rc = predict(job, err);
	memset(part, 0, sizeof(part));
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++) {
		if (!job->file[i])
			continue;
		parts[i] = &part[i];
		rc = make_part(job, (enum bundle_image_id)i, &part[i], err);
	}
	if (!rc)
		rc = bundle_write(out, &job->b, parts, key, job->keys, err);
	for (i = 0; i < BUNDLE_IMAGES; i++)
		if (parts[i])
			bundle_part_release(parts[i]);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

static int word(const char *text, char *ret, struct err *err)
{
	if (strlen(text) >= BUNDLE_WORD_SIZE)
		return cmd_usage(err, "%s is too long", text);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

enum {
	BOOT = 1,
	ROOT,
	ESP,
	COMPATIBLE,
	ARCHITECTURE,
	VERSION,
	RELEASE,
	FLOOR,
	STAGE1,
	GENERATION,
	SALT,
	BLOCKS,
	ROOTHASH,
	FRAME,
	ENCODING,
	LEVEL_OPTION,
	ZSTD,
	KEY,
	LOADER,
};

static const struct option create_options[] = {
	{ "boot", required_argument, NULL, BOOT },
	{ "root", required_argument, NULL, ROOT },
	{ "esp", required_argument, NULL, ESP },
	{ "compatible", required_argument, NULL, COMPATIBLE },
	{ "architecture", required_argument, NULL, ARCHITECTURE },
	{ "version", required_argument, NULL, VERSION },
	{ "release", required_argument, NULL, RELEASE },
	{ "floor", required_argument, NULL, FLOOR },
	{ "stage1", required_argument, NULL, STAGE1 },
	{ "generation", required_argument, NULL, GENERATION },
	{ "salt", required_argument, NULL, SALT },
	{ "blocks", required_argument, NULL, BLOCKS },
	{ "roothash", required_argument, NULL, ROOTHASH },
	{ "frame", required_argument, NULL, FRAME },
	{ "encoding", required_argument, NULL, ENCODING },
	{ "level", required_argument, NULL, LEVEL_OPTION },
	{ "zstd", required_argument, NULL, ZSTD },
	{ "key", required_argument, NULL, KEY },
	{ "loader", required_argument, NULL, LOADER },
	{ NULL, 0, NULL, 0 },
};

/* What is text or a file; the numbers are the next one's. */
static int take_text(struct job *job, int c, struct err *err)
{
	int i;

	switch (c) {
	case BOOT:
	case ROOT:
	case ESP:
		job->file[c - BOOT] = optarg;
		return 0;
	case COMPATIBLE:
		return word(optarg, job->b.compatible, err);
	case ARCHITECTURE:
		return word(optarg, job->b.architecture, err);
	case VERSION:
		return word(optarg, job->b.version, err);
	case SALT:
		job->salt_len = strlen(optarg) / 2;
		return job->salt_len > sizeof(job->salt) ||
				       hex_decode(optarg, job->salt, job->salt_len)
			       ? cmd_usage(err, "--salt %s: hex digits", optarg)
			       : 0;
	case ROOTHASH:
		job->has_roothash = true;
		return hex_decode(optarg, job->roothash, SHA256_SIZE)
			       ? cmd_usage(err, "--roothash %s: 64 hex digits", optarg)
			       : 0;
	case ENCODING:
		for (i = 0; i < BUNDLE_ENCODINGS; i++)
			if (i != BUNDLE_DELTA &&
			    strcmp(optarg, bundle_encoding_name((enum bundle_encoding)i)) == 0)
				break;
		job->encoding = (enum bundle_encoding)i;
		return i == BUNDLE_ENCODINGS ? cmd_usage(err, "--encoding raw, zstd or x86-zstd")
					     : 0;
	case ZSTD:
		job->zstd.program = optarg;
		return 0;
	case KEY:
		if (job->keys == SIGNEDFILE_KEYS_MAX)
			return cmd_usage(err, "too many keys");
		job->key[job->keys++] = optarg;
		return 0;
	case LOADER:
		if (job->loaders == PCRRELEASE_LOADERS_MAX)
			return cmd_usage(err, "too many loaders");
		job->loader[job->loaders++] = optarg;
		return 0;
	default:
		return CMD_USAGE;
	}
}

static int take_number(struct job *job, int c, struct err *err)
{
	uint64_t v, max = UINT64_MAX, *to;

	switch (c) {
	case RELEASE:
		to = &job->b.release;
		break;
	case FLOOR:
		to = &job->b.floor;
		break;
	case STAGE1:
		to = &job->stage1;
		max = UINT32_MAX;
		break;
	case GENERATION:
		to = &job->generation;
		max = UINT32_MAX;
		break;
	case BLOCKS:
		to = &job->blocks;
		max = BUNDLE_IMAGE_MAX / VERITY_BLOCK_BYTES;
		break;
	case FRAME:
		if (cmd_bytes(optarg, &job->frame) || job->frame > BUNDLE_FRAME_MAX ||
		    !job->frame || job->frame % BUNDLE_BLOCK_BYTES)
			return cmd_usage(err, "--frame %s: a multiple of 4K, at most 16M", optarg);
		return 0;
	case LEVEL_OPTION:
		if (cmd_number(optarg, 22, &v) || v < 1)
			return cmd_usage(err, "--level %s: 1 to 22", optarg);
		job->zstd.level = (int)v;
		return 0;
	default:
		return take_text(job, c, err);
	}
	return cmd_number(optarg, max, to) ? cmd_usage(err, "%s: no number for this", optarg) : 0;
}

static int run_create(int argc, char **argv, struct err *err)
{
	struct job job = { .frame = BUNDLE_FRAME_BYTES,
			   .encoding = BUNDLE_ENCODINGS, /* none said */
			   .zstd = { NULL, LEVEL } };
	int c, rc;

	while ((c = getopt_long(argc, argv, "", create_options, NULL)) != -1) {
		rc = take_number(&job, c, err);
		if (rc)
			return rc;
	}
	if (argc - optind != 1 || !job.file[BUNDLE_BOOT] || !job.file[BUNDLE_ROOT] ||
	    !job.b.compatible[0] || !job.b.architecture[0] || !job.b.version[0] || !job.b.release ||
	    !job.salt_len || !job.file[BUNDLE_ESP] != !job.generation ||
	    (!job.loaders && !job.file[BUNDLE_ESP]))
		return cmd_usage(err, "create OUT: an argument is missing");
	job.b.stage1 = (uint32_t)job.stage1;
	if (job.encoding == BUNDLE_ENCODINGS)
		job.encoding =
			strcmp(job.b.architecture, "x86_64") == 0 ? BUNDLE_X86_ZSTD : BUNDLE_ZSTD;
	return create(&job, argv[optind], err);
}

static int run_inspect(int argc, char **argv, struct err *err)
{
	char text[2 * SHA256_SIZE + 1];
	struct bundle_file f;
	size_t i;
	int rc;

	if (argc != 2)
		return cmd_usage(err, "inspect FILE");
	rc = bundle_file_open(argv[1], NULL, TRUST_TIME_UNKNOWN, &f, err);
	if (!rc) {
		hex_encode(f.doc.digest, sizeof(f.doc.digest), text);
		(void)printf("manifest=%s\nfile=%" PRIu64 "\n", text, f.size_bytes);
		for (i = 0; i < f.doc.signatures; i++) {
			hex_encode(f.doc.signature[i].key_id, SHA256_SIZE, text);
			(void)printf("signature=%s\n", text);
		}
		(void)fwrite(f.doc.document, 1, f.doc.document_len, stdout);
	}
	bundle_file_close(&f);
	return rc;
}

static int run_verify(int argc, char **argv, struct err *err)
{
	enum { TRUST = 1, TIME };
	static const struct option options[] = {
		{ "trust", required_argument, NULL, TRUST },
		{ "time", required_argument, NULL, TIME },
		{ NULL, 0, NULL, 0 },
	};
	const char *trusts[TRUSTS_MAX];
	uint64_t now = (uint64_t)time(NULL);
	struct bundle_file f;
	struct trust trust;
	size_t count = 0;
	int c, rc, i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == TRUST && count < TRUSTS_MAX)
			trusts[count++] = optarg;
		else if (c != TIME || cmd_time(optarg, &now))
			return cmd_usage(err, "verify FILE --trust TRUST... [--time TIME]");
	}
	if (argc - optind != 1 || !count)
		return cmd_usage(err, "verify FILE --trust TRUST...");
	rc = signedfile_trust(trusts, count, &trust, err);
	if (rc)
		return rc;
	rc = bundle_file_open(argv[optind], &trust, now, &f, err);
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++) {
		if (!f.b.image[i].present)
			continue;
		rc = f.b.image[i].encoding == BUNDLE_DELTA
			     ? bundle_file_pieces(&f, (enum bundle_image_id)i, err)
			     : bundle_file_image(&f, (enum bundle_image_id)i, -1, err);
	}
	if (!rc)
		(void)printf("ok version=%s release=%" PRIu64 " kind=%s\n", f.b.version,
			     f.b.release, f.b.delta ? "delta" : "full");
	bundle_file_close(&f);
	return rc;
}

static int run_extract(int argc, char **argv, struct err *err)
{
	int fd _cleanup_close_ = -1;
	struct bundle_file f;
	int id, rc;

	for (id = 0; argc == 4 && id < BUNDLE_IMAGES; id++)
		if (strcmp(argv[2], bundle_image_name((enum bundle_image_id)id)) == 0)
			break;
	if (argc != 4 || id == BUNDLE_IMAGES)
		return cmd_usage(err, "extract FILE boot|root|esp OUT");
	fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, -errno, "create %s", argv[3]);
	rc = bundle_file_open(argv[1], NULL, TRUST_TIME_UNKNOWN, &f, err);
	if (!rc)
		rc = bundle_file_image(&f, (enum bundle_image_id)id, fd, err);
	bundle_file_close(&f);
	if (rc)
		(void)unlink(argv[3]);
	return rc;
}

static int run_sign(int argc, char **argv, struct err *err)
{
	return signedfile_command(argc, argv, KIND, err);
}

int cmd_bundle(int argc, char **argv, struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv, struct err *err);
	} actions[] = {
		{ "create", run_create },   { "inspect", run_inspect }, { "verify", run_verify },
		{ "extract", run_extract }, { "sign", run_sign },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			return actions[i].run(argc - 1, argv + 1, err);
	return cmd_usage(err, "create, inspect, verify, extract or sign");
}
