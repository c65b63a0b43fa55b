// SPDX-License-Identifier: Apache-2.0
#include "dmverity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "lib/hex.h"
#include "lib/io.h"
#include "lib/verity.h"

#define SECTORS_A_BLOCK (VERITY_BLOCK_BYTES / 512)

/* One request: the head, and for a table one target with its parameters. */
struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char params[512];
};

static void request_init(struct request *r, const char *name, uint32_t flags)
{
	memset(r, 0, sizeof(*r));
	r->head.version[0] = DM_VERSION_MAJOR;
	r->head.data_size = sizeof(*r);
	r->head.data_start = offsetof(struct request, target);
	r->head.flags = flags;
	(void)snprintf(r->head.name, sizeof(r->head.name), "%s", name);
}

/*
 * Documentation/admin-guide/device-mapper/verity.rst. panic_on_corruption: a changed block was
 * never run, and what read it cannot be trusted to cope with an I/O error. A panic, unlike
 * restart_on_corruption, says so on the console and leaves the reason in pstore; panic=10 on the
 * command line then restarts the machine, so that GRUB can take its other slot.
 */
static void put_table(struct request *r, const struct dmverity *v)
{
	char root[2 * SHA256_SIZE + 1], salt[2 * VERITY_SALT_MAX + 1];

	hex_encode(v->root, SHA256_SIZE, root);
	hex_encode(v->salt, v->salt_size, salt);
	r->head.target_count = 1;
	r->target.length = v->data_blocks * SECTORS_A_BLOCK;
	(void)snprintf(r->target.target_type, sizeof(r->target.target_type), "verity");
	(void)snprintf(r->params, sizeof(r->params),
		       "1 %s %s %d %d %llu %llu sha256 %s %s 1 panic_on_corruption", v->device,
		       v->device, VERITY_BLOCK_BYTES, VERITY_BLOCK_BYTES,
		       (unsigned long long)v->data_blocks, (unsigned long long)v->data_blocks, root,
		       salt[0] ? salt : "-");
}

int dmverity_open(const char *name, const struct dmverity *v, char *ret_node, size_t max,
		  struct err *err)
{
	int fd _cleanup_close_ = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	struct request r;
	uint64_t dev;
	int rc = 0;

	if (fd < 0)
		return err_sys(err, -errno, "cannot open /dev/mapper/control");
	request_init(&r, name, 0);
	if (ioctl(fd, DM_DEV_CREATE, &r))
		return err_sys(err, -errno, "cannot make device %s", name);
	dev = r.head.dev;
	request_init(&r, name, DM_READONLY_FLAG);
	put_table(&r, v);
	if (ioctl(fd, DM_TABLE_LOAD, &r))
		rc = err_sys(err, -errno, "the kernel refuses dm-verity on %s", v->device);
	request_init(&r, name, 0);
	if (!rc && ioctl(fd, DM_DEV_SUSPEND, &r))
		rc = err_sys(err, -errno, "cannot start dm-verity on %s", v->device);
	if (rc) {
		request_init(&r, name, 0);
		(void)ioctl(fd, DM_DEV_REMOVE, &r);
		return rc;
	}
	(void)snprintf(ret_node, max, "/dev/dm-%u", minor(dev));
	return 0;
}
