// SPDX-License-Identifier: Apache-2.0
#include "pcrmodel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "grubscript.h"
#include "pe.h"

enum { PATH_BYTES = 64, WHAT_BYTES = GRUBSCRIPT_LINE_MAX + 32 };

_Static_assert(BOOTSTATE_SIZE == GRUBSCRIPT_ENV_BYTES, "the boot state is an environment block");

/* A start that is under way. */
struct run {
	const struct pcrmodel_start *start;
	pcrmodel_event_fn *event;
	void *ctx;
	struct pcrmodel_end end;
	enum bootstate_slot loaded;
	char arguments[GRUBSCRIPT_LINE_MAX]; /* of the kernel that is loaded */
	struct err *err;
	int rc; /* what the callback returned, where GRUB would go on */
};

static const uint8_t separator[4];

static int emit(struct run *r, uint32_t pcr, const uint8_t *digest, const char *what)
{
	int rc = r->event(r->ctx, pcr, digest, what);

	if (rc && !r->rc)
		r->rc = rc;
	return rc;
}

static int emit_data(struct run *r, uint32_t pcr, const void *data, size_t len, const char *what)
{
	uint8_t digest[SHA256_SIZE];

	sha256(data, len, digest);
	return emit(r, pcr, digest, what);
}

/* tpm.c of GRUB: the text alone, without a NUL. */
static int on_command(void *ctx, const char *line, bool quiet)
{
	struct run *r = ctx;

	return quiet ? 0 : emit_data(r, 8, line, strlen(line), line);
}

/* is_file - does path name this file of a partition of the disk that started? */
static bool is_file(const struct run *r, const char *path, int part, const char *name)
{
	char want[PATH_BYTES];

	(void)snprintf(want, sizeof(want), "(hd%u,gpt%d)/%s", r->start->disk, part, name);
	return strcmp(path, want) == 0;
}

static const int boot_part[2] = { 3, 5 };

static int on_read(void *ctx, const char *path, const char **ret_text, size_t *ret_len)
{
	struct run *r = ctx;
	int i;

	/* The memory disk is part of the image: neither signed nor measured once more. */
	if (strcmp(path, "(memdisk)/grub.cfg") == 0) {
		*ret_text = r->start->grub.config;
		*ret_len = r->start->grub.config_len;
		return 0;
	}
	for (i = 0; i < 2; i++) {
		const struct pcrmodel_slot *slot = &r->start->slot[i];

		if (!is_file(r, path, boot_part[i], "slot.cfg"))
			continue;
		if (!slot->config_signed)
			return -EACCES;
		*ret_text = (const char *)slot->config;
		*ret_len = slot->config_len;
		return emit(r, 9, slot->config_sha256, path);
	}
	return -ENOENT;
}

static int on_load(void *ctx, const char *path, const char *arguments)
{
	struct run *r = ctx;
	int i, rc;

	r->loaded = BOOTSTATE_NONE;
	for (i = 0; i < 2; i++) {
		const struct pcrmodel_slot *slot = &r->start->slot[i];

		if (!is_file(r, path, boot_part[i], "vmlinuz"))
			continue;
		if (!slot->kernel_signed)
			return -EACCES;
		rc = emit(r, 9, slot->kernel_sha256, path);
		if (rc)
			return rc;
		if (!slot->kernel_taken)
			return -EACCES;
		rc = emit(r, 4, slot->kernel, "kernel");
		if (rc)
			return rc;
		r->loaded = i == 0 ? BOOTSTATE_A : BOOTSTATE_B;
		memcpy(r->arguments, arguments, strlen(arguments) + 1);
		return 0;
	}
	return -ENOENT;
}

static int env_number(const struct run *r, const char *path)
{
	return is_file(r, path, 2, "S0.ENV") ? 0 : is_file(r, path, 2, "S1.ENV") ? 1 : -1;
}

static int on_env_read(void *ctx, const char *path, uint8_t ret[static GRUBSCRIPT_ENV_BYTES])
{
	struct run *r = ctx;
	int n = env_number(r, path);

	if (n < 0)
		return -ENOENT;
	memcpy(ret, r->end.state[n], GRUBSCRIPT_ENV_BYTES);
	return 0;
}

static int on_env_write(void *ctx, const char *path,
			const uint8_t block[static GRUBSCRIPT_ENV_BYTES])
{
	struct run *r = ctx;
	int n = env_number(r, path);

	if (n < 0 || !r->start->takes[n])
		return -EIO;
	memcpy(r->end.state[n], block, GRUBSCRIPT_ENV_BYTES);
	return 0;
}

/*
 * Linux's EFI stub (drivers/firmware/efi/libstub, efi_convert_cmdline of 6.12): the LoadOptions
 * that chainloader made of its words, UTF-16 with the NUL at their end.
 */
static int emit_options(struct run *r)
{
	uint8_t options[2 * GRUBSCRIPT_LINE_MAX];
	char what[WHAT_BYTES];
	size_t len = strlen(r->arguments), i;

	if (!len)
		return err_set(r->err, -ENOTSUP, "a kernel without a command line");
	for (i = 0; i <= len; i++)
		le16_store(options + 2 * i, (uint8_t)r->arguments[i]);
	(void)snprintf(what, sizeof(what), "LoadOptions %s", r->arguments);
	return emit_data(r, 9, options, 2 * (len + 1), what);
}

static int prepare(struct run *r, struct grubscript *g)
{
	char cmdpath[PATH_BYTES];

	(void)snprintf(cmdpath, sizeof(cmdpath), "(hd%u,gpt%u)%s", r->start->disk,
		       r->start->esp_part, r->start->path);
	return grubscript_set(g, "cmdpath", cmdpath) ? err_set(r->err, -EINVAL, "a path too long")
						     : 0;
}

static int run(struct run *r, struct grubscript *g, enum grubscript_end *ret_end)
{
	static const char calling[] = PCR4_CALLING;
	const struct pcrmodel_start *start = r->start;
	const struct grubscript_machine machine = {
		.ctx = r,
		.command = on_command,
		.read = on_read,
		.load = on_load,
		.env_read = on_env_read,
		.env_write = on_env_write,
	};
	int rc = emit_data(r, 4, calling, sizeof(calling) - 1,
			   "firmware action \"" PCR4_CALLING "\"");

	if (!rc)
		rc = emit_data(r, 4, separator, sizeof(separator), "separator");
	if (!rc)
		rc = emit(r, 4, start->loader, "stage-1 GRUB");
	if (!rc)
		rc = prepare(r, g);
	if (!rc)
		rc = grubscript_run(g, &machine, start->grub.early, start->grub.early_len, true,
				    ret_end, r->err);
	if (!rc && r->rc)
		rc = r->rc;
	if (!rc && *ret_end == GRUBSCRIPT_BOOT)
		rc = emit_options(r);
	return rc;
}

int pcrmodel_run(const struct pcrmodel_start *start, pcrmodel_event_fn *event, void *ctx,
		 struct pcrmodel_end *ret, struct err *err)
{
	struct run r = { .start = start, .event = event, .ctx = ctx, .err = err };
	struct grubscript *g = grubscript_new();
	enum grubscript_end end = GRUBSCRIPT_DONE;
	int rc;

	if (!g)
		return err_set(err, -ENOMEM, "no memory");
	memcpy(r.end.state, start->state, sizeof(r.end.state));
	rc = run(&r, g, &end);
	grubscript_free(g);
	if (rc)
		return rc;
	r.end.started = end == GRUBSCRIPT_BOOT ? r.loaded : BOOTSTATE_NONE;
	*ret = r.end;
	return 0;
}

int pcrmodel_slot_init(struct pcrmodel_slot *slot, const uint8_t *config, size_t config_len,
		       const uint8_t *kernel, size_t kernel_len, struct err *err)
{
	struct pe pe;
	int rc = pe_parse(kernel, kernel_len, &pe, err);

	if (rc)
		return rc;
	memset(slot, 0, sizeof(*slot));
	slot->config = config;
	slot->config_len = config_len;
	sha256(config, config_len, slot->config_sha256);
	sha256(kernel, kernel_len, slot->kernel_sha256);
	pe_hash(kernel, kernel_len, &pe, pe.cert_bytes ? 0 : pe_pad(kernel_len), slot->kernel);
	slot->config_signed = slot->kernel_signed = slot->kernel_taken = true;
	return 0;
}

/* The names of a release's events of PCR 9, without the disk and the words of the command line. */
static int take_event(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE],
		      const char *what)
{
	struct pcrrelease *r = ctx;
	struct pcrrelease_event *e = &r->event[r->events];
	const char *slash = strrchr(what, '/');

	if (pcr != 9)
		return 0;
	if (r->events == PCRRELEASE_EVENTS_MAX)
		return -E2BIG;
	r->events++;
	if (strncmp(what, "LoadOptions ", 12) == 0)
		(void)snprintf(e->what, sizeof(e->what), "LoadOptions");
	else
		(void)snprintf(e->what, sizeof(e->what), "%s", slash ? slash + 1 : what);
	memcpy(e->digest, digest, SHA256_SIZE);
	return 0;
}

/* The least that starts slot a: what the release measures does not depend on how it was picked. */
static const char starter[] = "set root=hd0,gpt3\nsource ($root)/slot.cfg\nboot\n";

int pcrmodel_release(const struct pcrmodel_slot *slot, struct pcrrelease *ret, struct err *err)
{
	struct pcrmodel_start start = {
		.grub = { .early = starter, .early_len = sizeof(starter) - 1 },
		.slot = { *slot },
		.esp_part = 1,
		.path = "",
	};
	struct pcrmodel_end end = { .started = BOOTSTATE_NONE };
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = pcrmodel_run(&start, take_event, ret, &end, err);
	if (rc)
		return rc;
	if (end.started != BOOTSTATE_A)
		return err_set(err, -ENOTSUP, "slot.cfg starts no kernel");
	memcpy(ret->kernel, slot->kernel, SHA256_SIZE);
	return 0;
}
