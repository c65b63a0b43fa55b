// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/blockio.h"
#include "lib/gpt.h"
#include "lib/io.h"

static int boot_disk(const char *boot_file, char *ret, size_t max, struct err *err)
{
	char text[1024], *p = text, *line;
	int rc = io_read_file(boot_file, text, sizeof(text), NULL);

	if (rc)
		return err_sys(err, rc, "cannot read %s", boot_file);
	while ((line = strsep(&p, "\n"))) {
		if (strncmp(line, "disk=/dev/", 10) != 0)
			continue;
		if (strlen(line + 5) >= max)
			break;
		(void)snprintf(ret, max, "%s", line + 5);
		return 0;
	}
	return err_set(err, -EINVAL, "%s names no disk", boot_file);
}

static int open_table(const char *disk, int flags, int *ret_fd, struct blockio *ret_io,
		      struct gpt *ret_gpt, struct err *err)
{
	int rc;

	*ret_fd = open(disk, flags | O_CLOEXEC);
	if (*ret_fd < 0)
		return err_sys(err, -errno, "cannot open %s", disk);
	rc = blockio_open_fd(ret_fd, ret_io, err);
	if (!rc)
		rc = gpt_read(ret_io, ret_gpt, err);
	if (rc)
		err_prefix(err, "%s", disk);
	return rc;
}

static int our_part(const struct gpt *g, struct gpt_part *ret, struct err *err)
{
	uint8_t type[GPT_GUID_BYTES];

	(void)gpt_guid_parse(DATA_TYPE_GUID, type);
	if (gpt_get(g, DATA_PARTITION, ret))
		return err_set(err, -ENOENT, "the disk has no partition %d", DATA_PARTITION);
	if (memcmp(ret->type, type, sizeof(type)) != 0)
		return err_set(err, -ENOENT, "partition %d is not of the type of DATA",
			       DATA_PARTITION);
	return 0;
}

static void take_part(struct data_disk *d, const struct gpt_part *part)
{
	d->start_bytes = part->first_lba * GPT_SECTOR_BYTES;
	d->size_bytes = (part->last_lba - part->first_lba + 1) * GPT_SECTOR_BYTES;
}

int data_disk_find(const char *boot_file, struct data_disk *ret, struct err *err)
{
	static struct gpt gpt;
	struct data_disk d;
	struct blockio io = { 0 };
	struct gpt_part part;
	int fd _cleanup_close_ = -1;
	int rc = boot_disk(boot_file, d.disk, sizeof(d.disk), err);

	if (!rc)
		rc = open_table(d.disk, O_RDONLY, &fd, &io, &gpt, err);
	if (!rc)
		rc = our_part(&gpt, &part, err);
	if (rc)
		return rc;
	/* The kernel's naming: nvme0n1p7, mmcblk0p7, but sda7. */
	(void)snprintf(d.part, sizeof(d.part), "%s%s%d", d.disk,
		       isdigit((unsigned char)d.disk[strlen(d.disk) - 1]) ? "p" : "",
		       DATA_PARTITION);
	take_part(&d, &part);
	*ret = d;
	return 0;
}

static int tell_kernel(int disk_fd, const struct data_disk *d, struct err *err)
{
	struct blkpg_partition part = { .start = (long long)d->start_bytes,
					.length = (long long)d->size_bytes,
					.pno = DATA_PARTITION };
	struct blkpg_ioctl_arg arg = { .op = BLKPG_RESIZE_PARTITION,
				       .datalen = sizeof(part),
				       .data = &part };
	int fd _cleanup_close_ = open(d->part, O_RDONLY | O_CLOEXEC);
	uint64_t now_bytes;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &now_bytes))
		return err_sys(err, -errno, "cannot open %s", d->part);
	if (now_bytes == d->size_bytes)
		return 0;
	return ioctl(disk_fd, BLKPG, &arg)
		       ? err_sys(err, -errno, "the kernel does not take the new size of %s",
				 d->part)
		       : 0;
}

/*
 * The table is written past the kernel's cache, which works in pages of 4096 bytes: sector 0 shares
 * one with the primary table, and a cut in the middle of a write must not find it there.
 */
struct direct {
	struct blockio cached;
	int fd;
};

static int direct_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	const struct direct *t = ctx;

	return t->cached.read(t->cached.ctx, ret_buf, len, offset_bytes);
}

static int direct_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	static _Alignas(4096) uint8_t aligned[GPT_ENTRIES_BYTES];
	const struct direct *t = ctx;

	if (t->fd < 0 || len > sizeof(aligned))
		return t->cached.write(t->cached.ctx, buf, len, offset_bytes);
	memcpy(aligned, buf, len);
	return io_pwrite(t->fd, aligned, len, offset_bytes);
}

static int direct_flush(void *ctx)
{
	const struct direct *t = ctx;

	return t->cached.flush(t->cached.ctx);
}

static int write_table(const struct data_disk *d, const struct blockio *io, struct gpt *gpt,
		       struct err *err)
{
	int fd _cleanup_close_ = open(d->disk, O_RDWR | O_DIRECT | O_CLOEXEC);
	struct direct t = { .cached = *io, .fd = fd };
	struct blockio direct = *io;

	direct.ctx = &t;
	direct.read = direct_read;
	direct.write = direct_write;
	direct.flush = direct_flush;
	return gpt_write(&direct, gpt, false, err);
}

int data_disk_grow(struct data_disk *d, struct err *ret_note, struct err *err)
{
	static struct gpt gpt;
	struct blockio io = { 0 };
	struct gpt_part before, after;
	int fd _cleanup_close_ = -1;
	bool damaged, moved;
	int rc = open_table(d->disk, O_RDWR, &fd, &io, &gpt, err);

	ret_note->msg[0] = '\0';
	if (rc)
		return rc;
	rc = our_part(&gpt, &before, err);
	if (rc)
		return rc;
	damaged = !gpt.primary_ok || !gpt.backup_ok;
	moved = gpt.disk_sectors != io.size_bytes / GPT_SECTOR_BYTES;
	rc = gpt_resize(&gpt, io.size_bytes / GPT_SECTOR_BYTES);
	if (!rc)
		rc = gpt_grow_last(&gpt, DATA_PARTITION);
	if (rc)
		return err_sys(err, rc, "cannot grow partition %d of %s", DATA_PARTITION, d->disk);
	(void)gpt_get(&gpt, DATA_PARTITION, &after);
	if (moved || damaged || before.last_lba != after.last_lba) {
		rc = write_table(d, &io, &gpt, err);
		if (rc) {
			err_prefix(err, "partition table of %s", d->disk);
			return rc;
		}
		(void)err_set(ret_note, 0, "partition table of %s written%s; DATA is %llu MiB",
			      d->disk, damaged && !moved ? ", a damaged copy mended" : "",
			      (unsigned long long)((after.last_lba - after.first_lba + 1) / 2048));
	}
	take_part(d, &after);
	return tell_kernel(fd, d, err);
}
