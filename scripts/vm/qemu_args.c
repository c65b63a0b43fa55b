// SPDX-License-Identifier: Apache-2.0
#include "qemu_args.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accel.h"
#include "lib/io.h"

#define OVMF "/usr/share/OVMF/"
#define COPY_BYTES (1u << 20)

/* Copies what is not a hole. */
static int copy_sparse(int from, int to, uint64_t size_bytes)
{
	static uint8_t buf[COPY_BYTES];
	off_t at = 0;

	while ((uint64_t)at < size_bytes) {
		off_t data = lseek(from, at, SEEK_DATA);
		off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0 || hole < 0)
			return -errno;
		while (data < hole) {
			size_t n = hole - data < (off_t)COPY_BYTES ? (size_t)(hole - data)
								   : COPY_BYTES;
			int rc = io_pread(from, buf, n, (uint64_t)data);

			if (!rc)
				rc = io_pwrite(to, buf, n, (uint64_t)data);
			if (rc)
				return rc;
			data += (off_t)n;
		}
		at = hole;
	}
	return 0;
}

/* SD cards have a size that is a power of two: a copy, padded with a hole. */
static int pad_card(const struct disk *d, const char *dir, int nr, char *ret_path, size_t max,
		    struct err *err)
{
	int from _cleanup_close_ = -1, to _cleanup_close_ = -1;
	uint64_t size = 1 << 20;
	struct stat st;
	int rc;

	from = open(d->path, O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st))
		return err_sys(err, -errno, "%s", d->path);
	while (size < (uint64_t)st.st_size)
		size *= 2;
	if (size == (uint64_t)st.st_size) {
		(void)snprintf(ret_path, max, "%s", d->path);
		return 0;
	}
	if (d->write_through)
		return err_set(err, -EINVAL, "%s: an SD card that is written needs a size of %llu",
			       d->path, (unsigned long long)size);
	(void)snprintf(ret_path, max, "%s/card%d.img", dir, nr);
	to = open(ret_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0 || ftruncate(to, (off_t)size))
		return err_sys(err, -errno, "%s", ret_path);
	rc = copy_sparse(from, to, (uint64_t)st.st_size);
	return rc ? err_sys(err, rc, "copy %s to %s", d->path, ret_path) : 0;
}

/* In qemu's options a comma of a value is written twice. */
static void double_commas(const char *in, char *ret_out, size_t max)
{
	size_t n = 0;

	for (; *in && n + 2 < max; in++) {
		if (*in == ',')
			ret_out[n++] = ',';
		ret_out[n++] = *in;
	}
	ret_out[n] = '\0';
}

/*
 * A node that records, over a file. QEMU writes the log's head with every entry, so that what a
 * killed QEMU leaves can be read. Flushes are entries; the host need not act on them.
 */
static int add_recorder(struct argv *a, const char *node, const char *path, const char *log,
			struct err *err)
{
	char file[PATH_MAX + 64], record[PATH_MAX + 64];
	int fd _cleanup_close_ = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_sys(err, -errno, "%s", log);
	double_commas(path, file, sizeof(file));
	double_commas(log, record, sizeof(record));
	argv_add(a, "-blockdev");
	argv_add(a, "driver=file,node-name=%s-file,filename=%s,cache.no-flush=on", node, file);
	argv_add(a, "-blockdev");
	argv_add(a, "driver=file,node-name=%s-log,filename=%s,cache.no-flush=on", node, record);
	argv_add(a, "-blockdev");
	argv_add(a,
		 "driver=blklogwrites,node-name=%s,file=%s-file,log=%s-log,log-append=on,"
		 "log-super-update-interval=1",
		 node, node, node);
	return 0;
}

/* A node over a file in which one sector is broken. */
static void add_broken(struct argv *a, const char *node, const char *path, unsigned int sector)
{
	char file[PATH_MAX + 64];

	double_commas(path, file, sizeof(file));
	argv_add(a, "-blockdev");
	argv_add(a, "driver=file,node-name=%s-file,filename=%s,cache.no-flush=on", node, file);
	argv_add(a, "-blockdev");
	argv_add(a,
		 "driver=blkdebug,node-name=%s,image=%s-file,"
		 "inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.errno=5,"
		 "inject-error.0.sector=%u,"
		 "inject-error.1.event=none,inject-error.1.iotype=write,inject-error.1.errno=5,"
		 "inject-error.1.sector=%u",
		 node, node, sector, sector);
}

static int add_disk(struct argv *a, const struct disk *d, const char *dir, int nr, struct err *err)
{
	char path[PATH_MAX], escaped[PATH_MAX + 64], boot[32] = "";
	int rc;

	(void)snprintf(path, sizeof(path), "%s", d->path);
	if (access(path, d->write_through ? R_OK | W_OK : R_OK))
		return err_sys(err, -errno, "%s", path);
	if (d->bus == BUS_SDHCI) {
		rc = pad_card(d, dir, nr, path, sizeof(path), err);
		if (rc)
			return rc;
	}
	if (d->record) {
		char node[16];

		(void)snprintf(node, sizeof(node), "disk%d", nr);
		rc = add_recorder(a, node, path, d->record, err);
		if (rc)
			return rc;
	} else if (d->has_bad) {
		char node[16];

		(void)snprintf(node, sizeof(node), "disk%d", nr);
		add_broken(a, node, path, d->bad);
	} else {
		double_commas(path, escaped, sizeof(escaped));
		argv_add(a, "-drive");
		argv_add(a, "file=%s,format=raw,if=none,id=disk%d,cache=unsafe%s%s", escaped, nr,
			 d->write_through || d->read_only ? "" : ",snapshot=on",
			 d->read_only ? ",readonly=on" : "");
	}
	if (d->boot_index >= 0)
		(void)snprintf(boot, sizeof(boot), ",bootindex=%d", d->boot_index);
	if (d->bus == BUS_SDHCI) {
		argv_add(a, "-device");
		argv_add(a, "sdhci-pci,id=sdhci%d", nr);
	}
	argv_add(a, "-device");
	switch (d->bus) {
	case BUS_VIRTIO:
		/* QEMU 7.2 may log zeros apart from their entry. */
		argv_add(a, "virtio-blk-pci,drive=disk%d,serial=cairn%d%s%s", nr, nr, boot,
			 d->record ? ",discard=off,write-zeroes=off" : "");
		break;
	case BUS_NVME:
		argv_add(a, "nvme,drive=disk%d,serial=cairn%d%s", nr, nr, boot);
		break;
	case BUS_AHCI:
		argv_add(a, "ide-hd,drive=disk%d,bus=ide.%d,serial=cairn%d%s", nr, nr % 6, nr,
			 boot);
		break;
	case BUS_USB:
		argv_add(a, "usb-storage,drive=disk%d,bus=xhci.0,removable=on,serial=cairn%d%s", nr,
			 nr, boot);
		break;
	case BUS_SDHCI:
		argv_add(a, "sd-card,drive=disk%d,bus=sd-bus", nr);
		break;
	}
	return 0;
}

static int add_disks(struct argv *a, const struct vm_config *cfg, const char *dir, struct err *err)
{
	int usb = 0, cards = 0;
	int rc = 0;

	for (int i = 0; i < cfg->n_disks; i++) {
		usb += cfg->disks[i].bus == BUS_USB;
		cards += cfg->disks[i].bus == BUS_SDHCI;
	}
	if (cards > 1)
		return err_set(err, -EINVAL, "one disk on sdhci at most");
	if (usb) {
		argv_add(a, "-device");
		argv_add(a, "qemu-xhci,id=xhci");
	}
	for (int i = 0; !rc && i < cfg->n_disks; i++)
		rc = add_disk(a, &cfg->disks[i], dir, i, err);
	return rc;
}

static void add_nets(struct argv *a, const struct vm_config *cfg)
{
	char self[PATH_MAX] = "cairn-vm";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0)
		self[n] = '\0';
	for (int i = 0; i < cfg->n_nets; i++) {
		const char *net = cfg->nets[i];

		argv_add(a, "-netdev");
		if (strncmp(net, "tap=", 4) == 0)
			argv_add(a, "tap,id=net%d,ifname=%s,script=no,downscript=no", i, net + 4);
		else if (strncmp(net, "host=", 5) == 0)
			/* A process for each connection: QEMU's own forwarding has one for all. */
			argv_add(a,
				 "user,id=net%d,restrict=on,"
				 "guestfwd=tcp:10.0.2.100:80-cmd:'%s' --relay %s",
				 i, self, net + 5);
		else
			argv_add(a, "user,id=net%d%s", i, net + strlen("user"));
		argv_add(a, "-device");
		/* No romfile: the firmware has nothing to start from the network. */
		argv_add(a, "%s,netdev=net%d,romfile=,mac=52:54:00:ca:12:%02x", cfg->nic, i, i + 1);
	}
}

static int add_firmware(struct argv *a, const struct vm_config *cfg, const char *vars,
			struct err *err)
{
	argv_add(a, "-machine");
	argv_add(a, "q35,smm=%s%s", cfg->secureboot ? "on" : "off",
		 cfg->vars_record ? ",pflash1=vars" : "");
	if (cfg->secureboot) {
		argv_add(a, "-global");
		argv_add(a, "driver=cfi.pflash01,property=secure,value=on");
	}
	argv_add(a, "-global");
	argv_add(a, "ICH9-LPC.disable_s3=1");
	argv_add(a, "-drive");
	argv_add(a, "if=pflash,unit=0,format=raw,readonly=on,file=%s",
		 cfg->secureboot ? OVMF "OVMF_CODE_4M.secboot.fd" : OVMF "OVMF_CODE_4M.fd");
	if (cfg->vars_record)
		return add_recorder(a, "vars", vars, cfg->vars_record, err);
	argv_add(a, "-drive");
	argv_add(a, "if=pflash,unit=1,format=raw,file=%s", vars);
	return 0;
}

int qemu_args(struct argv *a, const struct vm_config *cfg, const char *dir, const char *vars,
	      struct err *err)
{
	bool kvm = strcmp(cfg->accel, "kvm") == 0 ||
		   (strcmp(cfg->accel, "auto") == 0 && accel_kvm_works());

	argv_add(a, "qemu-system-x86_64");
	argv_add(a, "-nodefaults");
	argv_add(a, "-no-user-config");
	if (add_firmware(a, cfg, vars, err))
		return -EIO;
	argv_add(a, "-accel");
	argv_add(a, "%s", kvm ? "kvm" : "tcg,thread=multi");
	argv_add(a, "-cpu");
	argv_add(a, "%s", kvm ? "host" : "max");
	argv_add(a, "-smp");
	argv_add(a, "%u", cfg->cpus);
	argv_add(a, "-m");
	argv_add(a, "%u", cfg->mem_mib);
	argv_add(a, "-vga");
	argv_add(a, "std");
	argv_add(a, "-display");
	argv_add(a, "none");
	argv_add(a, "-device");
	argv_add(a, "virtio-rng-pci");
	argv_add(a, "-boot");
	argv_add(a, "menu=off,strict=on");
	if (cfg->no_reboot)
		argv_add(a, "-no-reboot");
	if (cfg->rtc) {
		argv_add(a, "-rtc");
		argv_add(a, "base=%s", cfg->rtc);
	}
	if (cfg->watchdog) {
		argv_add(a, "-device");
		argv_add(a, "i6300esb");
		argv_add(a, "-action");
		argv_add(a, "watchdog=reset");
	}
	add_nets(a, cfg);
	return add_disks(a, cfg, dir, err);
}
