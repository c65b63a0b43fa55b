// SPDX-License-Identifier: Apache-2.0
#include "bundle_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "io.h"
#include "signedfile.h"
#include "x86branch.h"
#include "zstdrun.h"

enum { JOBS_MAX = 16 };

/* A file without a name. Not in memory: a payload may be gigabytes. */
static int nameless(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char name[PATH_MAX];
	int fd;

	if (snprintf(name, sizeof(name), "%s/cairn.XXXXXX", dir && *dir ? dir : "/var/tmp") >=
	    (int)sizeof(name))
		return err_set(err, -ENAMETOOLONG, "TMPDIR is too long");
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "a temporary file %s", name);
	(void)unlink(name);
	return fd;
}

int bundle_part_init(struct bundle_part *p, struct err *err)
{
	int fd = nameless(err);

	if (fd < 0)
		return fd;
	memset(p, 0, sizeof(*p));
	sha256_init(&p->whole);
	p->fd = fd;
	p->image.present = true;
	return 0;
}

void bundle_part_release(struct bundle_part *p)
{
	if (p->image.present)
		io_close_p(&p->fd);
	free(p->frame);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

int bundle_part_add(struct bundle_part *p, const void *payload, uint32_t payload_bytes,
		    const void *output, uint32_t output_bytes, struct err *err)
{
	int rc;

	if (p->image.size_bytes % p->image.frame_bytes || output_bytes > p->image.frame_bytes)
		return err_set(err, -EINVAL, "a frame after the last one, or one too large");
	if (p->frames == p->room) {
		size_t room = p->room ? 2 * p->room : 64;
		void *more = realloc(p->frame, room * sizeof(*p->frame));

		if (!more)
			return err_set(err, -ENOMEM, "no memory for %zu frames", room);
		p->frame = more;
		p->room = room;
	}
	rc = io_pwrite(p->fd, payload, payload_bytes, p->image.payload_bytes);
	if (rc)
		return err_sys(err, rc, "write a payload");
	p->frame[p->frames].payload_bytes = payload_bytes;
	sha256(output, output_bytes, p->frame[p->frames].sha256);
	sha256_update(&p->whole, output, output_bytes);
	p->image.payload_bytes += payload_bytes;
	p->image.size_bytes += output_bytes;
	p->frames++;
	return 0;
}

/* A frame on its way: read, and being compressed. */
struct pending {
	uint8_t *output;
	uint32_t output_bytes;
	struct zstdrun run;
};

static int finish(struct bundle_part *p, struct pending *j, struct err *err)
{
	uint8_t *frame = NULL;
	size_t len = 0;
	int rc = zstdrun_finish(&j->run, &frame, &len, err);

	if (!rc && len > UINT32_MAX)
		rc = err_set(err, -EFBIG, "a frame of %zu bytes", len);
	if (!rc)
		rc = bundle_part_add(p, frame, (uint32_t)len, j->output, j->output_bytes, err);
	free(frame);
	free(j->output);
	j->output = NULL;
	return rc;
}

/* Compress the output; for x86-zstd what the filter makes of it. */
static int compress(const struct bundle_part *p, struct pending *j, const struct bundle_zstd *zstd,
		    struct err *err)
{
	const char *program = zstd->program ? zstd->program : "zstd";
	uint8_t *filtered;
	int rc;

	if (p->image.encoding != BUNDLE_X86_ZSTD)
		return zstdrun_start(program, zstd->level, j->output, j->output_bytes, &j->run,
				     err);
	filtered = malloc(j->output_bytes);
	if (!filtered)
		return err_set(err, -ENOMEM, "no memory for a frame");
	memcpy(filtered, j->output, j->output_bytes);
	x86branch_encode(filtered, j->output_bytes);
	rc = zstdrun_start(program, zstd->level, filtered, j->output_bytes, &j->run, err);
	free(filtered);
	return rc;
}

static int start(struct bundle_part *p, struct pending *j, int fd, uint64_t at, uint64_t size,
		 const struct bundle_zstd *zstd, struct err *err)
{
	uint64_t rest = size - at;
	int rc;

	j->output_bytes = rest < p->image.frame_bytes ? (uint32_t)rest : p->image.frame_bytes;
	j->output = malloc(j->output_bytes);
	if (!j->output)
		return err_set(err, -ENOMEM, "no memory for a frame");
	rc = io_pread(fd, j->output, j->output_bytes, at);
	if (rc)
		rc = err_sys(err, rc, "read at byte %llu", (unsigned long long)at);
	else if (p->image.encoding == BUNDLE_RAW)
		rc = bundle_part_add(p, j->output, j->output_bytes, j->output, j->output_bytes,
				     err);
	else
		rc = compress(p, j, zstd, err);
	if (rc || p->image.encoding == BUNDLE_RAW) {
		free(j->output);
		j->output = NULL;
	}
	return rc;
}

static unsigned int job_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (unsigned int)n;
}

int bundle_part_file(struct bundle_part *p, const char *path, uint64_t size_bytes,
		     const struct bundle_zstd *zstd, struct err *err)
{
	struct pending job[JOBS_MAX];
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	unsigned int jobs = job_count(), first = 0, running = 0;
	uint64_t at = 0;
	int rc = 0;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", path);
	/* A ring: started at its end, finished at its start, so that frames keep their order. */
	while (!rc && (at < size_bytes || running)) {
		if (at < size_bytes && running < jobs) {
			struct pending *j = &job[(first + running) % jobs];

			rc = start(p, j, fd, at, size_bytes, zstd, err);
			at += p->image.frame_bytes;
			if (!rc && j->output)
				running++;
		} else {
			struct pending *j = &job[first];

			first = (first + 1) % jobs;
			running--;
			rc = finish(p, j, err);
		}
	}
	for (; running; running--, first = (first + 1) % jobs) {
		(void)zstdrun_finish(&job[first].run, NULL, NULL, NULL);
		free(job[first].output);
	}
	if (rc)
		err_prefix(err, "%s", path);
	return rc;
}

static int piece_hashes(const struct bundle_part *p, uint8_t *at, struct err *err)
{
	uint8_t *piece _cleanup_free_ = malloc(BUNDLE_PIECE_BYTES);
	uint64_t from;

	if (!piece)
		return err_set(err, -ENOMEM, "no memory for a piece");
	for (from = 0; from < p->image.payload_bytes; from += BUNDLE_PIECE_BYTES) {
		uint64_t rest = p->image.payload_bytes - from;
		size_t n = rest < BUNDLE_PIECE_BYTES ? (size_t)rest : BUNDLE_PIECE_BYTES;
		int rc = io_pread(p->fd, piece, n, from);

		if (rc)
			return err_sys(err, rc, "read a payload");
		sha256(piece, n, at);
		at += SHA256_SIZE;
	}
	return 0;
}

/* The tables, on the heap; b's images are filled in. */
static int make_tables(const struct bundle *b, struct bundle_part *part[BUNDLE_IMAGES],
		       uint8_t **ret, struct err *err)
{
	uint64_t bytes = bundle_tables_bytes(b);
	uint8_t *tables, *at;
	size_t i, f;
	int rc = 0;

	if (bytes > BUNDLE_TABLES_MAX)
		return err_set(err, -EINVAL, "the tables would have %llu bytes; larger frames?",
			       (unsigned long long)bytes);
	at = tables = malloc((size_t)bytes);
	if (!tables)
		return err_set(err, -ENOMEM, "no memory for the tables");
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++) {
		if (!part[i])
			continue;
		le32_store(at, bundle_frames(&b->image[i]));
		le32_store(at + 4, bundle_pieces(&b->image[i]));
		at += 8;
		for (f = 0; f < part[i]->frames; f++) {
			le32_store(at, part[i]->frame[f].payload_bytes);
			memcpy(at + 4, part[i]->frame[f].sha256, SHA256_SIZE);
			at += 4 + SHA256_SIZE;
		}
		rc = piece_hashes(part[i], at, err);
		at += (size_t)bundle_pieces(&b->image[i]) * SHA256_SIZE;
	}
	if (rc)
		free(tables);
	else
		*ret = tables;
	return rc;
}

static int copy_payload(int to, const struct bundle_part *p, struct err *err)
{
	uint8_t *buf _cleanup_free_ = malloc(1 << 20);
	uint64_t at;
	int rc = 0;

	if (!buf)
		return err_set(err, -ENOMEM, "no memory");
	for (at = 0; !rc && at < p->image.payload_bytes; at += 1 << 20) {
		uint64_t rest = p->image.payload_bytes - at;
		size_t n = rest < 1 << 20 ? (size_t)rest : 1 << 20;

		rc = io_pread(p->fd, buf, n, at);
		if (!rc)
			rc = io_write(to, buf, n);
	}
	return rc ? err_sys(err, rc, "write a payload") : 0;
}

static int write_file(const char *path, const uint8_t *head, size_t head_len, const uint8_t *tables,
		      size_t tables_len, struct bundle_part *part[BUNDLE_IMAGES], struct err *err)
{
	char tmp[PATH_MAX];
	int fd _cleanup_close_ = -1;
	int rc, i;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, -errno, "create %s", tmp);
	rc = io_write(fd, head, head_len);
	if (!rc)
		rc = io_write(fd, tables, tables_len);
	if (rc)
		rc = err_sys(err, rc, "write %s", tmp);
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++)
		if (part[i])
			rc = copy_payload(fd, part[i], err);
	if (!rc && (fsync(fd) || rename(tmp, path)))
		rc = err_sys(err, -errno, "write %s", path);
	if (rc)
		(void)unlink(tmp);
	return rc;
}

int bundle_write(const char *path, struct bundle *b, struct bundle_part *part[BUNDLE_IMAGES],
		 const struct sign_key *keys, size_t key_count, struct err *err)
{
	struct signature sig[SIGNEDFILE_KEYS_MAX];
	uint8_t doc[SIGNED_DOCUMENT_MAX], head[SIGNED_MAX];
	uint8_t *tables _cleanup_free_ = NULL;
	size_t doc_len, head_len, i;
	struct bundle again;
	int rc;

	if (key_count > SIGNEDFILE_KEYS_MAX)
		return err_set(err, -EINVAL, "too many keys");
	for (i = 0; i < BUNDLE_IMAGES; i++) {
		struct sha256 h;

		memset(&b->image[i], 0, sizeof(b->image[i]));
		if (!part[i])
			continue;
		b->image[i] = part[i]->image;
		h = part[i]->whole;
		sha256_final(&h, b->image[i].sha256);
		if (part[i]->frames != bundle_frames(&b->image[i]))
			return err_set(err, -EINVAL, "%s: frames are missing",
				       bundle_image_name((enum bundle_image_id)i));
	}
	rc = make_tables(b, part, &tables, err);
	if (rc)
		return rc;
	b->tables_bytes = (uint32_t)bundle_tables_bytes(b);
	sha256(tables, b->tables_bytes, b->tables_sha256);
	/* What is written is what a device will accept. */
	if (bundle_format(b, doc, &doc_len))
		return err_set(err, -EINVAL, "this makes no valid manifest");
	rc = bundle_parse(doc, doc_len, &again, err);
	if (!rc)
		rc = bundle_tables_check(&again, tables, b->tables_bytes, err);
	if (!rc)
		rc = signedfile_sign_with(doc, doc_len, keys, key_count, sig, err);
	if (rc)
		return rc;
	if (signed_write(doc, doc_len, sig, key_count, head, &head_len))
		return err_set(err, -EINVAL, "a key that signs twice");
	return write_file(path, head, head_len, tables, b->tables_bytes, part, err);
}
