// SPDX-License-Identifier: Apache-2.0
/*
 * cut-record: updates a disk image as a machine would, without one, and records each write: the
 * boot state and the slots by the device's own code, GRUB's part by the table that grub.cfg is
 * held against. The disk itself is not changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blockrange.h"
#include "bootstateio.h"
#include "bundle.h"
#include "copy.h"
#include "diskconf.h"
#include "io.h"
#include "logio.h"
#include "slotinstall.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 100
#define MIB (UINT64_C(1) << 20)

static const char usage_text[] =
	"usage: cut-record --disk IMAGE --conf disk.conf --log LOG BUNDLE...\n"
	"Installs each bundle in turn into the slot that does not run, starts it, marks it good.\n"
	"Signatures are not looked at. The log is one of tests/cut/dmlog.h.\n";

enum { STATE, BOOT_A, ROOT_A, BOOT_B, ROOT_B, PARTS };

struct machine {
	struct logio log;
	struct blockrange part[PARTS];
	enum bootstate_slot running;
	struct slotwrite *writer;
};

static int map_file(const char *path, uint8_t **ret, size_t *ret_len, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_sys(err, -errno, "%s", path);
	*ret_len = (size_t)st.st_size;
	*ret = mmap(NULL, *ret_len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	return *ret == MAP_FAILED ? err_sys(err, -errno, "%s", path) : 0;
}

static int machine_open(struct machine *m, const char *disk, const char *conf_path, struct err *err)
{
	static const char *const names[PARTS] = {
		[STATE] = "cairn-state",   [BOOT_A] = "cairn-boot-a", [ROOT_A] = "cairn-root-a",
		[BOOT_B] = "cairn-boot-b", [ROOT_B] = "cairn-root-b",
	};
	uint8_t text[DISKCONF_MAX], *bytes = NULL;
	struct diskconf conf;
	size_t len, size = 0;
	int rc;

	rc = io_read_file(conf_path, text, sizeof(text), &len);
	if (rc)
		return err_sys(err, rc, "%s", conf_path);
	rc = diskconf_parse(text, len, &conf, err);
	if (!rc)
		rc = map_file(disk, &bytes, &size, err);
	if (rc)
		return rc;
	logio_init(&m->log, bytes, size);
	for (unsigned int p = 0; p < PARTS; p++) {
		unsigned int n = diskconf_find(&conf, names[p]);
		uint64_t at = n ? conf.parts[n - 1].start_mib * MIB : 0;
		uint64_t part_bytes = n ? conf.parts[n - 1].size_mib * MIB : 0;

		if (!n || at + part_bytes > size)
			return err_set(err, -EINVAL, "%s: no room for %s", disk, names[p]);
		blockrange_init(&m->part[p], &m->log.io, at, part_bytes);
	}
	m->writer = slotwrite_new();
	return m->writer ? 0 : err_sys(err, -ENOMEM, "writer");
}

/* Power on: GRUB notes what it starts. */
static int start(struct machine *m, struct err *err)
{
	static const uint32_t at[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	const struct blockio *io = &m->part[STATE].io;
	struct bootstate_machine grub = {
		.takes = { true, true }, .loads_a = true, .loads_b = true, .esp = 1
	};
	struct bootstate_boot boot;
	uint8_t buf[BOOTSTATE_SIZE];
	int rc = 0;

	for (unsigned int c = 0; c < 2 && !rc; c++) {
		rc = io->read(io->ctx, buf, sizeof(buf), at[c]);
		if (!rc && bootstate_parse(buf, sizeof(buf), &grub.copy[c]))
			memset(&grub.copy[c], 0, sizeof(grub.copy[c]));
	}
	boot = bootstate_next(&grub);
	for (unsigned int c = 0; c < 2 && !rc; c++) {
		if (copy_equal(&boot.copy[c], &grub.copy[c]))
			continue;
		bootstate_format(&boot.copy[c].state, boot.copy[c].sequence, buf);
		rc = io->write(io->ctx, buf, sizeof(buf), at[c]);
		if (!rc)
			rc = io->flush(io->ctx);
	}
	m->running = boot.started;
	if (!rc && m->running == BOOTSTATE_NONE)
		return err_set(err, -EIO, "GRUB starts nothing");
	return rc ? err_sys(err, rc, "boot state") : 0;
}

struct file_source {
	const uint8_t *bytes;
	uint64_t len, at;
};

static int file_begin(void *ctx, uint64_t offset, uint64_t len, struct err *err)
{
	struct file_source *f = ctx;

	if (offset > f->len || len > f->len - offset)
		return err_set(err, -ENODATA, "the bundle ends too soon");
	f->at = offset;
	return 0;
}

static int file_pull(void *ctx, void *ret_buf, size_t len, struct err *err)
{
	struct file_source *f = ctx;

	if (len > f->len - f->at)
		return err_set(err, -ENODATA, "the bundle ends too soon");
	memcpy(ret_buf, f->bytes + f->at, len);
	f->at += len;
	return 0;
}

static int install(struct machine *m, const char *path, struct err *err)
{
	bool to_b = m->running == BOOTSTATE_A;
	enum bootstate_slot slot = bootstate_other(m->running);
	const struct slotwrite_target targets[] = {
		{ BUNDLE_BOOT, &m->part[to_b ? BOOT_B : BOOT_A].io, "boot",
		  &m->part[to_b ? BOOT_A : BOOT_B].io, "old boot" },
		{ BUNDLE_ROOT, &m->part[to_b ? ROOT_B : ROOT_A].io, "root",
		  &m->part[to_b ? ROOT_A : ROOT_B].io, "old root" },
	};
	struct file_source file = { 0 };
	struct piecefeed_source source = { &file, file_begin, file_pull };
	struct slotwrite_job job = { .targets = targets, .count = 2, .source = &source };
	struct slotwrite_result result;
	static struct signed_doc doc;
	enum slotinstall_step step;
	static struct bundle bundle;
	uint8_t *bytes = NULL;
	size_t len = 0;
	int rc;

	rc = map_file(path, &bytes, &len, err);
	if (!rc)
		rc = signed_split(bytes, len, &doc, err);
	if (!rc)
		rc = bundle_parse(doc.document, doc.document_len, &bundle, err);
	if (!rc && len - doc.total < bundle.tables_bytes)
		rc = err_set(err, -EBADMSG, "%s: its tables are cut short", path);
	if (!rc)
		rc = bundle_tables_check(&bundle, bytes + doc.total, bundle.tables_bytes, err);
	if (rc)
		return rc;
	file.bytes = bytes;
	file.len = len;
	job.bundle = &bundle;
	job.tables = bytes + doc.total;
	job.head_bytes = doc.total;
	rc = slotinstall_write(&m->part[STATE].io, m->running, slot, m->writer, &job, &result,
			       &step, err);
	if (!rc)
		rc = slotinstall_activate(&m->part[STATE].io, m->running, slot, err);
	if (!rc)
		(void)printf("%s: release %llu into slot %s, %llu bytes written\n", path,
			     (unsigned long long)bundle.release, bootstate_name(slot),
			     (unsigned long long)result.written_bytes);
	return rc;
}

static int mark_good(struct machine *m, struct err *err)
{
	struct bootstateio s;
	int rc = bootstateio_load(&m->part[STATE].io, m->running, &s, err);

	if (!rc)
		rc = bootstate_mark_good(&s.state, m->running);
	return rc ? rc : bootstateio_store(&m->part[STATE].io, &s, err);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "disk", required_argument, NULL, 'd' },
		{ "conf", required_argument, NULL, 'c' },
		{ "log", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char *disk = NULL, *conf = NULL, *log = NULL;
	static struct machine m;
	struct err err = { "" };
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		disk = opt == 'd' ? optarg : disk;
		conf = opt == 'c' ? optarg : conf;
		log = opt == 'l' ? optarg : log;
	}
	if (!disk || !conf || !log || optind == argc) {
		(void)fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	rc = machine_open(&m, disk, conf, &err);
	if (!rc)
		rc = start(&m, &err);
	for (; !rc && optind < argc; optind++) {
		rc = install(&m, argv[optind], &err);
		if (!rc)
			rc = start(&m, &err);
		if (!rc)
			rc = mark_good(&m, &err);
	}
	if (!rc) {
		rc = io_replace_file(log, m.log.log, m.log.len, 0666);
		if (rc)
			(void)err_sys(&err, rc, "%s", log);
	}
	if (rc)
		(void)fprintf(stderr, "cut-record: %s\n", err.msg);
	logio_release(&m.log);
	free(m.writer);
	return rc ? EXIT_REFUSED : 0;
}
