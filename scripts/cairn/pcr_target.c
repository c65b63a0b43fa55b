// SPDX-License-Identifier: Apache-2.0
#include "pcr_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "blockrange.h"
#include "bundle_read.h"
#include "cmd.h"
#include "fatread.h"
#include "io.h"
#include "sign.h"

enum { PART_ESP = 1, PART_STATE = 2, PART_BOOT_A = 3, PART_BOOT_B = 5 };

static int temporary(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(err, -errno, "a temporary file") : fd;
}

static int take_loader(struct pcr_target *t, const struct blockio *io, struct err *err)
{
	int rc = pcrfiles_loader(io, &t->loader, t->loader_hash, err);

	if (!rc && grubimage_scripts(t->loader.buf, t->loader.len, &t->grub, err))
		rc = CMD_REFUSED;
	t->has_loader = !rc;
	return rc;
}

static int open_loader(struct pcr_target *t, const char *path, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	struct blockio io;
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", path);
	rc = blockio_open_fd(&fd, &io, err);
	return rc ? rc : take_loader(t, &io, err);
}

/* An image of a bundle as a file of its own. */
static int unpack(const struct bundle_file *f, enum bundle_image_id id, struct blockio *ret_io,
		  int *ret_fd, struct err *err)
{
	int rc;

	*ret_fd = temporary(err);
	if (*ret_fd < 0)
		return *ret_fd;
	rc = bundle_file_image(f, id, *ret_fd, err);
	return rc ? rc : blockio_open_fd(ret_fd, ret_io, err);
}

static int open_bundle(struct pcr_target *t, const char *loader, struct err *err)
{
	struct bundle_file *f _cleanup_free_ = malloc(sizeof(*f));
	int boot _cleanup_close_ = -1, esp _cleanup_close_ = -1;
	struct blockio io;
	int rc;

	if (!f)
		return err_set(err, -ENOMEM, "no memory");
	t->bundle = true;
	rc = bundle_file_open(t->path, NULL, TRUST_TIME_UNKNOWN, f, err);
	if (!rc) {
		t->release = f->b.pcrs;
		/* A boot image that is a delta needs its base: the manifest says the rest. */
		t->has_boot = f->b.image[BUNDLE_BOOT].encoding != BUNDLE_DELTA;
	}
	if (!rc && t->has_boot) {
		rc = unpack(f, BUNDLE_BOOT, &io, &boot, err);
		if (!rc)
			rc = pcrfiles_boot(&io, &t->boot[0], err);
	}
	if (!rc && !loader && f->b.image[BUNDLE_ESP].present) {
		rc = unpack(f, BUNDLE_ESP, &io, &esp, err);
		if (!rc)
			rc = take_loader(t, &io, err);
	}
	bundle_file_close(f);
	return rc;
}

static int partition(const struct blockio *disk, const struct gpt *gpt, unsigned int number,
		     struct blockrange *ret, struct err *err)
{
	struct gpt_part part;
	uint64_t bytes;

	if (gpt_get(gpt, number, &part))
		return err_set(err, CMD_REFUSED, "no partition %u", number);
	bytes = (part.last_lba - part.first_lba + 1) * GPT_SECTOR_BYTES;
	if (part.first_lba * GPT_SECTOR_BYTES > disk->size_bytes ||
	    bytes > disk->size_bytes - part.first_lba * GPT_SECTOR_BYTES)
		return err_set(err, CMD_REFUSED, "partition %u ends after the disk", number);
	blockrange_init(ret, disk, part.first_lba * GPT_SECTOR_BYTES, bytes);
	return 0;
}

static int read_disk(struct pcr_target *t, const struct blockio *disk, const char *loader,
		     struct err *err)
{
	static const unsigned int boot[2] = { PART_BOOT_A, PART_BOOT_B };
	struct gpt *gpt _cleanup_free_ = malloc(sizeof(*gpt));
	struct blockrange part;
	size_t len;
	int rc, i;

	if (!gpt)
		return err_set(err, -ENOMEM, "no memory");
	if (gpt_read(disk, gpt, err))
		return CMD_REFUSED;
	rc = disk->read(disk->ctx, t->gpt_header, sizeof(t->gpt_header), GPT_SECTOR_BYTES);
	if (!rc)
		rc = disk->read(disk->ctx, t->gpt_entries, sizeof(t->gpt_entries),
				2 * GPT_SECTOR_BYTES);
	if (rc)
		return err_sys(err, rc, "read the partition table");
	for (i = 0; !rc && i < 2; i++) {
		rc = partition(disk, gpt, boot[i], &part, err);
		if (!rc)
			rc = pcrfiles_boot(&part.io, &t->boot[i], err);
	}
	t->has_boot = !rc;
	if (!rc)
		rc = partition(disk, gpt, PART_STATE, &part, err);
	/* A state that is not there or damaged is a state too. */
	for (i = 0; !rc && i < 2; i++)
		(void)fatread_file(&part.io, i == 0 ? "S0.ENV" : "S1.ENV", t->state[i],
				   BOOTSTATE_SIZE, &len, NULL);
	if (!rc && !loader) {
		rc = partition(disk, gpt, PART_ESP, &part, err);
		if (!rc)
			rc = take_loader(t, &part.io, err);
	}
	return rc;
}

static int open_disk(struct pcr_target *t, int fd, const char *loader, struct err *err)
{
	struct blockio disk;
	int rc = blockio_open_fd(&fd, &disk, err);

	return rc ? rc : read_disk(t, &disk, loader, err);
}

int pcr_target_open(const char *path, const char *loader, struct pcr_target *ret, struct err *err)
{
	static const char bundle[] = "cairn-signed 1\n";
	char start[sizeof(bundle) - 1] = "";
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	ret->path = path;
	if (fd < 0)
		return err_sys(err, -errno, "open %s", path);
	if (loader)
		rc = open_loader(ret, loader, err);
	if (rc) {
		err_prefix(err, "%s", loader);
		return rc;
	}
	(void)io_pread(fd, start, sizeof(start), 0);
	rc = memcmp(start, bundle, sizeof(start)) == 0 ? open_bundle(ret, loader, err)
						       : open_disk(ret, fd, loader, err);
	if (rc && strncmp(err->msg, path, strlen(path)) != 0)
		err_prefix(err, "%s", path);
	return rc;
}

void pcr_target_close(struct pcr_target *t)
{
	free(t->loader.buf);
	pcrfiles_boot_release(&t->boot[0]);
	pcrfiles_boot_release(&t->boot[1]);
	memset(t, 0, sizeof(*t));
}

void pcr_target_start(const struct pcr_target *t, struct pcrmodel_start *ret)
{
	const struct bootstate fresh = bootstate_factory(BOOTSTATE_A);
	int i;

	memset(ret, 0, sizeof(*ret));
	ret->grub = t->grub;
	memcpy(ret->loader, t->loader_hash, SHA256_SIZE);
	for (i = 0; i < 2; i++) {
		ret->slot[i] = t->boot[t->bundle ? 0 : i].slot;
		ret->takes[i] = true;
		bootstate_format(&fresh, (unsigned int)i, ret->state[i]);
	}
	ret->esp_part = PART_ESP;
	ret->path = "/EFI/BOOT";
}

/* A variable that holds one certificate. */
static int enrolled(const struct pcr_keys *keys, uint8_t *buf, size_t *ret_len, struct err *err)
{
	unsigned char *der = NULL;
	X509 *cert = NULL;
	int len, rc = sign_load_cert(keys->enrolled, &cert, err);

	if (rc)
		return rc;
	len = i2d_X509(cert, &der);
	X509_free(cert);
	*ret_len = 0;
	if (len < 0 ||
	    efiauth_add(buf, EFIAUTH_MAX, ret_len, EFIAUTH_X509, keys->owner, der, (size_t)len))
		rc = err_set(err, CMD_REFUSED, "%s does not fit a variable", keys->enrolled);
	OPENSSL_free(der);
	return rc;
}

static int load_variable(const struct pcr_keys *keys, enum efiauth_var var, struct pcrfile *ret,
			 struct err *err)
{
	struct efiauth variable;
	size_t n;
	int rc;

	if (keys->file[var]) {
		rc = cmd_load(keys->file[var], EFIAUTH_MAX, 0, &ret->buf, &ret->len, err);
		/* As `cairn keys init` writes it: signed. */
		if (!rc && efiauth_parse(ret->buf, ret->len, &variable, NULL) == 0) {
			memmove(ret->buf, variable.content, variable.content_len);
			ret->len = variable.content_len;
		}
		if (!rc && efiauth_check(ret->buf, ret->len, &n))
			rc = err_set(err, CMD_REFUSED, "%s: no lists of signatures",
				     keys->file[var]);
		return rc;
	}
	if (!keys->enrolled || var == EFIAUTH_DBX)
		return 0;
	ret->buf = malloc(EFIAUTH_MAX);
	return ret->buf ? enrolled(keys, ret->buf, &ret->len, err)
			: err_set(err, -ENOMEM, "no memory");
}

int pcr_target_keys(const struct pcr_target *t, const struct pcr_keys *keys, int slot,
		    pcrmodel_event_fn *event, void *ctx, struct err *err)
{
	struct pcrfile var[EFIAUTH_VARS] = { { NULL, 0 } };
	const struct pcrfile *kernel = &t->boot[t->bundle ? 0 : slot].kernel;
	struct pcrmodel_keyset set = { .secureboot = keys->secureboot };
	int i, rc = 0;

	for (i = 0; !rc && i < EFIAUTH_VARS; i++)
		rc = load_variable(keys, (enum efiauth_var)i, &var[i], err);
	if (!rc) {
#define BLOB(f) ((struct pcrmodel_blob){ (f).buf, (f).len })
		set.pk = BLOB(var[EFIAUTH_PK]);
		set.kek = BLOB(var[EFIAUTH_KEK]);
		set.db = BLOB(var[EFIAUTH_DB]);
		set.dbx = BLOB(var[EFIAUTH_DBX]);
		set.image[0] = BLOB(t->loader);
		set.image[1] = BLOB(*kernel);
#undef BLOB
		rc = pcrmodel_keys(&set, event, ctx, err);
		if (rc == -EKEYREJECTED || rc == -EBADMSG || rc == -EINVAL)
			rc = CMD_REFUSED;
	}
	for (i = 0; i < EFIAUTH_VARS; i++)
		free(var[i].buf);
	return rc;
}
