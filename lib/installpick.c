// SPDX-License-Identifier: Apache-2.0
#include "installpick.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "bootstate.h"

enum { PART_ESP = 1, PART_STATE = 2, PART_DATA = 7 };

/* NULL, or why the disk does not fit. */
static const char *unfit(const struct installspec *spec, const struct installpick_disk *d)
{
	if (d->is_source)
		return "this system runs from it";
	if (d->transport == INSTALL_OTHER ||
	    (spec->transport != INSTALL_ANY_INTERNAL && spec->transport != d->transport))
		return install_transport_name(d->transport);
	if (d->size_bytes < spec->min_bytes)
		return "too small";
	if (spec->model[0] && fnmatch(spec->model, d->model, 0) != 0)
		return "another model";
	return NULL;
}

int installpick(const struct installspec *spec, const struct installpick_disk *disks, size_t count,
		struct err *err)
{
	char text[240] = "";
	size_t i, used = 0;
	int found = -1;

	for (i = 0; i < count; i++) {
		const char *why = unfit(spec, &disks[i]);

		if (!why && found >= 0)
			return err_set(err, -EEXIST,
				       "two disks fit, %s (%s) and %s (%s): describe one of them",
				       disks[found].name, disks[found].model, disks[i].name,
				       disks[i].model);
		if (!why)
			found = (int)i;
		else if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s: %s",
						 used ? ", " : "", disks[i].name, why);
	}
	if (found < 0)
		return err_set(err, -ENOENT, "no disk fits (%s)", used ? text : "there is none");
	return found;
}

/* Magic numbers of what a disk may hold, in its first MiB; the most telling first. */
static const char *name_of(const uint8_t *b)
{
	static const struct {
		size_t offset;
		const char *magic;
		size_t len;
		const char *name;
	} known[] = {
		{ 512, "EFI PART", 8, "a partition table" },
		{ 1080, "\x53\xef", 2, "ext4" },
		{ 0, "XFSB", 4, "XFS" },
		{ 65600, "_BHRfS_M", 8, "btrfs" },
		{ 0, "LUKS\xba\xbe", 6, "LUKS" },
		{ 3, "NTFS    ", 8, "NTFS" },
		{ 3, "EXFAT   ", 8, "exFAT" },
		{ 54, "FAT", 3, "FAT" },
		{ 82, "FAT32", 5, "FAT" },
		{ 4086, "SWAPSPACE2", 10, "swap" },
		{ 512, "LABELONE", 8, "LVM" },
		{ 4096, "\xfc\x4e\x2b\xa9", 4, "a RAID" },
		{ 1024, "\x10\x20\xf5\xf2", 4, "f2fs" },
		{ 0, "hsqs", 4, "squashfs" },
		{ 32769, "CD001", 5, "ISO 9660" },
		{ 510, "\x55\xaa", 2, "a partition table" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (memcmp(b + known[i].offset, known[i].magic, known[i].len) == 0)
			return known[i].name;
	return "unknown data";
}

/* Partitions 2 to 7 of our types: 63616972-6e00-4000-8000-00000000000N. */
static bool is_cairn(const struct gpt *g)
{
	static const uint8_t type_of[] = { 2, 3, 4, 3, 4, 7 };
	uint8_t type[GPT_GUID_BYTES];
	struct gpt_part part;
	unsigned int n;

	if (gpt_guid_parse("63616972-6e00-4000-8000-000000000000", type))
		return false;
	for (n = 0; n < sizeof(type_of); n++) {
		type[15] = type_of[n];
		if (gpt_get(g, n + 2, &part) || memcmp(part.type, type, sizeof(type)) != 0)
			return false;
	}
	return true;
}

static bool all_zero(const uint8_t *buf, size_t len)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

/*
 * An installation that was cut while it wrote its table (lib/installwrite.h): no valid table, our
 * boot state where it belongs, and no head of the ESP. An older Cairn that lost its table has one.
 */
static bool was_cut(const struct blockio *io, const struct gpt *ours, uint8_t *buf)
{
	struct gpt_part esp, state;

	return gpt_get(ours, PART_ESP, &esp) == 0 && gpt_get(ours, PART_STATE, &state) == 0 &&
	       io->read(io->ctx, buf, INSTALLPICK_PROBE_BYTES, esp.first_lba * GPT_SECTOR_BYTES) ==
		       0 &&
	       all_zero(buf, INSTALLPICK_PROBE_BYTES) &&
	       io->read(io->ctx, buf, BOOTSTATE_HEAD_BYTES, state.first_lba * GPT_SECTOR_BYTES) ==
		       0 &&
	       bootstate_check_fs(buf, BOOTSTATE_HEAD_BYTES);
}

int install_probe(const struct blockio *io, const struct gpt *ours, uint8_t *buf,
		  enum install_content *ret_content, const char **ret_what, struct gpt *ret_table,
		  struct err *err)
{
	uint64_t last = io->size_bytes - INSTALLPICK_PROBE_BYTES;
	const char *what = NULL;
	bool has_table;
	int end, rc;

	if (io->size_bytes < INSTALLPICK_PROBE_BYTES)
		return err_set(err, -ENOSPC, "the disk has less than a MiB");
	has_table = gpt_read(io, ret_table, NULL) == 0;
	if (has_table && is_cairn(ret_table)) {
		*ret_content = INSTALL_CAIRN;
		*ret_what = "a Cairn";
		return 0;
	}
	for (end = 0; end < 2 && !what; end++) {
		rc = io->read(io->ctx, buf, INSTALLPICK_PROBE_BYTES, end ? last : 0);
		if (rc)
			return err_sys(err, rc, "cannot read the disk");
		if (!all_zero(buf, INSTALLPICK_PROBE_BYTES))
			what = end ? "unknown data" : name_of(buf);
	}
	*ret_content = INSTALL_EMPTY;
	*ret_what = "nothing";
	if (what && !has_table && was_cut(io, ours, buf)) {
		*ret_what = "an installation that was cut";
	} else if (what) {
		*ret_content = INSTALL_DATA;
		*ret_what = what;
	}
	return 0;
}

int install_allowed(const struct installspec *spec, enum install_content content, const char *what,
		    struct err *err)
{
	static const enum install_over needed[] = {
		[INSTALL_EMPTY] = INSTALL_OVER_NEVER,
		[INSTALL_CAIRN] = INSTALL_OVER_CAIRN,
		[INSTALL_DATA] = INSTALL_OVER_ANY,
	};

	if (spec->over >= needed[content])
		return 0;
	return err_set(err, -EEXIST, "it holds %s, and over=%s in conf/install.conf", what,
		       spec->over == INSTALL_OVER_CAIRN ? "cairn" : "never");
}

static int same_place(const struct gpt *a, const struct gpt *b, unsigned int number)
{
	struct gpt_part pa, pb;

	return gpt_get(a, number, &pa) == 0 && gpt_get(b, number, &pb) == 0 &&
	       pa.first_lba == pb.first_lba && (number == PART_DATA || pa.last_lba == pb.last_lba);
}

int install_table(const struct gpt *source, uint64_t target_sectors, uint64_t data_sectors,
		  const struct gpt *old, struct gpt *ret, struct err *err)
{
	struct gpt_part data;
	unsigned int n;

	*ret = *source;
	if (!is_cairn(source) || gpt_get(source, PART_DATA, &data))
		return err_set(err, -EINVAL, "the stick's partition table is none of ours");
	for (n = PART_ESP; old && n <= PART_DATA; n++)
		if (!same_place(source, old, n))
			return err_set(
				err, -EXDEV,
				"its partition %u lies elsewhere than ours, so DATA cannot be "
				"kept (keep=no would erase it)",
				n);
	/* The entry is replaced, because the stick's own may have grown or shrunk. */
	memset(ret->entries + (PART_DATA - 1) * GPT_ENTRY_BYTES, 0, GPT_ENTRY_BYTES);
	if (gpt_resize(ret, target_sectors))
		return err_set(err, -ENOSPC, "the disk is too small for the partitions");
	if (old)
		(void)gpt_get(old, PART_DATA, &data);
	else
		data.last_lba = data.first_lba + data_sectors - 1;
	if (gpt_set(ret, PART_DATA, &data))
		return err_set(err, -ENOSPC, "the disk is too small for the partitions");
	return 0;
}
