// SPDX-License-Identifier: Apache-2.0
#include "pcrfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "fatread.h"
#include "hex.h"
#include "io.h"
#include "pe.h"

enum { CONFIG_MAX = 64 << 10 };

/* Of content, not of the system. */
static int refused(int rc)
{
	return rc == -EIO || rc == -ENOMEM ? rc : CMD_REFUSED;
}

static int read_file(const struct blockio *io, const char *path, size_t max, struct pcrfile *ret,
		     struct err *err)
{
	int rc;

	/* Room for whole sectors, and for the NUL of a text. */
	ret->buf = malloc(max + FATREAD_SECTOR_BYTES);
	if (!ret->buf)
		return err_set(err, -ENOMEM, "no memory for %s", path);
	rc = fatread_file(io, path, ret->buf, max, &ret->len, err);
	if (!rc)
		return 0;
	err_prefix(err, "%s", path);
	return refused(rc);
}

void pcrfiles_boot_release(struct pcrfiles_boot *b)
{
	free(b->config.buf);
	free(b->kernel.buf);
	memset(b, 0, sizeof(*b));
}

int pcrfiles_boot(const struct blockio *io, struct pcrfiles_boot *ret, struct err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = read_file(io, "slot.cfg", CONFIG_MAX, &ret->config, err);
	if (!rc)
		rc = read_file(io, "vmlinuz", PE_MAX, &ret->kernel, err);
	if (!rc && pcrmodel_slot_init(&ret->slot, ret->config.buf, ret->config.len, ret->kernel.buf,
				      ret->kernel.len, err))
		rc = CMD_REFUSED;
	if (rc)
		pcrfiles_boot_release(ret);
	return rc;
}

int pcrfiles_loader(const struct blockio *io, struct pcrfile *ret,
		    uint8_t ret_hash[static SHA256_SIZE], struct err *err)
{
	struct pcrfile f = { NULL, 0 };
	uint8_t start[2];
	struct pe pe;
	int rc;

	if (io->size_bytes < sizeof(start) || io->read(io->ctx, start, sizeof(start), 0))
		return err_set(err, CMD_REFUSED, "no stage-1 loader");
	if (memcmp(start, "MZ", 2) != 0) {
		rc = read_file(io, "EFI/BOOT/BOOTX64.EFI", PE_MAX, &f, err);
	} else if (io->size_bytes > PE_MAX) {
		rc = err_set(err, CMD_REFUSED, "longer than %u bytes", PE_MAX);
	} else {
		f.len = (size_t)io->size_bytes;
		f.buf = malloc(f.len);
		rc = f.buf ? io->read(io->ctx, f.buf, f.len, 0) : -ENOMEM;
		if (rc)
			(void)err_sys(err, rc, "read the stage-1 loader");
	}
	if (!rc && pe_parse(f.buf, f.len, &pe, err))
		rc = CMD_REFUSED;
	if (rc) {
		free(f.buf);
		return rc;
	}
	pe_hash(f.buf, f.len, &pe, pe.cert_bytes ? 0 : pe_pad(f.len), ret_hash);
	*ret = f;
	return 0;
}

static int hash_of(const char *text, uint8_t ret_hash[static SHA256_SIZE], struct err *err)
{
	struct pcrfile file = { NULL, 0 };
	int fd _cleanup_close_ = -1;
	struct blockio io;
	int rc;

	if (hex_decode(text, ret_hash, SHA256_SIZE) == 0)
		return 0;
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "open %s", text);
	rc = blockio_open_fd(&fd, &io, err);
	if (!rc)
		rc = pcrfiles_loader(&io, &file, ret_hash, err);
	free(file.buf);
	return rc;
}

int pcrfiles_add_loader(struct pcrrelease *r, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	struct pcrrelease_loader l = { .generation = 0 };
	char number[16];
	uint64_t generation;
	uint32_t at;
	int rc;

	if (!equals || (size_t)(equals - text) >= sizeof(number))
		return cmd_usage(err, "--loader %s: GENERATION=FILE", text);
	(void)snprintf(number, sizeof(number), "%.*s", (int)(equals - text), text);
	if (cmd_number(number, UINT32_MAX, &generation) || !generation)
		return cmd_usage(err, "--loader %s: GENERATION=FILE", text);
	l.generation = (uint32_t)generation;
	rc = hash_of(equals + 1, l.hash, err);
	if (rc)
		return rc;
	for (at = 0; at < r->loaders && r->loader[at].generation < l.generation; at++)
		;
	if (at < r->loaders && r->loader[at].generation == l.generation) {
		if (memcmp(r->loader[at].hash, l.hash, SHA256_SIZE) == 0)
			return 0;
		return err_set(err, CMD_REFUSED, "two different loaders of generation %u",
			       l.generation);
	}
	if (r->loaders == PCRRELEASE_LOADERS_MAX)
		return err_set(err, CMD_REFUSED, "more than %d loaders", PCRRELEASE_LOADERS_MAX);
	memmove(&r->loader[at + 1], &r->loader[at], (r->loaders - at) * sizeof(l));
	r->loader[at] = l;
	r->loaders++;
	return 0;
}
