// SPDX-License-Identifier: Apache-2.0
#include "bundle_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "cmd.h"
#include "io.h"
#include "signedfile.h"
#include "x86branch.h"

static int open_checked(const char *path, const struct trust *trust, uint64_t now,
			struct bundle_file *f, struct err *err)
{
	int rc = signedfile_head(path, f->head, &f->doc, &f->size_bytes, err);

	if (rc)
		return rc;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return err_sys(err, -errno, "open %s", path);
	if (trust)
		rc = trust_check(trust, TRUST_RELEASE, &f->doc, now, err);
	if (!rc)
		rc = bundle_parse(f->doc.document, f->doc.document_len, &f->b, err);
	if (rc)
		return CMD_REFUSED;
	if (bundle_payload_at(&f->b, f->doc.total, BUNDLE_IMAGES) != f->size_bytes)
		return err_set(
			err, CMD_REFUSED, "%llu bytes, not the %llu of its manifest",
			(unsigned long long)f->size_bytes,
			(unsigned long long)bundle_payload_at(&f->b, f->doc.total, BUNDLE_IMAGES));
	f->tables = malloc(f->b.tables_bytes);
	if (!f->tables)
		return err_set(err, -ENOMEM, "no memory for the tables");
	rc = io_pread(f->fd, f->tables, f->b.tables_bytes, f->doc.total);
	if (rc)
		return err_sys(err, rc, "read the tables");
	return bundle_tables_check(&f->b, f->tables, f->b.tables_bytes, err) ? CMD_REFUSED : 0;
}

int bundle_file_open(const char *path, const struct trust *trust, uint64_t now,
		     struct bundle_file *ret, struct err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->path = path;
	ret->fd = -1;
	rc = open_checked(path, trust, now, ret, err);
	if (rc && strncmp(err->msg, path, strlen(path)) != 0)
		err_prefix(err, "%s", path);
	return rc;
}

void bundle_file_close(struct bundle_file *f)
{
	io_close_p(&f->fd);
	f->fd = -1;
	free(f->tables);
	f->tables = NULL;
}

int bundle_file_pieces(const struct bundle_file *f, enum bundle_image_id id, struct err *err)
{
	const struct bundle_image *m = &f->b.image[id];
	uint64_t at = bundle_payload_at(&f->b, f->doc.total, id), done = 0;
	uint8_t *piece _cleanup_free_ = malloc(BUNDLE_PIECE_BYTES);
	uint32_t i;

	if (!piece)
		return err_set(err, -ENOMEM, "no memory for a piece");
	for (i = 0; i < bundle_pieces(m); i++) {
		uint64_t rest = m->payload_bytes - done;
		size_t n = rest < BUNDLE_PIECE_BYTES ? (size_t)rest : BUNDLE_PIECE_BYTES;
		uint8_t digest[SHA256_SIZE];
		int rc = io_pread(f->fd, piece, n, at + done);

		if (rc)
			return err_sys(err, rc, "read %s", f->path);
		sha256(piece, n, digest);
		if (memcmp(digest, bundle_piece_sha256(&f->b, f->tables, id, i), sizeof(digest)) !=
		    0)
			return err_set(err, CMD_REFUSED, "%s: piece %lu of %s has another hash",
				       f->path, (unsigned long)i, bundle_image_name(id));
		done += n;
	}
	return 0;
}

/* Like a device: in a stream, with the window that bundles may have. */
static int unzstd(ZSTD_DCtx *ctx, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	ZSTD_inBuffer from = { in, in_len, 0 };
	ZSTD_outBuffer to = { out, out_len, 0 };
	size_t rc = 1;

	(void)ZSTD_DCtx_reset(ctx, ZSTD_reset_session_and_parameters);
	if (ZSTD_isError(ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, BUNDLE_WINDOW_LOG)))
		return -EINVAL;
	while (from.pos < from.size) {
		size_t before = from.pos + to.pos;

		rc = ZSTD_decompressStream(ctx, &to, &from);
		if (ZSTD_isError(rc) || rc == 0 || from.pos + to.pos == before)
			break;
	}
	return rc == 0 && from.pos == in_len && to.pos == out_len ? 0 : -EBADMSG;
}

struct decoding {
	ZSTD_DCtx *ctx;
	struct sha256 whole;
	uint8_t *payload, *output;
};

static int one_frame(const struct bundle_file *f, enum bundle_image_id id,
		     const struct bundle_frame *fr, struct decoding *d, int out_fd, struct err *err)
{
	const struct bundle_image *m = &f->b.image[id];
	uint8_t digest[SHA256_SIZE];
	const uint8_t *out;
	void *more;
	int rc;

	more = realloc(d->payload, fr->payload_bytes);
	if (!more)
		return err_set(err, -ENOMEM, "no memory for a frame");
	d->payload = more;
	rc = io_pread(f->fd, d->payload, fr->payload_bytes,
		      bundle_payload_at(&f->b, f->doc.total, id) + fr->payload_at);
	if (rc)
		return err_sys(err, rc, "read %s", f->path);
	out = m->encoding == BUNDLE_RAW ? d->payload : d->output;
	if (m->encoding != BUNDLE_RAW &&
	    unzstd(d->ctx, d->payload, fr->payload_bytes, d->output, fr->output_bytes))
		return err_set(err, CMD_REFUSED, "%s: the frame at byte %llu of %s is malformed",
			       f->path, (unsigned long long)fr->output_at, bundle_image_name(id));
	if (m->encoding == BUNDLE_X86_ZSTD)
		(void)x86branch_decode(d->output, fr->output_bytes, 0, 0, fr->output_bytes, true);
	sha256(out, fr->output_bytes, digest);
	if (memcmp(digest, fr->sha256, sizeof(digest)) != 0)
		return err_set(err, CMD_REFUSED,
			       "%s: the frame at byte %llu of %s has another hash", f->path,
			       (unsigned long long)fr->output_at, bundle_image_name(id));
	sha256_update(&d->whole, out, fr->output_bytes);
	if (out_fd >= 0)
		rc = io_pwrite(out_fd, out, fr->output_bytes, fr->output_at);
	return rc ? err_sys(err, rc, "write an image") : 0;
}

int bundle_file_image(const struct bundle_file *f, enum bundle_image_id id, int out_fd,
		      struct err *err)
{
	const struct bundle_image *m = &f->b.image[id];
	struct decoding d = { 0 };
	struct bundle_frame fr;
	uint8_t digest[SHA256_SIZE];
	int rc;

	if (!m->present)
		return err_set(err, CMD_REFUSED, "%s: no image %s in it", f->path,
			       bundle_image_name(id));
	if (m->encoding == BUNDLE_DELTA)
		return err_set(err, CMD_REFUSED, "%s: %s is a delta, which needs its base", f->path,
			       bundle_image_name(id));
	rc = bundle_file_pieces(f, id, err);
	if (rc)
		return rc;
	sha256_init(&d.whole);
	d.ctx = ZSTD_createDCtx();
	d.output = malloc(m->frame_bytes);
	if (!d.ctx || !d.output)
		rc = err_set(err, -ENOMEM, "no memory for a frame");
	bundle_frame_first(&f->b, f->tables, id, &fr);
	do {
		if (!rc)
			rc = one_frame(f, id, &fr, &d, out_fd, err);
	} while (!rc && bundle_frame_next(&f->b, f->tables, id, &fr));
	sha256_final(&d.whole, digest);
	if (!rc && memcmp(digest, m->sha256, sizeof(digest)) != 0)
		rc = err_set(err, CMD_REFUSED, "%s: %s as a whole has another hash", f->path,
			     bundle_image_name(id));
	ZSTD_freeDCtx(d.ctx);
	free(d.payload);
	free(d.output);
	return rc;
}
