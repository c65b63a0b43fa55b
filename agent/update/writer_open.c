// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

#define BOOT_FILE "/run/cairn/boot"
#define NODE_MAX 64

/* The value of a line key=value of a file that was read whole. */
static int line_value(const char *text, const char *key, char *ret, size_t max)
{
	size_t key_len = strlen(key);

	while (text && *text) {
		size_t len = strcspn(text, "\n");

		if (strncmp(text, key, key_len) == 0 && text[key_len] == '=') {
			text += key_len + 1;
			len -= key_len + 1;
			if (len >= max)
				return -EINVAL;
			memcpy(ret, text, len);
			ret[len] = '\0';
			return 0;
		}
		text += len;
		text += *text == '\n';
	}
	return -ENOENT;
}

static int line_number(const char *text, const char *key, uint64_t *ret)
{
	char value[24];
	char *end;
	int rc = line_value(text, key, value, sizeof(value));

	if (rc)
		return rc;
	if (value[0] < '0' || value[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(value, &end, 10);
	return *end || errno ? -EINVAL : 0;
}

static int read_release(struct writer_release *r, const char *path, struct err *err)
{
	char text[2048];
	int rc = io_read_file(path, text, sizeof(text), NULL);

	if (rc)
		return err_sys(err, rc, "read %s", path);
	rc = line_value(text, "compatible", r->compatible, sizeof(r->compatible));
	rc = rc ? rc : line_value(text, "architecture", r->architecture, sizeof(r->architecture));
	rc = rc ? rc : line_number(text, "release", &r->release);
	rc = rc ? rc : line_number(text, "floor", &r->floor);
	rc = rc ? rc : line_number(text, "build_time", &r->build_time);
	return rc ? err_set(err, rc, "%s does not say what the running release is", path) : 0;
}

static int read_trust(struct trust *t, const char *path, struct err *err)
{
	uint8_t *buf _cleanup_free_ = malloc(SIGNED_MAX + 1);
	size_t len;
	int rc;

	if (!buf)
		return err_set(err, -ENOMEM, "no memory");
	rc = io_read_file(path, buf, SIGNED_MAX + 1, &len);
	if (rc)
		return err_sys(err, rc, "read %s", path);
	rc = trust_open(buf, len, t, err);
	if (rc)
		err_prefix(err, "%s", path);
	return rc;
}

int writer_open(struct writer *w, const struct writer_paths *paths, enum bootstate_slot running,
		struct err *err)
{
	const unsigned int ours = SLOTIO_WRITE | SLOTIO_DIRECT;
	int i, rc;

	w->running = running;
	w->inactive = bootstate_other(running);
	for (i = 0; i < 4; i++)
		(void)snprintf(w->label[i], sizeof(w->label[i]), "%s-%s", i % 2 ? "root" : "boot",
			       bootstate_name(i < 2 ? w->inactive : running));
	w->get = malloc(sizeof(*w->get));
	w->slotwrite = slotwrite_new();
	if (!w->get || !w->slotwrite)
		return err_set(err, -ENOMEM, "no memory");
	rc = read_release(&w->release, paths->release, err);
	rc = rc ? rc : read_trust(&w->shipped, paths->trust, err);
	rc = rc ? rc : slotio_open(&w->state, paths->state, ours, err);
	rc = rc ? rc : slotio_open(&w->boot, paths->boot, ours, err);
	rc = rc ? rc : slotio_open(&w->root, paths->root, ours, err);
	/* Small reads at any byte, through the cache; no right to write. */
	rc = rc ? rc : slotio_open(&w->old_boot, paths->old_boot, 0, err);
	return rc ? rc : slotio_open(&w->old_root, paths->old_root, 0, err);
}

static void node(const char *disk, unsigned int number, char ret[static NODE_MAX])
{
	char last = disk[strlen(disk) - 1];

	(void)snprintf(ret, NODE_MAX, "%.32s%s%u", disk, last >= '0' && last <= '9' ? "p" : "",
		       number);
}

int writer_open_machine(struct writer *w, struct err *err)
{
	char text[1024], disk[33], nodes[5][NODE_MAX];
	struct writer_paths paths = {
		.state = nodes[0],
		.boot = nodes[1],
		.root = nodes[2],
		.old_boot = nodes[3],
		.old_root = nodes[4],
		.trust = "/etc/cairn/trust",
		.release = "/etc/cairn/release",
	};
	uint64_t root_part;
	bool a_runs;
	int rc = io_read_file(BOOT_FILE, text, sizeof(text), NULL);

	if (rc)
		return err_sys(err, rc, "read " BOOT_FILE);
	/* The partition that the root was found in is what runs, whatever GRUB noted. */
	if (line_value(text, "disk", disk, sizeof(disk)) || strncmp(disk, "/dev/", 5) != 0 ||
	    !disk[5] || line_number(text, "rootpart", &root_part) ||
	    (root_part != 4 && root_part != 6))
		return err_set(err, -EINVAL, BOOT_FILE " does not say what runs");
	a_runs = root_part == 4;
	node(disk, 2, nodes[0]);
	node(disk, a_runs ? 5 : 3, nodes[1]);
	node(disk, a_runs ? 6 : 4, nodes[2]);
	node(disk, a_runs ? 3 : 5, nodes[3]);
	node(disk, a_runs ? 4 : 6, nodes[4]);
	rc = writer_open(w, &paths, a_runs ? BOOTSTATE_A : BOOTSTATE_B, err);
	if (!rc)
		stage1_open(&w->stage1, disk, &w->state.io);
	return rc;
}
