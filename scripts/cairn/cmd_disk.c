// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blockio.h"
#include "diskconf.h"
#include "gpt.h"
#include "io.h"

#define MIB (UINT64_C(1) << 20)

static int load_conf(const char *path, struct diskconf *ret, struct err *err)
{
	uint8_t *text = NULL;
	size_t len;
	int rc = cmd_load(path, DISKCONF_MAX, 0, &text, &len, err);

	if (rc)
		return rc;
	rc = diskconf_parse(text, len, ret, err);
	free(text);
	if (rc) {
		err_prefix(err, "%s", path);
		return CMD_REFUSED;
	}
	return 0;
}

static int make_table(const struct diskconf *conf, struct gpt *g, struct err *err)
{
	unsigned int i;

	if (gpt_init(g, conf->image_mib * MIB / GPT_SECTOR_BYTES, conf->disk_guid))
		return err_set(err, CMD_REFUSED, "an image of %u MiB is too small",
			       conf->image_mib);
	for (i = 0; i < DISKCONF_PARTS_MAX; i++) {
		const struct diskconf_part *p = &conf->parts[i];
		struct gpt_part part = {
			.first_lba = p->start_mib * MIB / GPT_SECTOR_BYTES,
			.last_lba = (p->start_mib + p->size_mib) * MIB / GPT_SECTOR_BYTES - 1,
		};
		int rc;

		if (!p->name[0])
			continue;
		memcpy(part.type, p->type, sizeof(part.type));
		memcpy(part.guid, p->guid, sizeof(part.guid));
		memcpy(part.name, p->name, sizeof(p->name));
		rc = gpt_set(g, i + 1, &part);
		if (rc)
			return err_sys(err, rc, "partition %u", i + 1);
	}
	return 0;
}

/* `esp=FILE` stands for the partition named cairn-esp. */
static int place(const struct diskconf *conf, int fd, char *arg, struct err *err)
{
	char *equals = strchr(arg, '='), name[GPT_NAME_MAX + 1];
	const struct diskconf_part *part;
	unsigned int number;
	uint64_t size;
	int rc;

	if (!equals)
		return cmd_usage(err, "`%s`: PARTITION=FILE", arg);
	(void)snprintf(name, sizeof(name), "cairn-%.*s", (int)(equals - arg), arg);
	number = diskconf_find(conf, name);
	if (!number)
		return cmd_usage(err, "`%.*s`: the layout has no partition %s", (int)(equals - arg),
				 arg, name);
	part = &conf->parts[number - 1];
	rc = cmd_file_size(equals + 1, &size, err);
	if (rc)
		return rc;
	if (size > part->size_mib * MIB)
		return err_set(err, CMD_REFUSED,
			       "%s has %llu bytes; partition %s holds %llu (p%u_size_mib)",
			       equals + 1, (unsigned long long)size, name,
			       (unsigned long long)(part->size_mib * MIB), number);
	return cmd_copy_into(fd, part->start_mib * MIB, equals + 1, size, err);
}

static int write_image(const struct diskconf *conf, int fd, char **parts, int n, struct err *err)
{
	struct gpt *g _cleanup_free_ = malloc(sizeof(*g));
	struct blockio io;
	int rc, i;

	if (!g)
		return err_set(err, -ENOMEM, "no memory");
	if (ftruncate(fd, (off_t)(conf->image_mib * MIB)))
		return err_sys(err, -errno, "make the image %u MiB long", conf->image_mib);
	rc = make_table(conf, g, err);
	for (i = 0; !rc && i < n; i++)
		rc = place(conf, fd, parts[i], err);
	if (!rc)
		rc = blockio_open_fd(&fd, &io, err);
	return rc ? rc : gpt_write(&io, g, true, err);
}

int cmd_disk(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct diskconf conf;
	const char *conf_path = NULL, *out;
	int fd _cleanup_close_ = -1;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'c')
			return CMD_USAGE;
		conf_path = optarg;
	}
	if (!conf_path || argc - optind < 2)
		return cmd_usage(err, "OUT, --conf and at least one PARTITION=FILE");
	out = argv[optind++];
	rc = load_conf(conf_path, &conf, err);
	if (rc)
		return rc;
	fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, -errno, "create %s", out);
	rc = write_image(&conf, fd, argv + optind, argc - optind, err);
	if (rc)
		(void)unlink(out);
	return rc;
}
