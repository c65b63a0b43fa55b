// SPDX-License-Identifier: Apache-2.0
#include "dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "io.h"

/* One request: the head, and for a table one target with its parameters. */
struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char params[DM_PARAMS_MAX];
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

static int control_open(void)
{
	int fd = open(DM_CONTROL, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int load(int control, const char *name, const struct dm_table *t)
{
	uint32_t flags =
		(t->read_only ? DM_READONLY_FLAG : 0u) | (t->secret ? DM_SECURE_DATA_FLAG : 0u);
	struct request r;
	int rc;

	request_init(&r, name, flags);
	r.head.target_count = 1;
	r.target.length = t->sectors;
	(void)snprintf(r.target.target_type, sizeof(r.target.target_type), "%s", t->target);
	(void)snprintf(r.params, sizeof(r.params), "%s", t->params);
	rc = ioctl(control, DM_TABLE_LOAD, &r) ? -errno : 0;
	explicit_bzero(&r, sizeof(r));
	return rc;
}

int dm_create(const char *name, const struct dm_table *table, char ret_node[static DM_NODE_MAX],
	      struct err *err)
{
	int control _cleanup_close_ = control_open();
	struct request r;
	uint64_t dev;
	int rc;

	if (control < 0)
		return err_sys(err, control, "cannot open " DM_CONTROL);
	if (strlen(name) >= sizeof(r.head.name) || strlen(table->params) >= DM_PARAMS_MAX)
		return err_set(err, -ENAMETOOLONG, "the table of %s is too long", name);
	request_init(&r, name, 0);
	if (ioctl(control, DM_DEV_CREATE, &r))
		return err_sys(err, -errno, "cannot make device %s", name);
	dev = r.head.dev;
	rc = load(control, name, table);
	if (rc)
		(void)err_sys(err, rc, "the kernel refuses the dm-%s table of %s", table->target,
			      name);
	request_init(&r, name, 0);
	if (!rc && ioctl(control, DM_DEV_SUSPEND, &r))
		rc = err_sys(err, -errno, "cannot start dm-%s as %s", table->target, name);
	if (rc) {
		request_init(&r, name, 0);
		(void)ioctl(control, DM_DEV_REMOVE, &r);
		return rc;
	}
	(void)snprintf(ret_node, DM_NODE_MAX, "/dev/dm-%u", minor(dev));
	return 0;
}

int dm_remove(const char *name)
{
	int control _cleanup_close_ = control_open();
	struct request r;

	if (control < 0)
		return control;
	request_init(&r, name, 0);
	return ioctl(control, DM_DEV_REMOVE, &r) ? -errno : 0;
}

int dm_node(const char *name, char ret_node[static DM_NODE_MAX])
{
	int control _cleanup_close_ = control_open();
	struct request r;

	if (control < 0)
		return control;
	request_init(&r, name, 0);
	if (ioctl(control, DM_DEV_STATUS, &r))
		return -errno;
	(void)snprintf(ret_node, DM_NODE_MAX, "/dev/dm-%u", minor(r.head.dev));
	return 0;
}

int dm_ask(int control, dev_t dev, enum dm_ask what, const char *target, char *ret_text,
	   size_t size)
{
	struct request r;
	struct dm_target_spec spec;
	const char *text;
	size_t len;

	request_init(&r, "", what == DM_ASK_TABLE ? DM_STATUS_TABLE_FLAG : 0);
	/* The kernel's huge_encode_dev. */
	r.head.dev = (minor(dev) & 0xffu) | major(dev) << 8 | (minor(dev) & ~0xffu) << 12;
	/* The answer begins where data_start says, which the kernel sets. */
	if (ioctl(control, DM_TABLE_STATUS, &r))
		return -errno;
	if (r.head.flags & DM_BUFFER_FULL_FLAG || r.head.target_count != 1 ||
	    r.head.data_start > sizeof(r) - sizeof(spec) - 1)
		return -EINVAL;
	text = (const char *)&r + r.head.data_start;
	memcpy(&spec, text, sizeof(spec));
	text += sizeof(spec);
	len = strnlen(text, (size_t)((const char *)(&r + 1) - text));
	if (strncmp(spec.target_type, target, sizeof(spec.target_type)) != 0 || len >= size)
		return -EINVAL;
	memcpy(ret_text, text, len);
	ret_text[len] = '\0';
	return 0;
}
