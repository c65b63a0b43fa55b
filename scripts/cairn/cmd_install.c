// SPDX-License-Identifier: Apache-2.0
/*
 * A bundle into the slot of a disk or of an image file that is not running: the same code, in the
 * same order, as on the device. Also built for the device's libraries, to be measured.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "blockrange.h"
#include "bootstateio.h"
#include "bundleget.h"
#include "gpt.h"
#include "io.h"
#include "slotfork.h"
#include "slotinstall.h"
#include "slotio.h"

/* --- the bundle file as a source --- */

struct file_source {
	const char *path;
	int fd;
	uint64_t at, end;
};

static int file_begin(void *ctx, uint64_t offset, uint64_t len, struct err *err)
{
	struct file_source *f = ctx;

	(void)err;
	f->at = offset;
	f->end = offset + len;
	(void)posix_fadvise(f->fd, (off_t)offset, (off_t)len, POSIX_FADV_SEQUENTIAL);
	return 0;
}

static int file_pull(void *ctx, void *ret_buf, size_t len, struct err *err)
{
	struct file_source *f = ctx;
	int rc = len > f->end - f->at ? -ENODATA : io_pread(f->fd, ret_buf, len, f->at);

	f->at += len;
	return rc ? err_sys(err, rc, "read %s", f->path) : 0;
}

/* --- the disk --- */

enum part { STATE, BOOT_A, ROOT_A, BOOT_B, ROOT_B, PARTS };

static const char *const part_names[PARTS] = { "cairn-state", "cairn-boot-a", "cairn-root-a",
					       "cairn-boot-b", "cairn-root-b" };

struct disk {
	struct slotio direct; /* what is written and read back */
	struct slotio cached; /* what a delta goes on from, in small pieces */
	struct blockrange part[PARTS], old[PARTS];
};

static int find_parts(struct disk *d, const char *path, struct err *err)
{
	struct gpt *g _cleanup_free_ = malloc(sizeof(*g));
	unsigned int n, p;
	int rc;

	if (!g)
		return err_set(err, -ENOMEM, "no memory");
	rc = gpt_read(&d->cached.io, g, err);
	if (rc) {
		err_prefix(err, "%s", path);
		return rc;
	}
	for (p = 0; p < PARTS; p++) {
		struct gpt_part part;

		for (n = 1; n <= GPT_ENTRIES; n++)
			if (gpt_get(g, n, &part) == 0 && strcmp(part.name, part_names[p]) == 0)
				break;
		if (n > GPT_ENTRIES)
			return err_set(err, CMD_REFUSED, "%s has no partition %s", path,
				       part_names[p]);
		blockrange_init(&d->part[p], &d->direct.io, part.first_lba * GPT_SECTOR_BYTES,
				(part.last_lba - part.first_lba + 1) * GPT_SECTOR_BYTES);
		blockrange_init(&d->old[p], &d->cached.io, part.first_lba * GPT_SECTOR_BYTES,
				(part.last_lba - part.first_lba + 1) * GPT_SECTOR_BYTES);
	}
	return 0;
}

static int open_disk(struct disk *d, const char *path, struct err *err)
{
	int rc = slotio_open(&d->cached, path, 0, err);

	if (!rc)
		rc = slotio_open(&d->direct, path, SLOTIO_WRITE | SLOTIO_DIRECT | SLOTIO_EXCLUSIVE,
				 err);
	return rc ? rc : find_parts(d, path, err);
}

/* --- the command --- */

struct install {
	struct bundleget get;
	struct trust trust;
	struct file_source file;
	struct piecefeed_source source;
	struct disk disk;
	struct bundle_want want;
	enum bootstate_slot slot; /* NONE: the one that is not primary */
	bool activate;
	uint64_t now;
};

static int load_trust(struct install *in, const char *path, struct err *err)
{
	uint8_t *buf;
	size_t len;
	int rc = cmd_load(path, SIGNED_MAX, 0, &buf, &len, err);

	if (rc)
		return rc;
	rc = trust_open(buf, len, &in->trust, err);
	free(buf);
	if (rc)
		err_prefix(err, "%s", path);
	return rc ? CMD_REFUSED : 0;
}

static int refused(const char *path, int rc, struct err *err)
{
	if (!rc)
		return 0;
	err_prefix(err, "%s", path);
	return rc == -EIO || rc == -ENODATA ? rc : CMD_REFUSED;
}

static int check_bundle(struct install *in, struct err *err)
{
	int rc = bundleget_manifest(&in->get, &in->source, NULL, &in->trust, in->now, err);

	if (rc)
		return rc;
	/* What is not asked for is taken as the bundle has it: a disk does not say what it is. */
	if (!in->want.compatible)
		in->want.compatible = in->get.bundle.compatible;
	in->want.architecture = in->get.bundle.architecture;
	in->want.stage1 = UINT32_MAX;
	rc = bundle_check(&in->get.bundle, &in->want, err);
	return rc ? rc : bundleget_tables(&in->get, &in->source, err);
}

static int write_slot(struct install *in, struct slotwrite *w, struct slotwrite_result *ret,
		      struct err *err)
{
	static const char *const labels[] = { "", "boot-a", "root-a", "boot-b", "root-b" };
	enum part boot = in->slot == BOOTSTATE_A ? BOOT_A : BOOT_B;
	enum part old = in->slot == BOOTSTATE_A ? BOOT_B : BOOT_A;
	const struct slotwrite_target targets[] = {
		{ BUNDLE_BOOT, &in->disk.part[boot].io, labels[boot], &in->disk.old[old].io,
		  labels[old] },
		{ BUNDLE_ROOT, &in->disk.part[boot + 1].io, labels[boot + 1],
		  &in->disk.old[old + 1].io, labels[old + 1] },
	};
	struct slotwrite_job job = {
		.bundle = &in->get.bundle,
		.tables = in->get.tables,
		.head_bytes = in->get.doc.total,
		.targets = targets,
		.count = 2,
		.source = &in->source,
	};
	enum slotinstall_step step;
	struct slotfork reader;
	bool beside = slotfork_start(&reader, &job, NULL, 0) == 0;
	int rc = slotinstall_write(&in->disk.part[STATE].io, bootstate_other(in->slot), in->slot, w,
				   &job, ret, &step, err);

	if (beside)
		slotfork_stop(&reader);
	return rc;
}

static int install(struct install *in, struct err *err)
{
	struct slotwrite *w _cleanup_free_ = slotwrite_new();
	struct bootstateio state;
	struct slotwrite_result result;
	int rc = bootstateio_load(&in->disk.part[STATE].io, BOOTSTATE_A, &state, err);

	if (rc || !w)
		return w ? rc : err_set(err, -ENOMEM, "no memory");
	if (in->slot == BOOTSTATE_NONE)
		in->slot = bootstate_other(state.state.primary);
	rc = write_slot(in, w, &result, err);
	if (!rc && in->activate)
		rc = slotinstall_activate(&in->disk.part[STATE].io, bootstate_other(in->slot),
					  in->slot, err);
	if (rc == -ESTALE || rc == -EBADMSG || rc == -EPROTO || rc == -ENOSPC)
		return CMD_REFUSED;
	if (rc)
		return rc;
	(void)printf("slot=%s\nversion=%s\nrelease=%" PRIu64 "\nfetched=%" PRIu64
		     "\nwritten=%" PRIu64 "\nskipped=%" PRIu64 "\n",
		     bootstate_name(in->slot), in->get.bundle.version, in->get.bundle.release,
		     result.fetched_bytes, result.written_bytes, result.skipped_bytes);
	return CMD_OK;
}

static int run(struct install *in, const char *trust, const char *bundle, const char *disk,
	       struct err *err)
{
	int rc = load_trust(in, trust, err);

	if (rc)
		return rc;
	in->file = (struct file_source){ .path = bundle, .fd = open(bundle, O_RDONLY | O_CLOEXEC) };
	in->source = (struct piecefeed_source){ &in->file, file_begin, file_pull };
	if (in->file.fd < 0)
		return err_sys(err, -errno, "open %s", bundle);
	rc = refused(bundle, check_bundle(in, err), err);
	if (!rc)
		rc = open_disk(&in->disk, disk, err);
	return rc ? rc : install(in, err);
}

int cmd_install(int argc, char **argv, struct err *err)
{
	enum { TRUST = 1, SLOT, COMPATIBLE, NO_ACTIVATE, TIME };
	static const struct option options[] = {
		{ "trust", required_argument, NULL, TRUST },
		{ "slot", required_argument, NULL, SLOT },
		{ "compatible", required_argument, NULL, COMPATIBLE },
		{ "no-activate", no_argument, NULL, NO_ACTIVATE },
		{ "time", required_argument, NULL, TIME },
		{ NULL, 0, NULL, 0 },
	};
	struct install *in = calloc(1, sizeof(*in));
	const char *trust = NULL;
	int c, rc = 0;

	if (!in)
		return err_set(err, -ENOMEM, "no memory");
	in->activate = true;
	in->now = (uint64_t)time(NULL);
	in->file.fd = in->disk.direct.fd = in->disk.cached.fd = -1;
	in->disk.direct.direct_fd = in->disk.cached.direct_fd = -1;
	while (!rc && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case TRUST:
			trust = optarg;
			break;
		case SLOT:
			if (strcmp(optarg, "a") != 0 && strcmp(optarg, "b") != 0)
				rc = cmd_usage(err, "--slot %s: a or b", optarg);
			in->slot = optarg[0] == 'a' ? BOOTSTATE_A : BOOTSTATE_B;
			break;
		case COMPATIBLE:
			in->want.compatible = optarg;
			break;
		case NO_ACTIVATE:
			in->activate = false;
			break;
		case TIME:
			if (cmd_time(optarg, &in->now))
				rc = cmd_usage(err, "--time %s: no time", optarg);
			break;
		default:
			rc = CMD_USAGE;
		}
	}
	if (!rc && (argc - optind != 2 || !trust))
		rc = cmd_usage(err, "--trust FILE, BUNDLE and DISK");
	if (!rc)
		rc = run(in, trust, argv[optind], argv[optind + 1], err);
	if (in->file.fd >= 0)
		(void)close(in->file.fd);
	slotio_close(&in->disk.direct);
	slotio_close(&in->disk.cached);
	free(in);
	return rc;
}
