// SPDX-License-Identifier: Apache-2.0
/*
 * The installer: runs instead of the normal services where the signed command line has
 * cairn.install=, writes this system to the internal disk described there, and powers off.
 * It never asks and never guesses: what is not clear is refused, with the reason on the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "agent/core/privileges.h"
#include "agent/init/client.h"
#include "agent/init/console.h"
#include "agent/initrd/disks.h"
#include "agent/initrd/uevent.h"
#include "lib/cmdline.h"
#include "lib/installpick.h"
#include "lib/installwrite.h"
#include "lib/io.h"
#include "targets.h"

#define TARGETS_MAX 32
/* Disks have appeared when nothing was said about any for so long; never wait longer than ... */
#define QUIET_MS 3000
#define QUIET_DEADLINE_MS 30000
/* A person reads why before the machine goes off; it does not restart, so nothing loops. */
#define FAILED_PAUSE_MS 120000
/* conf/disk.conf: p7_size_mib. The first boot grows it. */
#define DATA_SECTORS (16u << 11)

struct plan {
	char version[64];
	struct installspec spec;
	struct disks_wanted root;
	char source_name[DISKS_NAME_MAX];
	unsigned int root_part;
	struct installpick_disk target;
};

/* The value of a line key=value. */
static int line_value(const char *text, const char *key, char *ret, size_t max)
{
	size_t key_len = strlen(key), len;

	while (text && *text) {
		if (strncmp(text, key, key_len) == 0 && text[key_len] == '=') {
			text += key_len + 1;
			len = strcspn(text, "\n");
			if (len >= max)
				return -EINVAL;
			memcpy(ret, text, len);
			ret[len] = '\0';
			return 0;
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return -ENOENT;
}

static int read_plan(struct plan *p, struct err *err)
{
	static char cmdline[4096];
	char text[1024], spec[INSTALLSPEC_MAX + 1], disk[64], part[8];
	int rc = io_read_file("/proc/cmdline", cmdline, sizeof(cmdline), NULL);

	if (rc)
		return err_sys(err, rc, "cannot read /proc/cmdline");
	if (cmdline_get(cmdline, "cairn.install", spec, sizeof(spec)))
		return err_set(err, -EINVAL, "the command line has no valid cairn.install");
	if (cmdline_get(cmdline, "cairn.version", p->version, sizeof(p->version)))
		return err_set(err, -EINVAL, "the command line has no valid cairn.version");
	rc = installspec_parse(spec, strlen(spec), &p->spec, err);
	if (!rc)
		rc = disks_read_wanted(&p->root, err);
	if (rc)
		return rc;
	if (io_read_file("/run/cairn/boot", text, sizeof(text), NULL) ||
	    line_value(text, "disk", disk, sizeof(disk)) ||
	    line_value(text, "rootpart", part, sizeof(part)) || strncmp(disk, "/dev/", 5) != 0 ||
	    strlen(disk + 5) >= sizeof(p->source_name))
		return err_set(err, -EINVAL, "/run/cairn/boot does not say where this runs from");
	(void)strcpy(p->source_name, disk + 5);
	p->root_part = (unsigned int)strtoul(part, NULL, 10);
	return 0;
}

/* Two fitting disks are refused, so every disk must be there before the choice. */
static int wait_for_disks(struct err *err)
{
	int fd _cleanup_close_ = uevent_open(err);
	int64_t deadline = uevent_now_ms() + QUIET_DEADLINE_MS;

	if (fd < 0)
		return fd;
	while (uevent_now_ms() < deadline && uevent_wait_block(fd, uevent_now_ms() + QUIET_MS))
		;
	return 0;
}

static int pick_target(struct plan *p, struct err *err)
{
	static struct installpick_disk disks[TARGETS_MAX];
	size_t count, i;
	int rc;

	count = targets_list(p->source_name, disks, TARGETS_MAX);
	for (i = 0; i < count; i++)
		console_say("install sees disk=/dev/%s transport=\"%s\" size_mib=%" PRIu64
			    " model=\"%s\"%s",
			    disks[i].name, install_transport_name(disks[i].transport),
			    disks[i].size_bytes >> 20, disks[i].model,
			    disks[i].is_source ? " (runs from it)" : "");
	rc = installpick(&p->spec, disks, count, err);
	if (rc < 0)
		return rc;
	p->target = disks[rc];
	return 0;
}

static void progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	static char last[64];
	const struct install_job *job = ctx;
	char now[64];

	/* A line a partition and phase: a serial console is slow and a log is short. */
	if (done < total)
		return;
	(void)snprintf(now, sizeof(now), "%s: %s done", job->step, phase);
	if (strcmp(now, last) == 0)
		return;
	(void)strcpy(last, now);
	console_say("install %s", now);
}

static int open_disk(const char *name, int flags, int *ret_fd, struct blockio *ret, struct err *err)
{
	char node[DISKS_NODE_MAX];

	(void)snprintf(node, sizeof(node), "/dev/%.31s", name);
	*ret_fd = open(node, flags | O_CLOEXEC);
	if (*ret_fd < 0)
		return err_sys(err, -errno, "cannot open %s", node);
	return blockio_open_fd(ret_fd, ret, err);
}

static int install(const struct plan *p, struct err *err)
{
	static uint8_t buf[2 * BLOCKIO_CHUNK_BYTES];
	static struct gpt source_table, old_table, table;
	int source_fd _cleanup_close_ = -1, target_fd _cleanup_close_ = -1;
	struct blockio source, target;
	struct install_job job;
	enum install_content content;
	const char *what;
	bool keep;
	int rc;

	rc = open_disk(p->source_name, O_RDONLY, &source_fd, &source, err);
	if (!rc)
		rc = gpt_read(&source, &source_table, err);
	/* O_EXCL: nothing of the disk is mounted or mapped, and nothing will be meanwhile. */
	if (!rc)
		rc = open_disk(p->target.name, O_RDWR | O_EXCL, &target_fd, &target, err);
	if (!rc)
		rc = install_probe(&target, &source_table, buf, &content, &what, &old_table, err);
	if (!rc)
		rc = install_allowed(&p->spec, content, what, err);
	if (rc)
		return rc;
	keep = content == INSTALL_CAIRN && p->spec.keep_data;
	rc = install_table(&source_table, target.size_bytes / GPT_SECTOR_BYTES, DATA_SECTORS,
			   keep ? &old_table : NULL, &table, err);
	if (rc)
		return rc;
	console_say("install writes disk=/dev/%s over=\"%s\" data=%s", p->target.name, what,
		    keep ? "kept" : "new");
	job = (struct install_job){
		.source = &source,
		.source_table = &source_table,
		.target = &target,
		.table = &table,
		.root_part = p->root_part,
		.data_blocks = p->root.data_blocks,
		.salt = p->root.salt,
		.salt_size = p->root.salt_size,
		.root = p->root.root,
		.keep_data = keep,
		.progress = progress,
	};
	return install_write(&job, buf, err);
}

static _Noreturn void power_off(void)
{
	struct err err;

	sync();
	if (client_order(INIT_SOCKET, INIT_OP_POWEROFF, NULL, &err))
		(void)reboot(RB_POWER_OFF);
	/* init ends this process when its turn comes. */
	for (;;)
		(void)poll(NULL, 0, -1);
}

int main(void)
{
	static struct plan plan;
	struct err err = { "unknown" };
	char why[sizeof(err.msg)], *p;
	int rc;

	console_open();
	rc = sandbox_enter(privileges_of("install"), &err);
	if (!rc)
		rc = read_plan(&plan, &err);
	if (!rc)
		rc = wait_for_disks(&err);
	if (!rc)
		rc = pick_target(&plan, &err);
	if (!rc) {
		rc = install(&plan, &err);
		if (rc)
			err_prefix(&err, "/dev/%s", plan.target.name);
	}
	if (!rc) {
		console_say("installed disk=/dev/%s version=%s", plan.target.name, plan.version);
		power_off();
	}
	(void)snprintf(why, sizeof(why), "%s", err.msg);
	for (p = why; *p; p++)
		if (*p == '"')
			*p = '\'';
	console_say("failed what=install why=\"%s\"", why);
	(void)poll(NULL, 0, FAILED_PAUSE_MS);
	power_off();
}
