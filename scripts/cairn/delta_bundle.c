// SPDX-License-Identifier: Apache-2.0
#include "delta_bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "bundle_read.h"
#include "bundle_write.h"
#include "cmd.h"
#include "delta.h"
#include "delta_file.h"
#include "io.h"
#include "signedfile.h"

/* An image of a bundle, unpacked into a file that nobody sees, and mapped. */
static int unpack(const struct bundle_file *f, enum bundle_image_id id, struct mapped *ret,
		  struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd _cleanup_close_ = -1;
	int rc;

	if (!dir || !*dir)
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, -errno, "a temporary file in %s", dir);
	rc = bundle_file_image(f, id, fd, err);
	return rc ? rc : mapped_fd(fd, bundle_image_name(id), ret, err);
}

/* What of an image's description does not depend on how it is packed. */
static void describe(const struct bundle_image *from, struct bundle_image *to)
{
	to->salt_len = from->salt_len;
	memcpy(to->salt, from->salt, sizeof(to->salt));
	memcpy(to->roothash, from->roothash, sizeof(to->roothash));
	to->generation = from->generation;
}

/* whole - the frames of the new bundle as they are. */
static int whole(const struct bundle_file *f, enum bundle_image_id id, const struct mapped *image,
		 struct bundle_part *p, struct err *err)
{
	const struct bundle_image *m = &f->b.image[id];
	uint64_t at = bundle_payload_at(&f->b, f->doc.total, id);
	struct bundle_frame frame;
	int rc = bundle_part_init(p, err);

	if (rc)
		return rc;
	describe(m, &p->image);
	p->image.encoding = m->encoding;
	p->image.frame_bytes = m->frame_bytes;
	bundle_frame_first(&f->b, f->tables, id, &frame);
	do {
		uint8_t *payload _cleanup_free_ = malloc(frame.payload_bytes);

		if (!payload)
			return err_sys(err, -ENOMEM, "%s", f->path);
		rc = io_pread(f->fd, payload, frame.payload_bytes, at + frame.payload_at);
		if (rc)
			return err_sys(err, rc, "read %s", f->path);
		rc = bundle_part_add(p, payload, frame.payload_bytes, image->p + frame.output_at,
				     frame.output_bytes, err);
	} while (!rc && bundle_frame_next(&f->b, f->tables, id, &frame));
	return rc;
}

static int frames(struct delta_maker *maker, const struct mapped *image, struct bundle_part *p,
		  struct err *err)
{
	uint64_t i, at;

	for (i = 0, at = 0; at < image->len; i++, at += p->image.frame_bytes) {
		uint64_t left = image->len - at;
		uint32_t len;
		uint8_t *payload;
		int rc = delta_maker_frame(maker, i, &payload, &len, err);

		if (rc)
			return rc;
		rc = bundle_part_add(
			p, payload, len, image->p + at,
			left < p->image.frame_bytes ? (uint32_t)left : p->image.frame_bytes, err);
		free(payload);
		if (rc)
			return rc;
	}
	return 0;
}

static int delta(const struct bundle_image *was, const struct bundle_image *is,
		 const struct mapped *old_image, const struct mapped *new_image,
		 struct bundle_part *p, struct err *err)
{
	struct delta_maker *maker;
	int rc = bundle_part_init(p, err);

	if (rc)
		return rc;
	describe(is, &p->image);
	p->image.encoding = BUNDLE_DELTA;
	p->image.frame_bytes = DELTA_MAKE_FRAME_BYTES;
	p->image.base_size_bytes = was->size_bytes;
	memcpy(p->image.base_sha256, was->sha256, sizeof(was->sha256));
	rc = delta_maker_new(old_image->p, old_image->len, new_image->p, new_image->len,
			     p->image.frame_bytes, &maker, err);
	if (rc)
		return rc;
	rc = frames(maker, new_image, p, err);
	delta_maker_free(maker);
	return rc;
}

static int make_part(const struct bundle_file *old_file, const struct bundle_file *new_file,
		     enum bundle_image_id id, struct bundle_part *p, struct err *err)
{
	const struct bundle_image *is = &new_file->b.image[id];
	struct mapped old_image = { NULL, 0 }, new_image = { NULL, 0 };
	int rc = unpack(new_file, id, &new_image, err);

	if (!rc && id == BUNDLE_ESP) {
		rc = whole(new_file, id, &new_image, p, err);
	} else if (!rc) {
		rc = unpack(old_file, id, &old_image, err);
		if (!rc)
			rc = delta(&old_file->b.image[id], is, &old_image, &new_image, p, err);
		if (!rc && p->image.payload_bytes >= is->payload_bytes) {
			bundle_part_release(p);
			rc = whole(new_file, id, &new_image, p, err);
		}
	}
	mapped_release(&old_image);
	mapped_release(&new_image);
	return rc;
}

static bool wanted(const struct bundle_file *old_file, const struct bundle_file *new_file,
		   enum bundle_image_id id)
{
	const struct bundle_image *was = &old_file->b.image[id], *is = &new_file->b.image[id];

	if (id == BUNDLE_ESP && was->present && was->generation == is->generation)
		return false;
	return is->present;
}

static int make(const struct bundle_file *old_file, const struct bundle_file *new_file,
		const char *out, const struct sign_key *keys, size_t key_count, struct err *err)
{
	struct bundle_part part[BUNDLE_IMAGES], *parts[BUNDLE_IMAGES] = { NULL };
	struct bundle b = new_file->b;
	int rc = 0, i;

	if (old_file->b.delta || new_file->b.delta)
		return err_set(err, CMD_REFUSED, "%s is a delta itself: it takes two full bundles",
			       old_file->b.delta ? old_file->path : new_file->path);
	if (strcmp(b.compatible, old_file->b.compatible) != 0 ||
	    strcmp(b.architecture, old_file->b.architecture) != 0)
		return err_set(err, CMD_REFUSED, "the two bundles are for different machines");
	b.delta = true;
	memcpy(b.base, old_file->b.image[BUNDLE_ROOT].roothash, sizeof(b.base));
	memset(part, 0, sizeof(part));
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++) {
		enum bundle_image_id id = (enum bundle_image_id)i;

		if (!wanted(old_file, new_file, id))
			continue;
		parts[i] = &part[i];
		rc = make_part(old_file, new_file, id, &part[i], err);
	}
	if (!rc)
		rc = bundle_write(out, &b, parts, keys, key_count, err);
	for (i = 0; i < BUNDLE_IMAGES; i++)
		if (parts[i])
			bundle_part_release(parts[i]);
	return rc;
}

int delta_bundle(const char *old_path, const char *new_path, const char *out,
		 const char *const *keys, size_t key_count, struct err *err)
{
	struct sign_key key[SIGNEDFILE_KEYS_MAX];
	struct bundle_file *f _cleanup_free_ = calloc(2, sizeof(*f));
	int rc = 0;
	size_t i;

	if (!f)
		return err_sys(err, -ENOMEM, "delta");
	f[0].fd = f[1].fd = -1;
	for (i = 0; !rc && i < key_count; i++)
		rc = sign_key_load(keys[i], 1, &key[i], err);
	if (!rc)
		rc = bundle_file_open(old_path, NULL, TRUST_TIME_UNKNOWN, &f[0], err);
	if (!rc)
		rc = bundle_file_open(new_path, NULL, TRUST_TIME_UNKNOWN, &f[1], err);
	if (!rc)
		rc = make(&f[0], &f[1], out, key, key_count, err);
	bundle_file_close(&f[0]);
	bundle_file_close(&f[1]);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}
