// SPDX-License-Identifier: Apache-2.0
#include "installed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/initrd/disks.h"
#include "blockio.h"
#include "bootstate.h"
#include "fatread.h"
#include "io.h"

enum {
	IMAGE_MAX = 32 << 20, /* bytes of GRUB or the kernel */
	STATE_NUMBER = 2,     /* partitions: conf/disk.conf */
	DEFAULT_ESP = 1,
};

#define LOADER "EFI/BOOT/BOOTX64.EFI"
#define KERNEL "vmlinuz"

/* The value of a line key=value. */
static int line_value(const char *text, const char *key, char *ret, size_t max)
{
	size_t key_len = strlen(key), len;

	for (; text && *text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
		if (strncmp(text, key, key_len) != 0 || text[key_len] != '=')
			continue;
		text += key_len + 1;
		len = strcspn(text, "\n");
		if (len >= max)
			return -EINVAL;
		memcpy(ret, text, len);
		ret[len] = '\0';
		return 0;
	}
	return -ENOENT;
}

static int open_part(const struct installed *in, unsigned int number, int *ret_fd,
		     struct blockio *ret, struct err *err)
{
	char node[DISKS_NODE_MAX];
	int rc;

	disks_partition_node(in->disk, number, node);
	*ret_fd = open(node, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return err_sys(err, -errno, "open %s", node);
	rc = blockio_open_fd(ret_fd, ret, err);
	if (rc)
		err_prefix(err, "%s", node);
	return rc;
}

/* What GRUB wrote when it started this; without a valid copy, what a new disk has. */
static int read_state(struct installed *in, struct err *err)
{
	static const uint64_t at[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	struct bootstate_copy copies[2];
	uint8_t buf[BOOTSTATE_SIZE];
	int fd _cleanup_close_ = -1;
	struct blockio io;
	int i, rc = open_part(in, STATE_NUMBER, &fd, &io, err);

	if (rc)
		return rc;
	for (i = 0; i < 2; i++)
		if (io.read(io.ctx, buf, sizeof(buf), at[i]) ||
		    bootstate_parse(buf, sizeof(buf), &copies[i]))
			memset(&copies[i], 0, sizeof(copies[i]));
	i = bootstate_newest(copies);
	if (i < 0)
		return 0;
	in->esp = copies[i].state.esp;
	in->last_try = !(in->slot_b ? copies[i].state.b : copies[i].state.a).tries;
	return 0;
}

int installed_find(struct installed *ret, struct err *err)
{
	char text[1024], disk[64], slot[4];
	struct installed in = { .esp = DEFAULT_ESP };
	int rc;

	if (io_read_file("/run/cairn/boot", text, sizeof(text), NULL) ||
	    line_value(text, "disk", disk, sizeof(disk)) ||
	    line_value(text, "slot", slot, sizeof(slot)) || strncmp(disk, "/dev/", 5) != 0 ||
	    strlen(disk + 5) >= sizeof(in.disk))
		return err_set(err, -EINVAL, "/run/cairn/boot does not say where this runs from");
	(void)strcpy(in.disk, disk + 5);
	in.slot_b = slot[0] == 'b';
	rc = read_state(&in, err);
	if (rc)
		return rc;
	*ret = in;
	return 0;
}

static int check(const struct installed *in, unsigned int number, const char *path,
		 const struct authenticode_keys *keys, uint8_t *buf,
		 uint8_t ret_digest[static SHA256_SIZE], struct err *err)
{
	int fd _cleanup_close_ = -1;
	struct blockio io;
	size_t len;
	int rc = open_part(in, number, &fd, &io, err);

	if (!rc)
		rc = fatread_file(&io, path, buf, IMAGE_MAX, &len, err);
	if (!rc)
		rc = authenticode_check(buf, len, keys, ret_digest, err);
	if (rc)
		err_prefix(err, "%s of partition %u", path, number);
	return rc;
}

int installed_check(const struct installed *in, const struct authenticode_keys *keys,
		    uint8_t ret_loader[static SHA256_SIZE], uint8_t ret_kernel[static SHA256_SIZE],
		    struct err *err)
{
	uint8_t *buf _cleanup_free_ = malloc(IMAGE_MAX + FATREAD_SECTOR_BYTES);
	int rc;

	if (!buf)
		return err_set(err, -ENOMEM, "no memory");
	rc = check(in, in->esp == 2 ? 8 : 1, LOADER, keys, buf, ret_loader, err);
	if (!rc)
		rc = check(in, in->slot_b ? 5 : 3, KERNEL, keys, buf, ret_kernel, err);
	return rc;
}
